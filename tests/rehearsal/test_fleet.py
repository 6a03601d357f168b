from dataclasses import replace

from kiban.primitives.instants import Instant
from kiban.rehearsal.fleet import Fleet, PodView

EARLY, LATE = Instant(1_000_000), Instant(9_000_000)
POD = PodView("a", "web-a", "web", "node-1", "zone-1", 250, None, 1 << 28, None, EARLY)


def of(*pods: PodView) -> Fleet:
    fleet = Fleet(("web",), EARLY)
    for pod in pods:
        fleet.add(pod, EARLY)
        fleet.change(pod.uid, EARLY, is_ready=True, is_serving=True, is_starting=False)
    return fleet


def test_pods_that_ask_for_the_same_are_uniform_once_one_has_been_ready_for_a_while() -> None:
    fleet = of(replace(POD, ready_at=LATE), replace(POD, uid="b", ready_at=EARLY))
    assert fleet.is_uniform(0, EARLY)
    assert not of(replace(POD, ready_at=LATE)).is_uniform(0, EARLY)
    assert not of(POD, replace(POD, uid="b", request_cpu_m=500)).is_uniform(0, LATE)


def test_a_pod_that_leaves_does_not_speak_for_those_that_stay() -> None:
    fleet = of(replace(POD, ready_at=EARLY))
    fleet.change("a", LATE, is_draining=True)
    assert not fleet.is_uniform(0, LATE)


def test_what_leaves_does_not_unsettle_a_service() -> None:
    fleet = of(POD)
    fleet.change("a", LATE, is_draining=True)
    fleet.change("a", LATE, is_serving=False)
    assert fleet.moved_at.tolist() == [EARLY]
    assert fleet.ready.tolist() == [0]
