"""A plan run: order, failure, gates, and above all crashes."""

from dataclasses import dataclass, field

import pytest

from kiban.plans import Gate, GateAnswered, Plan, PlanClosed, PlanRun, Record, Result, Step
from kiban.plans.plan import plan_from
from kiban.plans.records import StepMoved, record_data, record_from
from kiban.plans.run import PASS
from kiban.primitives.instants import Instant, later

START = Instant(1_700_000_000_000_000)


def step(id_: str, *needs: str, check: bool = False, undo: bool = False) -> Step:
    return Step(
        id=id_,
        kind="set",
        subject=id_,
        words=f"set {id_}",
        needs=needs,
        action={"key": id_},
        check={"key": id_} if check else None,
        undo={"key": id_} if undo else None,
    )


DIAMOND = Plan(
    "p1",
    "test",
    "world",
    "a diamond with a gate",
    (step("a", check=True), step("b", "a"), step("c", "a", check=True), step("d", "gate", "c")),
    (Gate("gate", "is b well?", "b", needs=("b",)),),
)


class Crash(Exception):
    pass


@dataclass
class World:
    """A journal and a place to act on, which both outlive the process that runs the plan."""

    journal: list[Record] = field(default_factory=list)
    values: set[str] = field(default_factory=set)
    acts: list[str] = field(default_factory=list)
    writes_left: int = 10**9

    def write(self, records: tuple[Record, ...]) -> None:
        for record in records:
            if self.writes_left == 0:
                raise Crash
            self.writes_left -= 1
            self.journal.append(record_from(record_data(record)))

    def answer(self, kind: str, id_: str) -> Result:
        if kind == "act":
            self.values.add(id_)
            self.acts.append(id_)
        elif kind == "undo":
            self.values.discard(id_)
        elif kind == "check":
            assert id_ in self.values, "a step was checked that never acted"
        return Result("pass")


def drive(plan: Plan, world: World) -> PlanRun:
    run, now = PlanRun(plan, world.journal), START
    while not run.ending:
        asks = run.due(now)
        world.write(run.take_records())
        for ask in asks:
            run.answer(ask.node.id, world.answer(ask.kind, ask.node.id), now)
        world.write(run.take_records())
        if not asks and not run.ending:
            now = run.next_due() or later(now, 1)
    world.write(run.take_records())
    return run


def test_steps_run_after_what_they_need_and_the_plan_ends_done() -> None:
    world = World()
    run = drive(DIAMOND, world)
    assert (run.ending, world.acts) == ("done", ["a", "b", "c", "d"])
    assert isinstance(world.journal[-1], PlanClosed)


def test_a_record_of_each_act_is_written_before_the_act() -> None:
    run = PlanRun(DIAMOND)
    asks = run.due(START)
    assert [ask.node.id for ask in asks] == ["a"]
    assert run.take_records() == (StepMoved("p1", "a", "started", 1),)


def test_after_a_crash_at_any_write_the_end_is_the_same_and_no_answered_act_is_repeated() -> None:
    whole = World()
    drive(DIAMOND, whole)
    for survived in range(len(whole.journal)):
        world = World(writes_left=survived)
        with pytest.raises(Crash):
            drive(DIAMOND, world)
        before = list(world.acts)
        answered = {
            record.step
            for record in world.journal
            if isinstance(record, StepMoved) and record.state in ("acted", "done")
        }
        world.writes_left = 10**9
        run = drive(DIAMOND, world)
        assert (run.ending, world.values) == ("done", {"a", "b", "c", "d"}), survived
        repeated = world.acts[len(before) :]
        assert not answered & set(repeated), survived
        assert all(world.acts.count(act) <= 2 for act in world.acts), survived


def test_crashes_at_every_third_write_still_end_in_the_same_state() -> None:
    world = World(writes_left=3)
    for _ in range(100):
        try:
            drive(DIAMOND, world)
        except Crash:
            world.writes_left = 3
        else:
            break
    assert world.values == {"a", "b", "c", "d"}


def test_a_gate_that_is_unknown_does_not_pass_and_fails_when_time_is_up() -> None:
    plan = Plan("p", "test", "w", "", (step("d", "g"),), (Gate("g", "?", "w"),))
    run, now = PlanRun(plan), START
    for _ in range(400):
        for ask in run.due(now):
            run.answer(ask.node.id, Result("unknown", "no data"), now)
        now = run.next_due() or now
    assert (run.ending, run.state_of("d")) == ("failed", "skipped")
    answers = [record for record in run.take_records() if isinstance(record, GateAnswered)]
    assert [answer.answer for answer in answers] == ["unknown", "unknown"]


def test_a_failed_step_skips_what_needs_it_and_nothing_else() -> None:
    plan = Plan("p", "test", "w", "", (step("a"), step("b", "a"), step("c")))
    run = PlanRun(plan)
    for ask in run.due(START):
        answer = Result("fail", "no", final=True) if ask.node.id == "a" else Result("pass")
        run.answer(ask.node.id, answer, START)
    run.due(START)
    assert (run.ending, run.message) == ("failed", "a: no")
    assert run.states() == {"a": "failed", "b": "skipped", "c": "done"}


def test_an_act_that_fails_is_tried_again_after_growing_pauses() -> None:
    run, now, times = PlanRun(Plan("p", "t", "w", "", (step("a"),))), START, []
    while not run.ending:
        for ask in run.due(now):
            times.append((now - START) // 1_000_000)
            run.answer(ask.node.id, Result("fail", "busy"), now)
        now = run.next_due() or now
    assert times == [0, 1, 3]


def test_a_failed_plan_takes_back_what_it_did_in_reverse_order() -> None:
    steps = (step("a", undo=True), step("b", "a", undo=True), step("c", "b"))
    plan = Plan("p", "test", "w", "", steps, undo_on_failure=True)
    run, undone = PlanRun(plan), []
    while not run.ending:
        for ask in run.due(START):
            if ask.kind == "undo":
                undone.append(ask.node.id)
            bad = ask.kind == "act" and ask.node.id == "c"
            result = Result("fail", "no", final=True) if bad else Result("pass")
            run.answer(ask.node.id, result, START)
    assert (undone, run.ending) == (["b", "a"], "failed")


def test_a_step_for_the_bad_case_runs_when_the_rest_is_over_and_something_failed() -> None:
    rescue = Step("rescue", "set", "a", "", on_failure_of=("a", "b"))
    plan = Plan("p", "test", "w", "", (rescue, step("a"), step("b", "a"), step("c")))

    def order(bad: str) -> tuple[list[str], PlanRun]:
        run, asked = PlanRun(plan), []
        while not run.ending:
            for ask in run.due(START):
                asked.append(ask.node.id)
                failed = Result("fail", "no", final=True)
                run.answer(ask.node.id, failed if ask.node.id == bad else PASS, START)
        return asked, run

    asked, run = order("a")
    assert (asked, run.ending, run.state_of("b")) == (["a", "c", "rescue"], "failed", "skipped")
    asked, run = order("c")
    assert (asked, run.state_of("rescue"), run.message) == (["a", "c", "b"], "skipped", "c: no")
    asked, run = order("")
    assert (asked, run.ending) == (["a", "c", "b"], "done")
    assert plan_from(plan.as_data()) == plan


def test_what_is_skipped_says_what_failed_in_the_first_place() -> None:
    plan = Plan("p", "test", "w", "", (step("a"), step("b", "a"), step("c", "b")))
    run = PlanRun(plan)
    for ask in run.due(START):
        run.answer(ask.node.id, Result("fail", "no room", final=True), START)
    run.due(START)
    assert run.message_of("c") == "a did not succeed: no room"
