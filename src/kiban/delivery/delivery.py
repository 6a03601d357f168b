"""Keeps one environment on one cluster as Git wants it: a state machine, told the time.

It is told what Git wants and what the cluster has, and says what to apply, delete and write down.
A newer commit takes over from one in progress when the open requests are answered; a commit that
is no good leaves the last good state, which is still kept from drifting. When nothing changes it
asks for nothing.
"""

from collections.abc import Iterable, Mapping

from kiban.delivery.changes import Item, Wanted, blast_problem, fingerprint
from kiban.delivery.compare import missing_from
from kiban.delivery.execution import Execution
from kiban.delivery.judgement import WELL, Judge
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
from kiban.delivery.secret_values import is_met
from kiban.delivery.status import DeliveryStatus, ObjectStatus, Phase, ServiceStatus, StepStatus
from kiban.delivery.sync import SyncPlan, Work, plan_sync, secret_key, service_step
from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import NAMESPACE, POD, SECRET, GroupKind, Key
from kiban.plans.records import Event, PlanClosed, PlanOpened, Record
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import Place, Problem

# What the compiler emits, and so what may have to be pruned.
EMITTED_KINDS: tuple[GroupKind, ...] = tuple(
    GroupKind(group, kind)
    for group, kind in (
        ("", "ConfigMap"), ("", "LimitRange"), ("", "Namespace"), ("", "PersistentVolumeClaim"),
        ("", "ResourceQuota"), ("", "Secret"), ("", "Service"), ("", "ServiceAccount"),
        ("apps", "Deployment"), ("apps", "StatefulSet"),
        ("autoscaling", "HorizontalPodAutoscaler"), ("batch", "CronJob"), ("batch", "Job"),
        ("networking.k8s.io", "Ingress"), ("networking.k8s.io", "NetworkPolicy"),
        ("policy", "PodDisruptionBudget"), ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
    )
)  # fmt: skip

# The pause before a failed plan is tried again, doubled each time.
RETRY_SECONDS = 5.0
RETRY_LIMIT_SECONDS = 300.0
# An object that drifts again and again is healed after growing pauses, the first time at once.
HEAL_SECONDS = 1.0
HEAL_LIMIT_SECONDS = 300.0
# After so long without drift an object is healed at once again.
CALM_SECONDS = 600.0


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
        self._judge = Judge(self.live)
        # Grows with whatever could change the status.
        self.version = 0
        self._makes_secrets, self._allow_delete = makes_secrets, allow_delete
        self._unfinished = list(unfinished)
        self._desired: Desired | None = None
        self._next: Desired | None = None
        self._wanted: Wanted | None = None
        self._watched: dict[str, tuple[Key, ...]] = {}
        self._waves: Mapping[str, int] = {}
        self._newest: Commit | None = None
        self._rejected: tuple[Problem, ...] = ()
        self._blocked: tuple[Problem, ...] = ()
        self._blast: tuple[Problem, ...] = ()
        self._execution: Execution | None = None
        self._failure = ""
        self._failures = 0
        self._failed: frozenset[str] = frozenset()
        self._retry_at: Instant | None = None
        self._look_at_all = True
        self._settled: dict[Key, frozenset[str]] = {}
        self._heals: dict[Key, tuple[int, Instant]] = {}
        self._records: list[Record] = []
        self._nudge = False
        self._since = Instant(0)
        self._phase: Phase = "waiting"

    # What delivery is told

    def observe(self, observation: Observation, now: Instant) -> None:
        """Take in what Git wants or what the cluster has."""
        self.version += 1
        match observation:
            case Desired():
                self._take_commit(observation)
            case Undeliverable():
                self._newest, self._rejected = observation.commit, observation.problems
                self._tell("delivery/commit-refused", _told(observation))
            case Listed():
                self.live.listed(observation)
            case Seen():
                self.live.seen(observation)
            case Gone():
                self.live.gone(observation)
        self._nudge = True

    def post(self, answer: Answer, now: Instant) -> None:
        """Take the answer to an ask."""
        self.version += 1
        if isinstance(answer, Applied):
            self._settle(answer)
            self.live.seen(Seen(answer.object))
        if self._execution is not None:
            self._execution.post(answer, now)
        self._nudge = True

    def follows(self) -> tuple[Follow, ...]:
        """What of the cluster delivery needs to see, once it knows what Git wants."""
        if self._wanted is None:
            return ()
        kinds = {key.group_kind for key in self._wanted.manifests} | set(EMITTED_KINDS)
        spaces = {key.namespace for key in self._wanted.manifests} | {self.scope.namespace}
        spaces |= {need.namespace for need in self._wanted.bundle.secrets}
        found = [Follow(kind) for kind in kinds if not _is_namespaced(kind)]
        found += [
            Follow(kind, space)
            for kind in kinds | {POD}
            for space in spaces - {""}
            if _is_namespaced(kind)
        ]
        return tuple(sorted(found, key=lambda follow: (follow.kind, follow.namespace)))

    # What delivery wants

    def step(self, now: Instant) -> list[Ask]:
        """What to do now, in order; the driver calls again after every answer or observation."""
        asks: list[Ask] = []
        if self._execution is None or (self._next and self._execution.is_quiet):
            self._change_over()
        if self._execution is None and self._can_look():
            self._look(now)
        if self._execution is not None:
            if self._nudge:
                self._execution.run.nudge()
            asks += self._execution.step(now)
            self._records += self._execution.take_records()
            if self._execution.run.ending and self._execution.is_quiet:
                self._finish(self._execution, now)
        self._nudge = False
        self._update_phase(now)
        if self._records:
            asks.insert(0, Append(tuple(self._records)))
            self._records.clear()
        return asks

    def next_due(self) -> Instant | None:
        """When to call `step` again if nothing happens before, or None."""
        if self._execution is not None:
            return self._execution.run.next_due()
        times = [] if self._retry_at is None else [self._retry_at]
        times += [at for key, (_, at) in self._heals.items() if key in self.live.dirty]
        return min(times, default=None)

    def status(self) -> DeliveryStatus:
        """Where the delivery stands now."""
        run = self._execution.run if self._execution else None
        desired = self._desired
        return DeliveryStatus(
            subject=self.scope.subject,
            phase=self._phase,
            commit=desired.commit if desired else None,
            delivered=recorded_commit(self.live, self.scope),
            newest=self._newest,
            plan=run.plan.id if run else "",
            message=run.plan.words if run else self._failure,
            since=self._since,
            services=tuple(self._service_status(name) for name in self._service_names()),
            problems=(*self._rejected, *self._blocked, *self._blast, *self._failure_problem()),
            addresses=desired.bundle.addresses if desired else {},
        )

    def plan_steps(self) -> tuple[StepStatus, ...]:
        """The steps of the running plan, in its order; none when none runs."""
        if self._execution is None:
            return ()
        run = self._execution.run
        return tuple(
            StepStatus(step.id, step.words, run.state_of(step.id), run.message_of(step.id))
            for step in run.plan.steps
        )

    # Commits

    def _take_commit(self, desired: Desired) -> None:
        self._newest, self._rejected = desired.commit, ()
        if self._next is None and desired == self._desired:
            return
        self._next = desired
        if self._execution is not None:
            message = f"{desired.commit.short} is newer"
            self._execution.run.stop("superseded", message)

    def _change_over(self) -> None:
        """Make the next commit the wanted one."""
        if self._next is None:
            return
        if self._execution is not None:
            self._records += self._execution.take_records()
            self._execution = None
        self._desired, self._next = self._next, None
        bundle = self._desired.bundle
        self._wanted = Wanted(bundle, self.scope)
        self._watched = _watched(self._wanted)
        self._waves = wave_numbers(bundle.needs)
        self._failure, self._failures, self._failed = "", 0, frozenset()
        self._retry_at, self._blocked, self._blast = None, (), ()
        self._look_at_all = True
        needed = frozenset(self.follows())
        for follow in self.live.follows():
            if follow not in needed:
                self.live.forget(follow)

    # Looking

    def _can_look(self) -> bool:
        return self._wanted is not None and all(map(self.live.has_listed, self.follows()))

    def _look(self, now: Instant) -> None:
        """Compare what has changed, and plan what is to be done about it."""
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at, self._look_at_all = None, True
        if not self._look_at_all and not self.live.dirty:
            return
        assert self._wanted is not None
        if self._look_at_all or any(self._is_news(key) for key in self.live.dirty):
            self._look_at_everything(now)
        else:
            self._heal(self._ripe(now), now)

    def _is_news(self, key: Key) -> bool:
        """Whether a change of this object is more than drift of what is wanted."""
        assert self._wanted is not None
        if self._blocked:
            return True
        if key in self._wanted.manifests:
            # The health of a service whose failure holds up others.
            return self._retry_at is not None and self._service(key) in self._failed
        live = self.live.get(key)
        if key.group_kind == SECRET:
            return key in self._wanted.needed_secrets
        return live is not None and self.scope.may_prune(live)

    def _look_at_everything(self, now: Instant) -> None:
        wanted = self._wanted
        assert wanted is not None and self._desired is not None
        self._look_at_all = False
        self.live.dirty.clear()
        self._blocked = tuple(wanted.claims(self.live))
        if self._blocked or (self._retry_at is not None and not self._is_recovered()):
            return
        unwanted = wanted.unwanted(self.live)
        problem = None if self._allow_delete else blast_problem(unwanted, self.live, self.scope)
        self._blast = (problem,) if problem else ()
        work = Work(
            items=wanted.items(wanted.manifests, self.live, self._settled),
            unwanted=() if problem else unwanted,
            secrets=[
                need
                for need in wanted.bundle.secrets
                if not is_met(need, self.live.get(secret_key(need)))
            ],
            makes_secrets=self._makes_secrets,
            waits=self._failed | self._starting(),
            needs=wanted.bundle.needs,
            watched=self._watched,
        )
        if self._is_worth_a_plan(work):
            self._start(work, now)
        else:
            self._close_finished()

    def _close_finished(self) -> None:
        """Plans of an earlier process that did everything but say so."""
        for opened in self._unfinished:
            plan = opened.plan
            self._records.append(
                PlanClosed(plan.id, plan.subject, "done", "found complete", plan.facts)
            )
            if plan.kind == "sync":
                self._delivered(plan.id)
        self._unfinished.clear()

    def _is_worth_a_plan(self, work: Work) -> bool:
        assert self._desired is not None
        if work.items or work.unwanted or work.secrets:
            return True
        return recorded_commit(self.live, self.scope) != self._desired.commit.id

    def _is_recovered(self) -> bool:
        """Whether what failed is well now, so that there is no need to wait for the retry."""
        return bool(self._failed) and all(map(self._is_well, sorted(self._failed)))

    def _starting(self) -> frozenset[str]:
        return frozenset(
            service
            for service, keys in self._watched.items()
            if any(self._judge(key).status == "Progressing" for key in keys)
        )

    def _start(self, work: Work, now: Instant, reason: str = "") -> None:
        assert self._desired is not None
        commit = self._desired.commit
        id_ = f"{'heal' if reason else 'sync'}-{now}-{commit.short}"
        plan = plan_sync(id_, self.scope.subject, commit, work, reason=reason)
        if not reason:
            self._retry_at = None
        for opened in self._unfinished:
            message = f"its process ended; {id_} goes on from what the cluster has"
            self._records.append(
                PlanClosed(opened.plan.id, opened.plan.subject, "abandoned", message)
            )
        self._unfinished.clear()
        self._records.append(PlanOpened(plan.plan))
        self._execution = self._executing(plan)

    def _executing(self, plan: SyncPlan) -> Execution:
        assert self._desired is not None
        record = record_manifest(self.scope, self._desired)
        return Execution(plan, self._judge, self.scope, self._watched, record)

    def _finish(self, execution: Execution, now: Instant) -> None:
        run = execution.run
        self._records += execution.take_records()
        self._execution = None
        self.version += 1
        if run.ending == "superseded":
            return
        self._look_at_all = True
        if run.ending == "done":
            if run.plan.kind == "sync":
                self._delivered(run.plan.id)
            return
        pause = min(RETRY_LIMIT_SECONDS, RETRY_SECONDS * 2 ** min(self._failures, 10))
        self._failures += 1
        self._failure, self._retry_at = run.message, later(now, pause)
        self._failed = frozenset(
            step.subject
            for step in run.plan.steps
            if run.state_of(step.id) == "failed" and step.id == service_step(step.subject)
        )

    def _delivered(self, plan: str) -> None:
        assert self._desired is not None
        self._failure, self._failures, self._failed = "", 0, frozenset()
        images = {"commit": self._desired.commit.id, "images": images_of(self._desired)}
        message = f"{self._desired.commit.short} is delivered to {self.scope.subject}"
        self._tell("delivery/delivered", message, plan, images)

    # Drift

    def _ripe(self, now: Instant) -> list[Key]:
        """The changed objects that may be healed now; the others stay to be looked at later."""
        ripe = []
        for key in sorted(self.live.dirty):
            _, at = self._heals.get(key, (0, now))
            if at <= now:
                ripe.append(key)
                del self.live.dirty[key]
        return ripe

    def _heal(self, keys: list[Key], now: Instant) -> None:
        assert self._wanted is not None
        if self._blocked:
            return
        items = self._wanted.items(keys, self.live, self._settled)
        if self._retry_at is not None:
            # What a failed plan has not come to is not drift.
            items = [item for item in items if item.reason == "drifted"]
        if not items:
            return
        reason = "; ".join(_drift_text(item) for item in items[:5])
        self._tell("delivery/drift", reason, data={"objects": [str(item.key) for item in items]})
        for item in items:
            self._heals[item.key] = self._next_heal(item.key, now)
        services = {self._service(item.key) for item in items}
        watched = {name: keys for name, keys in self._watched.items() if name in services}
        self._start(Work(items=items, watched=watched), now, reason)

    def _next_heal(self, key: Key, now: Instant) -> tuple[int, Instant]:
        count, at = self._heals.get(key, (0, now))
        if later(at, CALM_SECONDS) < now:
            count = 0
        pause = min(HEAL_LIMIT_SECONDS, HEAL_SECONDS * 2**count) if count else 0.0
        return (min(count + 1, 20), later(now, pause))

    def _settle(self, applied: Applied) -> None:
        """What still differs right after an apply is how the server writes it."""
        if self._wanted is None or applied.key not in self._wanted.manifests:
            return
        found = missing_from(applied.object, self._wanted.manifests[applied.key])
        self._settled[applied.key] = frozenset(fingerprint(entry) for entry in found)

    # Status

    def _update_phase(self, now: Instant) -> None:
        phase = self._judged_phase()
        if phase != self._phase:
            self._phase, self._since = phase, now
            self.version += 1

    def _judged_phase(self) -> Phase:
        if self._execution is not None:
            return "syncing"
        if self._wanted is None:
            return "refused" if self._rejected else "waiting"
        if self._blocked:
            return "refused"
        if self._retry_at is not None:
            return "failing"
        if not self._can_look():
            return "waiting"
        services = self._service_names()
        return "synced" if all(map(self._is_well, services)) else "degraded"

    def _is_well(self, service: str) -> bool:
        keys = self._watched.get(service, ())
        return all(self._judge(key).status in WELL for key in keys)

    def _service_names(self) -> list[str]:
        return sorted(self._watched, key=lambda name: (self._waves.get(name, 0), name))

    def _service_status(self, name: str) -> ServiceStatus:
        objects = tuple(self._object_status(key) for key in self._watched[name])
        worst = next((entry for entry in objects if entry.status not in WELL), None)
        step = ""
        message = worst.message if worst else ""
        if self._execution is not None:
            states = self._execution.run.states()
            step = states.get(service_step(name), "")
            if step in ("failed", "skipped"):
                message = self._execution.run.message_of(service_step(name)) or message
        status = worst.status if worst else "Healthy"
        return ServiceStatus(name, self._waves.get(name, 0), status, message, step, objects)

    def _object_status(self, key: Key) -> ObjectStatus:
        verdict = self._judge(key)
        return ObjectStatus(key, verdict.status, verdict.reason, verdict.message)

    def _failure_problem(self) -> tuple[Problem, ...]:
        if not self._failure:
            return ()
        return (
            Problem(
                "delivery/plan-failed",
                f"The last plan failed: {self._failure}",
                Place(thing=self.scope.subject),
                why="What depends on it keeps running as it was.",
                fix="Commit a fix; it takes over at once. Otherwise it is tried again.",
            ),
        )

    def _service(self, key: Key) -> str:
        assert self._wanted is not None
        return service_of(self._wanted.manifests[key])

    def _tell(
        self, code: str, message: str, plan: str = "", data: Mapping[str, object] | None = None
    ) -> None:
        self._records.append(Event(code, self.scope.subject, message, plan, data or {}))


def _watched(wanted: Wanted) -> dict[str, tuple[Key, ...]]:
    """The objects of each service; those of the environment itself are not among them."""
    found: dict[str, list[Key]] = {}
    for key, manifest in sorted(wanted.manifests.items()):
        if service := service_of(manifest):
            found.setdefault(service, []).append(key)
    return {service: tuple(keys) for service, keys in found.items()}


def _is_namespaced(kind: GroupKind) -> bool:
    info = standard_kinds().of(kind)
    return info.namespaced if info is not None else kind != NAMESPACE


def _drift_text(item: Item) -> str:
    if item.reason == "new":
        return f"{item.key} was deleted"
    return f"{item} was changed"


def _told(observation: Undeliverable) -> str:
    count = len(observation.problems)
    first = str(observation.problems[0]).splitlines()[0]
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"{observation.commit.short} is not delivered: {first}{more}"
