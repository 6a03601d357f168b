"""Keeps one environment on one cluster as Git wants it: a state machine, told the time.

It is told what Git wants and what the cluster has, and says what to apply, delete and write down.
A newer commit takes over from one in progress when the open requests are answered; a commit that
is no good leaves the last good state, which is still kept from drifting. When nothing changes it
asks for nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from kiban.delivery.acting import Acting
from kiban.delivery.changes import Item
from kiban.delivery.commits import Commits
from kiban.delivery.deletions import Deletions
from kiban.delivery.drift import HEALED_OBJECTS, Drift, drift_problem, drift_text
from kiban.delivery.execution import Execution
from kiban.delivery.failures import Failures
from kiban.delivery.goal import Goal
from kiban.delivery.hooks import outcome
from kiban.delivery.judgement import Judge
from kiban.delivery.live import Live
from kiban.delivery.marks import Scope
from kiban.delivery.messages import (
    Answer,
    Append,
    Applied,
    Ask,
    DeletionApproved,
    Desired,
    Follow,
    Gone,
    Listed,
    Observation,
    Seen,
    Undeliverable,
)
from kiban.delivery.record import images_of
from kiban.delivery.reporting import (
    failure_problems,
    is_well,
    refusal_text,
    step_statuses,
)
from kiban.delivery.standing import Standing
from kiban.delivery.status import DeliveryStatus, Phase, StepStatus
from kiban.delivery.surveying import Survey, obstacles, survey
from kiban.delivery.telling import Telling
from kiban.kube.objects import SECRET, Key
from kiban.plans.records import PlanOpened
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Problem


class Delivery:
    """One environment on one cluster.

    `makes_secrets` is for the embedded cluster, where missing Secrets are made. `allow_delete`
    lets the first commit delete whatever it leaves out. With `validates` the API server is asked
    about every object of a plan before the first is applied. `unfinished` are the plans that an
    earlier process left open.
    """

    def __init__(
        self,
        scope: Scope,
        *,
        makes_secrets: bool = False,
        allow_delete: bool = False,
        validates: bool = False,
        unfinished: Iterable[PlanOpened] = (),
    ) -> None:
        self.scope = scope
        self.live = Live()
        # Grows with whatever could change the status.
        self.version = 0
        self._makes_secrets, self._validates = makes_secrets, validates
        self._judge = Judge(self.live)
        self._standing = Standing(scope, self._judge)
        self._commits = Commits(scope)
        self._failures = Failures()
        self._drift = Drift()
        self._telling = Telling(scope)
        self._acting = Acting(scope, self._judge, self._telling, unfinished)
        self._deletions = Deletions(self._telling, allows_first=allow_delete)
        # What stands in the way of the commit.
        self._blocked: tuple[Problem, ...] = ()
        # What is said of rollouts that failed.
        self._held: tuple[Problem, ...] = ()
        self._look_at_all = True
        self._nudge = False

    # What delivery is told

    def observe(self, observation: Observation, now: Instant) -> None:
        """Take in what Git wants or what the cluster has."""
        self.version += 1
        self._nudge = True
        match observation:
            case Desired():
                if self._commits.take(observation):
                    self._acting.supersede(observation.commit)
            case Undeliverable():
                self._commits.refuse(observation)
                self._telling.event("delivery/commit-refused", refusal_text(observation))
            case Listed():
                self.live.listed(observation)
            case Seen():
                self.live.seen(observation)
            case Gone():
                self.live.gone(observation)
            case DeletionApproved():
                self._deletions.approve(observation.commit)
                self._look_at_all = True

    def post(self, answer: Answer, now: Instant) -> None:
        """Take the answer to an ask."""
        self.version += 1
        self._nudge = True
        if isinstance(answer, Applied):
            if self._commits.goal is not None:
                self._drift.settle(answer, self._commits.goal.wanted)
            self.live.seen(Seen(answer.object))
        self._acting.post(answer, now)

    def follows(self) -> tuple[Follow, ...]:
        """What of the cluster delivery needs to see, once it knows what Git wants."""
        return self._commits.goal.follows if self._commits.goal else ()

    @property
    def hooks(self) -> tuple[Key, ...]:
        """The Jobs of the hooks of the commit that is worked on."""
        return tuple(self._commits.goal.wanted.hooks) if self._commits.goal else ()

    # What delivery wants

    def step(self, now: Instant) -> list[Ask]:
        """What to do now, in order; the driver calls again after every answer or observation."""
        asks: list[Ask] = []
        looks = self._judge.looks
        self._judge.tell(now)
        self.version += self._judge.looks - looks
        if self._commits.next is not None and self._acting.is_quiet:
            self._change_over(self._commits.next)
        is_over = True
        while is_over:
            if (goal := self._visible_goal()) is not None:
                self._look(goal, now)
            # What ends makes room for what has been waiting.
            ended = [self._advance(one, asks, now) for one in self._acting.executions]
            is_over = any(ended)
        self._nudge = False
        if self._standing.enter(self._phase(), now):
            self.version += 1
        if records := self._telling.take():
            asks.insert(0, Append(records))
        return asks

    def next_due(self) -> Instant | None:
        """When to call `step` again if nothing happens before, or None."""
        acting = self._acting
        times = [self._judge.next_due(), *(one.next_due() for one in acting.executions)]
        if acting.sync is None:
            times.append(self._failures.retry_at)
        if acting.healing is None:
            times.append(self._drift.times.next_due(self.live.dirty))
        return min((time for time in times if time is not None), default=None)

    @property
    def is_changing_over(self) -> bool:
        """Whether a newer commit waits for the answers to what was asked for an older one."""
        return self._commits.next is not None

    @property
    def withheld(self) -> str:
        """The commit whose deletions wait for a person to agree; empty when none do."""
        return self._deletions.withheld

    def status(self) -> DeliveryStatus:
        """Where the delivery stands now."""
        failures = self._failures
        problems = (
            *self._commits.rejected,
            *self._blocked,
            *self._held,
            *self._deletions.problems,
            *failure_problems(failures.message, self.scope, failures.hooks),
            *drift_problem(self._drift, self.scope),
        )
        return self._standing.status(self._commits, self._acting, failures.message, problems)

    def plan_steps(self) -> tuple[StepStatus, ...]:
        """The steps of the running plan, in its order; none when none runs."""
        return step_statuses(self._acting.sync.run) if self._acting.sync else ()

    # Looking

    def _change_over(self, desired: Desired) -> None:
        """Make the next commit the wanted one."""
        self._acting.give_up()
        self._drift.forget()
        self._failures = Failures()
        self._blocked = self._held = ()
        self._look_at_all = True
        goal = self._commits.change_over(desired)
        self._deletions.begin(goal.commit)
        for follow in self.live.follows():
            if follow not in goal.follows:
                self.live.forget(follow)

    def _visible_goal(self) -> Goal | None:
        """What Git wants, once everything that it takes to compare was seen."""
        goal = self._commits.goal
        return goal if goal is not None and all(map(self.live.has_listed, goal.follows)) else None

    def _look(self, goal: Goal, now: Instant) -> None:
        """Compare what has changed, and plan what is to be done about it."""
        if self._acting.is_idle:
            if self._failures.take_due(now):
                self._look_at_all = True
            if self._look_at_all or any(self._is_news(key, goal) for key in self.live.dirty):
                self._look_at_everything(goal, now)
        if self._acting.healing is None and self.live.dirty and not self._blocked:
            self._heal(goal, now)

    def _is_news(self, key: Key, goal: Goal) -> bool:
        """Whether a change of this object is more than drift of what is wanted."""
        if self._blocked:
            return True
        if key in goal.wanted.manifests:
            # The health of a service whose failure holds up others.
            is_awaited = self._failures.retry_at is not None
            return is_awaited and goal.service(key) in self._failures.services
        if key in goal.wanted.hooks:
            return key in self._failures.hooks
        if key.group_kind == SECRET and key in goal.wanted.needed_secrets:
            return True
        live = self.live.get(key)
        if key == self.scope.record_key:
            return live is None
        return live is not None and goal.scope.may_prune(live)

    def _look_at_everything(self, goal: Goal, now: Instant) -> None:
        self._look_at_all = False
        self.live.dirty.clear()
        self._blocked = obstacles(goal, self.live)
        is_pausing = self._failures.retry_at is not None
        if self._blocked or (is_pausing and not self._is_overcome()):
            return
        found = survey(goal, self._judge, self._drift, self._failures)
        self._blocked = found.refused
        self._drift.confirm(goal.wanted, found.differing)
        self._drift.look_again(goal.wanted.manifests, found.drifted)
        if found.held != self._held:
            self._held = found.held
            self.version += 1
        if found.drifted:
            self._take_drift(found.drifted, goal)
        if not goal.heals_drift:
            found = found.only_shown()
        if self._blocked:
            return
        found = self._deletions.judge(found, goal.commit)
        if found.is_worth_a_plan:
            self._start(found, goal, now)
        else:
            for plan in self._acting.close_finished(self._held[0].what if self._held else ""):
                self._delivered(plan.id, goal)

    def _is_overcome(self) -> bool:
        """Whether what failed is well now, or a person wants it to be tried again."""
        return self._failures.are_overcome(
            self._is_well, lambda key: outcome(self.live.get(key)) == "absent"
        )

    # Acting

    def _start(self, found: Survey, goal: Goal, now: Instant) -> None:
        self._failures.retry_at = None
        work = replace(found.work, makes_secrets=self._makes_secrets, validates=self._validates)
        self._acting.begin(work, goal, now, is_first=not self._failures.count)

    def _advance(self, execution: Execution, asks: list[Ask], now: Instant) -> bool:
        """Add what is due to the asks; whether the execution came to its end."""
        if self._nudge:
            execution.run.nudge()
        asks += execution.step(now)
        self._telling.add(execution.take_records())
        is_over = bool(execution.run.ending) and execution.is_quiet
        if not is_over or self._commits.next is not None:
            return False
        self.version += 1
        is_healing = execution is self._acting.healing
        self._acting.end(execution)
        if is_healing:
            self._finish_healing(execution)
        else:
            self._finish(execution, now)
        return True

    def _finish(self, execution: Execution, now: Instant) -> None:
        run, self._look_at_all = execution.run, True
        if run.ending == "done":
            assert self._commits.goal is not None
            self._delivered(run.plan.id, self._commits.goal)
        else:
            self._failures.add(run, now, execution.hooks.failed())

    def _finish_healing(self, execution: Execution) -> None:
        if execution.run.ending != "done":
            # Each is looked at again when its pause is over.
            for items in execution.plan.items.values():
                self.live.dirty |= dict.fromkeys(item.key for item in items)

    def _delivered(self, plan: str, goal: Goal) -> None:
        self._failures.forget()
        data = {"commit": goal.commit.id, "images": images_of(goal.desired)}
        message = f"{goal.commit.short} is delivered to {self.scope.subject}"
        self._telling.event("delivery/delivered", message, plan, data)

    # Drift

    def _heal(self, goal: Goal, now: Instant) -> None:
        """Bring back what was as wanted and no longer is, also while a sync waits for others."""
        keys = [
            key
            for key in self._drift.times.take_ripe(self.live.dirty, now)
            if key in self._drift and not self._acting.is_busy_with(key)
        ]
        items = goal.wanted.items(keys, self.live, self._drift.settled)
        self._drift.look_again(keys, items)
        if not items:
            return
        if not goal.heals_drift:
            self._take_drift(items, goal)
            return
        is_idle = self._acting.sync is None and self._failures.retry_at is None
        if is_idle and len(items) > HEALED_OBJECTS:
            # So much is no drift but a loss, and is brought back in its order.
            self._look_at_everything(goal, now)
            return
        reason = self._take_drift(items, goal)
        for item in items:
            self._drift.times.healed(item.key, now)
        self._acting.heal(items, goal, now, reason)

    def _take_drift(self, items: Sequence[Item], goal: Goal) -> str:
        """Write down what was changed by hand, once; one line about it."""
        if not goal.heals_drift:
            items = self._drift.show(items)
        text = drift_text(items)
        if not items:
            return text
        data = {"objects": [str(item.key) for item in items]}
        self._telling.event("delivery/drift", text, data=data)
        return text

    # The phase

    def _phase(self) -> Phase:
        if self._acting.sync is not None:
            return "syncing"
        if self._blocked or (self._commits.goal is None and self._commits.rejected):
            return "refused"
        goal = self._visible_goal()
        if goal is None:
            return "waiting"
        if self._failures.retry_at is not None or self._held:
            return "failing"
        if self._drift.shown:
            return "drifted"
        return "synced" if all(map(self._is_well, goal.watched)) else "degraded"

    def _is_well(self, service: str) -> bool:
        goal = self._commits.goal
        return goal is not None and is_well(service, goal.watched, self._judge)
