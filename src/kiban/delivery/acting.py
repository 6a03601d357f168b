"""What a delivery is doing: a sync, and beside it the healing of drift."""

from collections.abc import Iterable, Mapping, Sequence

from kiban.delivery.changes import Item
from kiban.delivery.execution import Execution
from kiban.delivery.goal import Goal
from kiban.delivery.judgement import Judge
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Answer, Commit
from kiban.delivery.promises import agreed_hash, difference, hash_of
from kiban.delivery.sync import Work, plan_sync
from kiban.delivery.telling import Telling
from kiban.delivery.yielding import Yields
from kiban.kube.objects import Key
from kiban.plans.plan import Plan
from kiban.plans.records import PlanOpened
from kiban.primitives.instants import Instant


class Acting:
    """The plans of one environment that are on their way. `unfinished` are those that an earlier
    process left open."""

    def __init__(
        self, scope: Scope, judge: Judge, telling: Telling, unfinished: Iterable[PlanOpened]
    ) -> None:
        self.sync: Execution | None = None
        self.healing: Execution | None = None
        self._scope, self._judge, self._telling = scope, judge, telling
        self._unfinished = list(unfinished)
        self._yields = Yields()

    @property
    def executions(self) -> tuple[Execution, ...]:
        return tuple(one for one in (self.sync, self.healing) if one is not None)

    @property
    def is_quiet(self) -> bool:
        """Whether no request is unanswered."""
        return all(one.is_quiet for one in self.executions)

    @property
    def is_idle(self) -> bool:
        return self.sync is None and self.healing is None

    def is_busy_with(self, key: Key) -> bool:
        """Whether the sync waits for an answer about this object."""
        return self.sync is not None and self.sync.owns(key)

    def post(self, answer: Answer, now: Instant) -> None:
        for execution in self.executions:
            execution.post(answer, now)

    def supersede(self, commit: Commit) -> None:
        """End what is being done where it stands: another commit is newer."""
        for execution in self.executions:
            execution.run.stop("superseded", f"{commit.short} is newer")

    def give_up(self) -> None:
        """Forget what was superseded."""
        for execution in self.executions:
            self._telling.add(execution.take_records())
        self.sync = self.healing = None

    def begin(self, work: Work, goal: Goal, now: Instant, *, is_first: bool) -> None:
        """Start a sync; what an earlier process began is over with that. `is_first` tells the
        first attempt at a commit."""
        id_ = f"sync-{self._scope.environment}-{now}"
        for opened in self._unfinished:
            message = f"its process ended; {id_} goes on from what the cluster has"
            self._telling.closed(opened, "abandoned", message)
        self._unfinished.clear()
        facts = self._compared_with_promise(work, goal, is_first=is_first)
        self.sync = self._execution(id_, work, goal, facts=facts)

    def heal(self, items: Sequence[Item], goal: Goal, now: Instant, reason: str) -> None:
        """Start to bring back what has drifted."""
        work = Work(items=items, needs=goal.bundle.needs)
        id_ = f"heal-{self._scope.environment}-{now}"
        self.healing = self._execution(id_, work, goal, reason=reason)

    def end(self, execution: Execution) -> None:
        """An execution came to its end."""
        if execution is self.healing:
            self.healing = None
        else:
            self.sync = None

    def close_finished(self, why_not: str = "") -> list[Plan]:
        """Close the plans of an earlier process that did everything but say so; its syncs that
        came to their good end."""
        for opened in self._unfinished:
            if why_not:
                self._telling.closed(opened, "failed", why_not)
            else:
                self._telling.closed(opened, "done", "found complete")
        if why_not:
            self._unfinished.clear()
        found = [opened.plan for opened in self._unfinished if opened.plan.kind == "sync"]
        self._unfinished.clear()
        return found

    def _compared_with_promise(self, work: Work, goal: Goal, *, is_first: bool) -> dict[str, str]:
        """The hash of what is going to be done; tells how it differs from the commit's plan."""
        done = hash_of(work, goal.wanted)
        agreed = agreed_hash(goal.commit, self._scope, goal.bundle.cluster)
        expected = agreed or (goal.promise.hash if goal.promise else "")
        if expected and expected != done and is_first:
            text = difference(work, goal.promise) if goal.promise else ""
            text = text or "the objects or their contents are others"
            message = f"{goal.commit.short} does not do what its plan {expected} said: {text}"
            data = {"plan": expected, "done": done}
            self._telling.event("delivery/plan-differs", message, data=data)
        return {"hash": done} | ({"promised": expected} if expected else {})

    def _execution(
        self,
        id_: str,
        work: Work,
        goal: Goal,
        *,
        reason: str = "",
        facts: Mapping[str, str] | None = None,
    ) -> Execution:
        subject = self._scope.subject
        plan = plan_sync(id_, subject, goal.commit, work, reason=reason, facts=facts)
        self._telling.add([PlanOpened(plan.plan)])
        return Execution(plan, goal, self._judge, self._yields)
