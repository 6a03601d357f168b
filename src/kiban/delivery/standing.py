"""Where a delivery stands, put together for people from what its parts know."""

from collections.abc import Sequence

from kiban.delivery.acting import Acting
from kiban.delivery.commits import Commits
from kiban.delivery.judgement import Judge
from kiban.delivery.marks import Scope
from kiban.delivery.record import recorded_commit
from kiban.delivery.reporting import Reports
from kiban.delivery.status import DeliveryStatus, Phase
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Problem


class Standing:
    """The phase of one delivery, and since when it is in it."""

    def __init__(self, scope: Scope, judge: Judge) -> None:
        self.phase: Phase = "waiting"
        self._since = Instant(0)
        self._scope, self._live = scope, judge.live
        self._reports = Reports(judge)

    def enter(self, phase: Phase, now: Instant) -> bool:
        """Be in a phase from now on; whether it is another one."""
        if phase == self.phase:
            return False
        self.phase, self._since = phase, now
        return True

    def status(
        self, commits: Commits, acting: Acting, failure: str, problems: Sequence[Problem]
    ) -> DeliveryStatus:
        """The whole as one value. `failure` is how the last plan failed, if it did."""
        goal, run = commits.goal, acting.sync.run if acting.sync else None
        services = self._reports.services(goal.watched, goal.waves, run) if goal else ()
        return DeliveryStatus(
            subject=self._scope.subject,
            phase=self.phase,
            commit=goal.commit if goal else None,
            delivered=recorded_commit(self._live, self._scope),
            newest=commits.newest,
            plan=run.plan.id if run else "",
            message=run.plan.words if run else failure,
            since=self._since,
            services=services,
            problems=tuple(problems),
            addresses=goal.bundle.addresses if goal else {},
        )
