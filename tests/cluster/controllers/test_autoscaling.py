"""The arithmetic of the autoscaler."""

import pytest

from kiban.cluster.controllers.horizontal_pod_autoscaler.limits import (
    Bounds,
    Memory,
    decided,
)
from kiban.cluster.controllers.horizontal_pod_autoscaler.replicas import (
    Groups,
    Present,
    by_utilization,
)
from kiban.primitives.instants import Instant, later

NOW = Instant(1_800_000_000_000_000)


def groups(count: int, milli: int, missing: int = 0) -> tuple[Groups, dict[str, int]]:
    used = {f"p{number}": milli for number in range(count)}
    absent = [f"m{number}" for number in range(missing)]
    return Groups(count, (), absent, used), dict.fromkeys([*used, *absent], 100)


@pytest.mark.parametrize(
    ("count", "milli", "missing", "target", "expected"),
    [
        (4, 90, 0, 60, 6),
        (4, 63, 0, 60, 4),
        (4, 66, 0, 60, 5),
        (8, 30, 2, 60, 8),
    ],
)
def test_replicas_for_a_utilization(
    count: int, milli: int, missing: int, target: int, expected: int
) -> None:
    sorted_pods, requests = groups(count, milli, missing)
    proposal = by_utilization(sorted_pods, requests, target, Present(count + missing))
    assert proposal.replicas == expected


def test_without_behavior_a_step_up_is_at_most_double_or_four() -> None:
    decision = decided(20, Bounds(3, 1, 50), None, Memory(), NOW)
    assert (decision.replicas, decision.limit[0]) == (6, "ScaleUpLimit")


def test_without_behavior_the_highest_of_five_minutes_holds_the_size() -> None:
    memory = Memory([(later(NOW, -290), 8), (later(NOW, -310), 20)])
    decision = decided(2, Bounds(8, 1, 50), None, memory, NOW)
    assert (decision.replicas, decision.able[0]) == (8, "ScaleDownStabilized")


def test_a_policy_counts_what_was_added_in_its_period() -> None:
    rules = {"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]}}
    memory = Memory(changes=[(later(NOW, -30), 3)])
    decision = decided(20, Bounds(5, 1, 50), rules, memory, NOW)
    assert (decision.replicas, decision.limit[0]) == (6, "ScaleUpLimit")
