"""Brings every commit to a fleet ring by ring: a state machine, told the time.

It is told which commit there is and how each member is doing, and says who may have the commit
now and what to write down. A cluster that does not answer is passed over and gets the commit when
it is back; one where the commit fails stops it for all that do not have it yet.
"""

from collections.abc import Iterable, Mapping

from kiban.delivery.fleet.members import Pace
from kiban.delivery.fleet.messages import HandOver, Offer, Report
from kiban.delivery.fleet.plan import HELD, plan_rollout, step_of
from kiban.delivery.fleet.soaking import Soaking
from kiban.delivery.messages import Append, Commit
from kiban.plans.plan import Gate, Step
from kiban.plans.records import Event, PlanClosed, PlanOpened, Record
from kiban.plans.run import PASS, PlanRun, Result
from kiban.primitives.instants import Instant

HANDED_OVER = "fleet/handed-over"
REFUSED = "fleet/refused"
_REACHED = ("acting", "checking", "done")


class FleetRollout:
    """The rollouts of one fleet, one commit at a time. `held` is what each member has now."""

    def __init__(
        self,
        subject: str,
        pace: Pace,
        held: Mapping[str, str],
        unfinished: Iterable[PlanOpened] = (),
        history: Iterable[Record] = (),
    ) -> None:
        self.subject, self.pace = subject, pace
        self.held: dict[str, str] = dict(held)
        # Grows with whatever could change the status.
        self.version = 0
        self.offer: Offer | None = None
        self.run: PlanRun | None = None
        self._offered: Offer | None = None
        self._unfinished = list(unfinished)
        self._history = tuple(history)
        self._reports: dict[str, Report] = dict.fromkeys(pace.members, Report())
        self._soaking = Soaking(self._reports)
        self._records: list[Record] = []

    # What it is told

    def take(self, offer: Offer) -> None:
        """There is a newer commit; it takes over from one that is on its way."""
        self.version += 1
        self._offered = offer

    def report(self, member: str, report: Report) -> None:
        """How a member is doing."""
        if self._reports[member] != report:
            self._reports[member] = report
            self.version += 1
            if self.run is not None:
                self.run.nudge()

    def report_of(self, member: str) -> Report:
        return self._reports[member]

    # What it wants

    def step(self, now: Instant) -> list[Append | HandOver]:
        """What to do now, in order; call again after every report, and when it is due."""
        if self._offered is not None:
            offer, self._offered = self._offered, None
            self._begin(offer, now)
        if self._may_try_again():
            assert self.offer is not None
            self._open(self.offer, now)
        if self.run is not None:
            self._advance(self.run, now)
        handed = [HandOver(name, commit) for name, commit in self._due()]
        for each in handed:
            self._hand_over(each)
        records = (*(self.run.take_records() if self.run else ()), *self._records)
        self._records.clear()
        if records:
            self.version += 1
        return [*([Append(records)] if records else []), *handed]

    def next_due(self) -> Instant | None:
        return self.run.next_due() if self.run is not None else None

    def step_state(self, member: str) -> str:
        """How far the rollout has come with a member; empty when it has nothing to do with it."""
        if self.run is None or not self.run.has(step_of(member)):
            return ""
        return self.run.state_of(step_of(member))

    # Deciding

    def _begin(self, offer: Offer, now: Instant) -> None:
        if self.offer is not None and self.offer.commit == offer.commit and self.run is not None:
            return
        self.offer = offer
        if self.run is not None and not self.run.ending:
            self.run.stop("superseded", f"{offer.commit.short} is newer")
            self._records += self.run.take_records()
        self.run = None
        if offer.problems:
            more = f" (and {len(offer.problems) - 1} more)" if len(offer.problems) > 1 else ""
            words = f"{offer.commit.short} goes to no ring: {offer.problems[0].what}{more}"
            self._records.append(Event(REFUSED, self.subject, words))
            return
        self._open(offer, now)

    def _open(self, offer: Offer, now: Instant) -> None:
        """Begin the plan of a commit, or go on with the one an earlier process began."""
        paced = self._concerned(offer)
        known = [one for one in self._unfinished if one.plan.facts["commit"] == offer.commit.id]
        self._close_others(known[-1:])
        if known and all(name in self.pace.members for name in _members(known[-1])):
            self.run = PlanRun(known[-1].plan, self._history)
            return
        if not paced:
            return
        id_ = f"rollout-{now}"
        commit = offer.commit
        plan = plan_rollout(id_, self.subject, commit, self.pace, paced, self.held)
        self._records.append(PlanOpened(plan))
        self.run = PlanRun(plan)

    def _concerned(self, offer: Offer) -> list[str]:
        """The members that wait for their turn, and those that have the commit already and must
        show that it is good; nobody when nobody waits."""
        waiting = {
            name
            for name in offer.changes
            if self.pace.members[name].ring and self.held.get(name) != offer.commit.id
        }
        having = {
            name
            for name, held in self.held.items()
            if held == offer.commit.id and name in self.pace.members
        }
        paced = [name for name in having if self.pace.members[name].ring]
        return sorted({*waiting, *paced}) if waiting else []

    def _close_others(self, kept: list[PlanOpened]) -> None:
        for opened in self._unfinished:
            if opened not in kept:
                plan = opened.plan
                self._records.append(
                    PlanClosed(plan.id, plan.subject, "abandoned", "its process ended", plan.facts)
                )
        self._unfinished.clear()

    def _may_try_again(self) -> bool:
        """Whether what stopped the commit is over: every member that has it runs it well."""
        if self.run is None or self.run.ending != "failed" or self.offer is None:
            return False
        commit = self.offer.commit.id
        having = [name for name in self._concerned(self.offer) if self.held.get(name) == commit]
        there = [self._reports[name] for name in having if self._reports[name].contact != "no"]
        return bool(there) and all(report.runs(commit) for report in there)

    def _advance(self, run: PlanRun, now: Instant) -> None:
        while due := run.due(now):
            for ask in due:
                if isinstance(ask.node, Gate):
                    result = self._soaked(run, ask.node, now)
                elif ask.kind == "check":
                    result = self._delivered(ask.node)
                else:
                    # The commit is handed over when the journal has what was decided.
                    result = PASS
                run.answer(ask.node.id, result, now)

    def _delivered(self, step: Step) -> Result:
        report = self._reports[step.subject]
        commit = self._commit().id
        if report.contact == "unknown":
            return Result("unknown", "it was not asked yet")
        if report.contact == "no":
            return Result("pass", "it cannot be reached, and gets the commit when it is back")
        if report.fails(commit):
            return Result("fail", report.message or "the delivery failed", final=True)
        if report.runs(commit):
            return PASS
        return Result("unknown", report.message)

    def _soaked(self, run: PlanRun, gate: Gate, now: Instant) -> Result:
        names = [name for name in self.pace.in_ring(gate.subject) if run.has(step_of(name))]
        since = run.measured_of(gate.id).get("since")
        return self._soaking.answer(names, self._commit().id, gate.measure["soak"], since, now)

    # Handing over

    def _due(self) -> Iterable[tuple[str, str]]:
        """The members that may have the newest commit and do not, by name."""
        if self.offer is None:
            return []
        commit = self.offer.commit.id
        return [
            (name, commit)
            for name in sorted(self.pace.members)
            if self.held.get(name) != commit and self._may_have(name)
        ]

    def _may_have(self, name: str) -> bool:
        assert self.offer is not None
        if name in self.offer.refused:
            return False
        if not self.pace.members[name].ring:
            return True
        if self.offer.problems:
            return False
        if name not in self.offer.changes:
            return True
        if self.run is None:
            return False
        reached = self.step_state(name) in _REACHED
        return reached and self.run.ending != "failed" and self._reports[name].contact == "yes"

    def _hand_over(self, each: HandOver) -> None:
        self.held[each.member] = each.commit
        words = f"{each.member} may have {each.commit[:8]}"
        data = {"member": each.member, "commit": each.commit}
        plan = self.run.plan.id if self.run is not None else ""
        self._records.append(Event(HANDED_OVER, self.subject, words, plan, data))

    def _commit(self) -> Commit:
        assert self.offer is not None
        return self.offer.commit


def _members(opened: PlanOpened) -> list[str]:
    return [step.subject for step in opened.plan.steps]


def held_from(records: Iterable[Record]) -> dict[str, str]:
    """What each member was given last, from a fleet's records in their order."""
    held: dict[str, str] = {}
    for record in records:
        if isinstance(record, PlanOpened):
            held |= record.plan.facts.get(HELD, {})
        elif isinstance(record, Event) and record.code == HANDED_OVER:
            held[str(record.data["member"])] = str(record.data["commit"])
    return held
