"""Keeps one environment on one cluster as Git wants it: a state machine, told the time.

It is told what Git wants and what the cluster has, and says what to apply, delete and write down.
A newer commit takes over from one in progress when the open requests are answered; a commit that
is no good leaves the last good state, which is still kept from drifting. When nothing changes it
asks for nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kiban.delivery.changes import Item, Wanted, blast_problem, fingerprint
from kiban.delivery.compare import missing_from
from kiban.delivery.execution import Execution
from kiban.delivery.follows import follows_of
from kiban.delivery.healing import HealTimes
from kiban.delivery.judgement import Judge
from kiban.delivery.live import Live
from kiban.delivery.marks import Scope, service_of
from kiban.delivery.messages import (
    Answer,
    Append,
    Applied,
    Ask,
    Commit,
    Desired,
    Follow,
    Gone,
    Listed,
    Observation,
    Seen,
    Undeliverable,
)
from kiban.delivery.order import wave_numbers
from kiban.delivery.record import images_of, record_manifest, recorded_commit
from kiban.delivery.reporting import (
    are_starting,
    failed_services,
    failure_problems,
    is_well,
    refusal_text,
    service_statuses,
    step_statuses,
)
from kiban.delivery.secret_values import is_met
from kiban.delivery.status import DeliveryStatus, Phase, StepStatus
from kiban.delivery.sync import Work, plan_sync, secret_key
from kiban.kube.objects import SECRET, Key
from kiban.plans.records import Event, PlanClosed, PlanOpened, Record
from kiban.plans.run import PlanRun
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import Problem

# The pause before a failed plan is tried again, doubled each time.
RETRY_SECONDS = 5.0
RETRY_LIMIT_SECONDS = 300.0
# Drifted objects that one event names; the others are counted.
NAMED_OBJECTS = 5
# Drift of more objects at once is treated as a new installation, in waves.
HEALED_OBJECTS = 20


class Delivery:
    """One environment on one cluster.

    `makes_secrets` is for the embedded cluster, where missing Secrets are made. `unfinished` are
    the plans that an earlier process left open.
    """

    def __init__(
        self,
        scope: Scope,
        *,
        makes_secrets: bool = False,
        allow_delete: bool = False,
        unfinished: Iterable[PlanOpened] = (),
    ) -> None:
        self.scope = scope
        self.live = Live()
        # Grows with whatever could change the status.
        self.version = 0
        self._makes_secrets, self._allow_delete = makes_secrets, allow_delete
        self._unfinished = list(unfinished)
        self._judge = Judge(self.live)
        self._heals = HealTimes()
        # What Git wants: now, next, and the newest commit that was seen.
        self._desired: Desired | None = None
        self._next: Desired | None = None
        self._newest: Commit | None = None
        self._wanted: Wanted | None = None
        self._follows: tuple[Follow, ...] = ()
        self._watched: dict[str, tuple[Key, ...]] = {}
        self._waves: Mapping[str, int] = {}
        # What stands in the way: of the newest commit, of this one, and of its deletions.
        self._rejected: tuple[Problem, ...] = ()
        self._blocked: tuple[Problem, ...] = ()
        self._blast: tuple[Problem, ...] = ()
        # What is being done: a sync, and beside it the healing of drift.
        self._execution: Execution | None = None
        self._healing: Execution | None = None
        # The objects that were as wanted, or applied, since the commit became the wanted one:
        # only what happens to these is drift.
        self._confirmed: dict[Key, None] = {}
        # How the last plan failed.
        self._failure = ""
        self._failures = 0
        self._failed: frozenset[str] = frozenset()
        self._retry_at: Instant | None = None
        self._look_at_all = True
        self._nudge = False
        self._settled: dict[Key, frozenset[str]] = {}
        self._records: list[Record] = []
        self._phase: Phase = "waiting"
        self._since = Instant(0)

    # What delivery is told

    def observe(self, observation: Observation, now: Instant) -> None:
        """Take in what Git wants or what the cluster has."""
        self.version += 1
        self._nudge = True
        match observation:
            case Desired():
                self._take_commit(observation)
            case Undeliverable():
                self._newest, self._rejected = observation.commit, observation.problems
                self._tell("delivery/commit-refused", refusal_text(observation))
            case Listed():
                self.live.listed(observation)
            case Seen():
                self.live.seen(observation)
            case Gone():
                self.live.gone(observation)

    def post(self, answer: Answer, now: Instant) -> None:
        """Take the answer to an ask."""
        self.version += 1
        self._nudge = True
        if isinstance(answer, Applied):
            self._settle(answer)
            self.live.seen(Seen(answer.object))
        for execution in self._executions():
            execution.post(answer, now)

    def follows(self) -> tuple[Follow, ...]:
        """What of the cluster delivery needs to see, once it knows what Git wants."""
        return self._follows

    # What delivery wants

    def step(self, now: Instant) -> list[Ask]:
        """What to do now, in order; the driver calls again after every answer or observation."""
        asks: list[Ask] = []
        if self._next is not None and all(one.is_quiet for one in self._executions()):
            self._change_over(self._next)
        is_over = True
        while is_over:
            if self._wanted is not None and self._can_look():
                self._look(self._wanted, now)
            # What ends makes room for what has been waiting.
            ended = [self._advance(one, asks, now) for one in self._executions()]
            is_over = any(ended)
        self._nudge = False
        self._update_phase(now)
        if self._records:
            asks.insert(0, Append(tuple(self._records)))
            self._records.clear()
        return asks

    def next_due(self) -> Instant | None:
        """When to call `step` again if nothing happens before, or None."""
        times = [one.run.next_due() for one in self._executions()]
        if self._execution is None:
            times.append(self._retry_at)
        if self._healing is None:
            times.append(self._heals.next_due(self.live.dirty))
        return min((time for time in times if time is not None), default=None)

    def status(self) -> DeliveryStatus:
        """Where the delivery stands now."""
        run = self._execution.run if self._execution else None
        desired = self._desired
        failures = failure_problems(self._failure, self.scope)
        return DeliveryStatus(
            subject=self.scope.subject,
            phase=self._phase,
            commit=desired.commit if desired else None,
            delivered=recorded_commit(self.live, self.scope),
            newest=self._newest,
            plan=run.plan.id if run else "",
            message=run.plan.words if run else self._failure,
            since=self._since,
            services=service_statuses(self._watched, self._waves, self._judge, run),
            problems=(*self._rejected, *self._blocked, *self._blast, *failures),
            addresses=desired.bundle.addresses if desired else {},
        )

    def plan_steps(self) -> tuple[StepStatus, ...]:
        """The steps of the running plan, in its order; none when none runs."""
        return step_statuses(self._execution.run) if self._execution else ()

    # Commits

    def _take_commit(self, desired: Desired) -> None:
        self._newest, self._rejected = desired.commit, ()
        if self._next is None and desired == self._desired:
            return
        self._next = desired
        for execution in self._executions():
            execution.run.stop("superseded", f"{desired.commit.short} is newer")

    def _change_over(self, desired: Desired) -> None:
        """Make the next commit the wanted one."""
        for execution in self._executions():
            self._records += execution.take_records()
        self._execution = self._healing = None
        self._confirmed.clear()
        self._desired, self._next = desired, None
        self._wanted = Wanted(desired.bundle, self.scope)
        self._watched = _watched(self._wanted)
        self._waves = wave_numbers(desired.bundle.needs)
        self._forget_failure()
        self._retry_at, self._blocked, self._blast = None, (), ()
        self._look_at_all = True
        self._follows = follows_of(desired.bundle, self.scope)
        for follow in self.live.follows():
            if follow not in self._follows:
                self.live.forget(follow)

    # Looking

    def _can_look(self) -> bool:
        return self._wanted is not None and all(map(self.live.has_listed, self._follows))

    def _look(self, wanted: Wanted, now: Instant) -> None:
        """Compare what has changed, and plan what is to be done about it."""
        if self._execution is None and self._healing is None:
            if self._retry_at is not None and now >= self._retry_at:
                self._retry_at, self._look_at_all = None, True
            if self._look_at_all or any(self._is_news(key) for key in self.live.dirty):
                self._look_at_everything(wanted, now)
        if self._healing is None and self.live.dirty and not self._blocked:
            self._heal(wanted, now)

    def _is_news(self, key: Key) -> bool:
        """Whether a change of this object is more than drift of what is wanted."""
        assert self._wanted is not None
        if self._blocked:
            return True
        if key in self._wanted.manifests:
            # The health of a service whose failure holds up others.
            return self._retry_at is not None and self._service(key) in self._failed
        if key.group_kind == SECRET and key in self._wanted.needed_secrets:
            return True
        live = self.live.get(key)
        if key == self.scope.record_key:
            return live is None
        return live is not None and self.scope.may_prune(live)

    def _look_at_everything(self, wanted: Wanted, now: Instant) -> None:
        self._look_at_all = False
        self.live.dirty.clear()
        self._blocked = tuple(wanted.claims(self.live))
        if self._blocked or (self._retry_at is not None and not self._is_recovered()):
            return
        work = self._work(wanted)
        if self._is_worth_a_plan(work):
            self._start(work, now)
        else:
            self._close_finished()

    def _work(self, wanted: Wanted) -> Work:
        """Everything that is not as wanted."""
        unwanted = wanted.unwanted(self.live)
        problem = None if self._allow_delete else blast_problem(unwanted, self.live, self.scope)
        self._blast = (problem,) if problem else ()
        secrets = [
            need
            for need in wanted.bundle.secrets
            if not is_met(need, self.live.get(secret_key(need)))
        ]
        items = wanted.items(wanted.manifests, self.live, self._settled)
        # Drift of the time when nobody looked is told once, not at every retry.
        drifted = [
            item
            for item in items
            if item.key in self._confirmed or (item.reason == "drifted" and not self._failures)
        ]
        if drifted:
            self._tell_drift(drifted)
        self._confirmed = dict.fromkeys(wanted.manifests)
        for item in items:
            del self._confirmed[item.key]
        return Work(
            items=items,
            unwanted=() if problem else unwanted,
            secrets=secrets,
            makes_secrets=self._makes_secrets,
            waits=self._failed | are_starting(self._watched, self._judge),
            needs=wanted.bundle.needs,
            watched=self._watched,
        )

    def _is_worth_a_plan(self, work: Work) -> bool:
        assert self._desired is not None
        if work.items or work.unwanted or work.secrets:
            return True
        return recorded_commit(self.live, self.scope) != self._desired.commit.id

    def _is_recovered(self) -> bool:
        """Whether what failed is well now, so that there is no need to wait for the retry."""
        return bool(self._failed) and all(map(self._is_well, sorted(self._failed)))

    # Acting

    def _start(self, work: Work, now: Instant) -> None:
        id_ = f"sync-{self.scope.environment}-{now}"
        self._retry_at = None
        for opened in self._unfinished:
            message = f"its process ended; {id_} goes on from what the cluster has"
            self._close(opened, PlanClosed(opened.plan.id, "", "abandoned", message))
        self._unfinished.clear()
        self._execution = self._execute(id_, work)

    def _execute(self, id_: str, work: Work, reason: str = "") -> Execution:
        assert self._desired is not None
        plan = plan_sync(id_, self.scope.subject, self._desired.commit, work, reason=reason)
        self._records.append(PlanOpened(plan.plan))
        record = record_manifest(self.scope, self._desired)
        return Execution(plan, self._judge, self.scope, self._watched, record)

    def _executions(self) -> tuple[Execution, ...]:
        return tuple(one for one in (self._execution, self._healing) if one is not None)

    def _advance(self, execution: Execution, asks: list[Ask], now: Instant) -> bool:
        """Add what is due to the asks; whether the execution came to its end."""
        if self._nudge:
            execution.run.nudge()
        asks += execution.step(now)
        self._records += execution.take_records()
        if not (execution.run.ending and execution.is_quiet and self._next is None):
            return False
        self.version += 1
        if execution is self._healing:
            self._healing = None
            self._finish_healing(execution)
        else:
            self._execution = None
            self._finish(execution.run, now)
        return True

    def _finish(self, run: PlanRun, now: Instant) -> None:
        self._look_at_all = True
        if run.ending == "done":
            self._delivered(run.plan.id)
            return
        pause = min(RETRY_LIMIT_SECONDS, RETRY_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        self._failure, self._retry_at = run.message, later(now, pause)
        self._failed = failed_services(run)

    def _finish_healing(self, execution: Execution) -> None:
        if execution.run.ending != "done":
            # Each is looked at again when its pause is over.
            for items in execution.plan.items.values():
                self.live.dirty |= dict.fromkeys(item.key for item in items)

    def _delivered(self, plan: str) -> None:
        assert self._desired is not None
        self._forget_failure()
        commit = self._desired.commit
        data = {"commit": commit.id, "images": images_of(self._desired)}
        message = f"{commit.short} is delivered to {self.scope.subject}"
        self._tell("delivery/delivered", message, plan, data)

    def _forget_failure(self) -> None:
        self._failure, self._failures, self._failed = "", 0, frozenset()

    def _close_finished(self) -> None:
        """Plans of an earlier process that did everything but say so."""
        for opened in self._unfinished:
            self._close(opened, PlanClosed(opened.plan.id, "", "done", "found complete"))
            if opened.plan.kind == "sync":
                self._delivered(opened.plan.id)
        self._unfinished.clear()

    def _close(self, opened: PlanOpened, closed: PlanClosed) -> None:
        plan = opened.plan
        self._records.append(
            PlanClosed(plan.id, plan.subject, closed.ending, closed.message, plan.facts)
        )

    # Drift

    def _heal(self, wanted: Wanted, now: Instant) -> None:
        """Bring back what was as wanted and no longer is, also while a sync waits for others."""
        keys = [
            key
            for key in self._heals.take_ripe(self.live.dirty, now)
            if key in self._confirmed
            and not (self._execution is not None and self._execution.owns(key))
        ]
        items = wanted.items(keys, self.live, self._settled)
        if not items:
            return
        if self._execution is None and self._retry_at is None and len(items) > HEALED_OBJECTS:
            # So much is no drift but a loss, and is brought back in its order.
            self._look_at_everything(wanted, now)
            return
        reason = self._tell_drift(items)
        for item in items:
            self._heals.healed(item.key, now)
        work = Work(items=items, needs=wanted.bundle.needs)
        self._healing = self._execute(f"heal-{self.scope.environment}-{now}", work, reason)

    def _tell_drift(self, items: Sequence[Item]) -> str:
        """Write down what was changed by hand; one line about it."""
        more = f" and {len(items) - NAMED_OBJECTS} more" if len(items) > NAMED_OBJECTS else ""
        text = "; ".join(map(_drift_text, items[:NAMED_OBJECTS])) + more
        self._tell("delivery/drift", text, data={"objects": [str(item.key) for item in items]})
        return text

    def _settle(self, applied: Applied) -> None:
        """What still differs right after an apply is how the server writes it."""
        if self._wanted is None or applied.key not in self._wanted.manifests:
            return
        self._confirmed[applied.key] = None
        found = missing_from(applied.object, self._wanted.manifests[applied.key])
        self._settled[applied.key] = frozenset(fingerprint(entry) for entry in found)

    # Telling

    def _update_phase(self, now: Instant) -> None:
        phase = self._judged_phase()
        if phase != self._phase:
            self._phase, self._since = phase, now
            self.version += 1

    def _judged_phase(self) -> Phase:
        if self._execution is not None:
            return "syncing"
        if self._blocked or (self._wanted is None and self._rejected):
            return "refused"
        if not self._can_look():
            return "waiting"
        if self._retry_at is not None:
            return "failing"
        return "synced" if all(map(self._is_well, self._watched)) else "degraded"

    def _is_well(self, service: str) -> bool:
        return is_well(service, self._watched, self._judge)

    def _service(self, key: Key) -> str:
        assert self._wanted is not None
        return service_of(self._wanted.manifests[key])

    def _tell(
        self, code: str, message: str, plan: str = "", data: Mapping[str, Any] | None = None
    ) -> None:
        self._records.append(Event(code, self.scope.subject, message, plan, data or {}))


def _watched(wanted: Wanted) -> dict[str, tuple[Key, ...]]:
    """The objects of each service; those of the environment itself are not among them."""
    found: dict[str, list[Key]] = {}
    for key, manifest in sorted(wanted.manifests.items()):
        if service := service_of(manifest):
            found.setdefault(service, []).append(key)
    return {service: tuple(keys) for service, keys in found.items()}


def _drift_text(item: Item) -> str:
    return f"{item.key} was deleted" if item.reason == "new" else f"{item} was changed"
