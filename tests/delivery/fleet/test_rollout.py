"""How a commit reaches a fleet: ring by ring, past clusters that are away, and no further than
where it fails."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from kiban.delivery.fleet import FleetRollout, HandOver, Member, Offer, Pace, Report, Ring
from kiban.delivery.fleet.rollout import held_from
from kiban.delivery.messages import Append, Commit
from kiban.plans.records import PlanClosed, PlanOpened, Record, record_data, record_from
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import Problem

START = Instant(1_700_000_000_000_000)
SUBJECT = "arcade/fleet"


def pace(soak: float = 0.0, at_once: int = 0) -> Pace:
    members = [Member("dev", "lab"), Member("prod", "first", "early")]
    members += [Member("prod", f"c{number}", "rest") for number in range(4)]
    rings = (Ring("early", soak_seconds=soak), Ring("rest", at_once))
    return Pace(rings, {member.name: member for member in members})


@dataclass
class World:
    """Clusters that deliver what they are given at once, unless they are away or it is bad."""

    pace: Pace
    now: Instant = START
    journal: list[Record] = field(default_factory=list)
    away: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)
    slow: set[str] = field(default_factory=set)
    given: list[str] = field(default_factory=list)
    runs: dict[str, str] = field(default_factory=dict)
    rollout: FleetRollout = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        opened = {one.plan.id: one for one in self.journal if isinstance(one, PlanOpened)}
        for one in self.journal:
            if isinstance(one, PlanClosed):
                opened.pop(one.plan, None)
        held = held_from(self.journal)
        self.rollout = FleetRollout(SUBJECT, self.pace, held, opened.values(), self.journal)

    def offer(self, id_: str, changes: Iterable[str] | None = None, *problems: Problem) -> None:
        chosen = self.pace.members if changes is None else changes
        behind = {name for name in chosen if self.rollout.held.get(name) != id_}
        self.rollout.take(Offer(Commit(id_), frozenset(behind), problems))
        self.settle()

    def settle(self, seconds: float = 0.0) -> None:
        """Let everything happen that happens within so many seconds."""
        end = later(self.now, seconds)
        while True:
            for name in self.pace.members:
                self.rollout.report(name, self.report(name))
            asks = self.rollout.step(self.now)
            for ask in asks:
                if isinstance(ask, Append):
                    self.journal += [record_from(record_data(one)) for one in ask.records]
                else:
                    self.hand_over(ask)
            if asks:
                continue
            due = self.rollout.next_due()
            if due is None or due > end:
                self.now = end
                return
            self.now = max(self.now, due)

    def hand_over(self, ask: HandOver) -> None:
        self.given.append(f"{ask.member} {ask.commit}")

    def report(self, name: str) -> Report:
        wanted = self.rollout.held.get(name, "")
        if name in self.away:
            return Report("no", commit=wanted, delivered=self.runs.get(name, ""))
        if wanted in self.bad:
            return Report("yes", "failing", wanted, self.runs.get(name, ""), message="it crashes")
        if name in self.slow and self.runs.get(name) != wanted:
            return Report("yes", "syncing", wanted, self.runs.get(name, ""))
        self.runs[name] = wanted
        return Report("yes", "synced", wanted, wanted, bool(wanted))

    def take_given(self) -> list[str]:
        given, self.given = self.given, []
        return given

    def endings(self) -> list[str]:
        return [one.ending for one in self.journal if isinstance(one, PlanClosed)]


REST = [f"prod@c{number} {{}}" for number in range(4)]


def rest(commit: str) -> list[str]:
    return [line.format(commit) for line in REST]


def test_a_commit_goes_ring_by_ring_and_at_once_to_who_has_no_ring() -> None:
    world = World(pace())
    world.offer("one")
    assert world.take_given() == ["dev@lab one", "prod@first one", *rest("one")]
    assert world.endings() == ["done"]


def test_the_next_ring_waits_until_the_one_before_has_soaked() -> None:
    world = World(pace(soak=600))
    world.offer("one")
    assert world.take_given() == ["dev@lab one", "prod@first one"]
    world.settle(599)
    assert world.take_given() == []
    world.settle(2)
    assert world.take_given() == rest("one")


def test_a_soak_goes_on_after_a_crash_where_it_was() -> None:
    world = World(pace(soak=600))
    world.offer("one")
    world.settle(500)
    world.start()
    world.offer("one")
    world.settle(90)
    assert "prod@c0 one" not in world.given
    world.settle(11)
    assert world.take_given()[-4:] == rest("one")
    assert world.endings() == ["done"]


def test_so_many_at_once_and_no_more() -> None:
    world = World(pace(at_once=2))
    world.slow = {"prod@c0"}
    world.offer("one")
    assert world.take_given()[-2:] == rest("one")[:2]
    world.slow = set()
    world.settle(5)
    assert world.take_given() == rest("one")[2:]


def test_a_bad_commit_stops_in_the_first_ring_and_the_others_keep_what_they_have() -> None:
    world = World(pace())
    world.offer("good")
    world.take_given()
    world.bad = {"bad"}
    world.offer("bad")
    world.settle(3600)
    assert world.take_given() == ["dev@lab bad", "prod@first bad"]
    assert world.rollout.held["prod@c0"] == "good"
    assert world.endings() == ["done", "failed"]
    world.offer("fixed")
    assert world.take_given() == ["dev@lab fixed", "prod@first fixed", *rest("fixed")]


def test_a_bad_commit_gets_no_further_by_a_new_start() -> None:
    world = World(pace())
    world.offer("good")
    world.bad = {"bad"}
    world.offer("bad")
    world.take_given()
    world.start()
    world.offer("bad")
    world.settle(3600)
    assert world.take_given() == []


def test_what_was_stopped_goes_on_when_what_failed_is_well() -> None:
    world = World(pace(soak=60))
    world.bad = {"one"}
    world.offer("one")
    world.bad = set()
    world.settle(59)
    assert "prod@c0 one" not in world.given
    world.settle(5)
    assert world.take_given()[-4:] == rest("one")


def test_what_fails_while_it_soaks_stops_the_commit() -> None:
    world = World(pace(soak=600))
    world.offer("good")
    world.settle(700)
    world.offer("late")
    world.settle(300)
    world.bad = {"late"}
    world.settle(900)
    assert world.rollout.held["prod@c0"] == "good"
    assert world.endings() == ["done", "failed"]


def test_a_cluster_that_is_away_delays_no_other_and_catches_up() -> None:
    world = World(pace(at_once=1))
    world.away = {"prod@c1"}
    world.offer("one")
    assert "prod@c1 one" not in world.given
    assert "prod@c3 one" in world.given
    assert world.endings() == ["done"]
    world.take_given()
    world.away = set()
    world.settle(1)
    assert world.take_given() == ["prod@c1 one"]


def test_a_cluster_that_comes_back_does_not_get_what_failed_meanwhile() -> None:
    world = World(replace(pace(), rings=(Ring("early"), Ring("rest", 1))))
    world.offer("good")
    world.away, world.bad = {"prod@c0"}, {"bad"}
    world.offer("bad")
    world.away = set()
    world.settle(60)
    assert world.rollout.held["prod@c0"] == "good"


def test_a_ring_that_is_away_as_a_whole_proves_nothing() -> None:
    world = World(pace())
    world.away = {"prod@first"}
    world.offer("one")
    world.settle(3600)
    assert world.take_given() == ["dev@lab one"]
    world.away = set()
    world.settle(5)
    assert world.take_given() == ["prod@first one", *rest("one")]


def test_whom_a_commit_does_not_change_need_not_wait() -> None:
    world = World(pace(soak=600))
    world.offer("one")
    world.settle(700)
    world.take_given()
    world.offer("two", ["prod@c2"])
    assert world.take_given() == [f"{name} two" for name in sorted(world.pace.members)]


def test_a_commit_that_is_no_good_for_one_goes_to_no_ring() -> None:
    world = World(pace())
    world.offer("one")
    world.take_given()
    world.offer("two", None, Problem("spec/x", "c3 cannot have that"))
    assert world.take_given() == ["dev@lab two"]
    world.offer("three")
    assert world.take_given()[-4:] == rest("three")


def test_a_newer_commit_takes_over() -> None:
    world = World(pace(soak=600))
    world.offer("one")
    world.settle(300)
    world.offer("two")
    world.settle(599)
    assert "prod@c0 two" not in world.given
    world.settle(2)
    assert not any(line.startswith("prod@c0 one") for line in world.given)
    assert world.given[-4:] == rest("two")
    assert world.endings() == ["superseded", "done"]
