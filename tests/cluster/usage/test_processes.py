"""What containers used, from looks at processes."""

from kiban.cluster.asks import ContainerId
from kiban.cluster.usage import ContainerUsage
from kiban.cluster.usage.processes import (
    NANO,
    Leader,
    ProcessReading,
    container_readings,
    pod_usages,
)
from kiban.primitives.instants import Instant, later

START = Instant(1_800_000_000_000_000)
APP, SIDE = ContainerId("u1", "app", 0), ContainerId("u1", "side", 0)
LEADERS = {APP: Leader(100, START), SIDE: Leader(200, START)}


def process(
    pid: int,
    own: float,
    *,
    parent: int = 1,
    session: int = 100,
    children: float = 0,
    memory: int = 1,
) -> ProcessReading:
    nano = round(own * NANO)
    return ProcessReading(
        pid, parent, session, f"s{pid}", nano, nano + round(children * NANO), memory
    )


def used(
    before: list[ProcessReading], after: list[ProcessReading], seconds: float = 10
) -> dict[str, ContainerUsage]:
    """What pod u1 used between two looks, the first of them 60 s after its start."""
    first = later(START, 60)
    readings = container_readings(LEADERS, before, first)
    later_readings = container_readings(LEADERS, after, later(first, seconds))
    return dict(pod_usages(LEADERS, readings, later_readings)["u1"].containers)


def test_a_container_is_its_whole_session() -> None:
    before = [process(100, 1), process(101, 0, parent=100)]
    after = [process(100, 2, memory=5), process(101, 4, parent=100, memory=6)]
    assert used(before, after) == {"app": ContainerUsage(NANO // 2, 11)}


def test_a_child_with_a_session_of_its_own_belongs_to_its_parent() -> None:
    daemon = process(150, 3, parent=101, session=150)
    after = [process(100, 0), process(101, 0, parent=100), daemon, process(999, 9, session=999)]
    assert used([process(100, 0)], after)["app"].cpu_nano == 3 * NANO // 10


def test_the_time_of_a_child_that_ended_is_in_its_parents_account() -> None:
    before = [process(100, 1), process(101, 2, parent=100)]
    after = [process(100, 1.5, children=4)]
    assert used(before, after)["app"].cpu_nano == round(0.25 * NANO)


def test_an_orphan_that_ends_does_not_hide_the_work_of_the_others() -> None:
    before = [process(100, 1), process(101, 50)]
    assert used(before, [process(100, 3)])["app"].cpu_nano == round(0.2 * NANO)


def test_another_process_with_the_same_pid_counts_from_nothing() -> None:
    before = [process(100, 1), process(101, 5)]
    reused = ProcessReading(101, 100, 100, "later", NANO, NANO, 1)
    assert used(before, [process(100, 1), reused])["app"].cpu_nano == NANO // 10


def test_containers_of_a_pod_are_told_apart() -> None:
    before = [process(100, 0), process(200, 0, session=200)]
    after = [process(100, 1), process(200, 2, session=200)]
    assert {name: usage.cpu_nano for name, usage in used(before, after).items()} == {
        "app": NANO // 10,
        "side": NANO // 5,
    }


def test_a_new_container_is_counted_from_its_start_once_it_is_ten_seconds_old() -> None:
    young = container_readings(LEADERS, [process(100, 2)], later(START, 9))
    assert pod_usages(LEADERS, {}, young) == {}
    old = container_readings(LEADERS, [process(100, 2)], later(START, 20))
    found = pod_usages(LEADERS, {}, old)["u1"]
    assert (found.containers["app"].cpu_nano, found.window_seconds) == (NANO // 10, 20)


def test_a_pod_with_a_container_that_is_too_young_is_left_out() -> None:
    leaders = {**LEADERS, SIDE: Leader(200, later(START, 55))}
    at = later(START, 60)
    processes = [process(100, 1), process(200, 1, session=200)]
    assert pod_usages(leaders, {}, container_readings(leaders, processes, at)) == {}
