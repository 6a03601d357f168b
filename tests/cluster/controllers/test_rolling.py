"""The arithmetic of rolling updates and of scaling in proportion."""

from typing import Any

import pytest

from kiban.cluster.controllers.deployment.revisions import Sets
from kiban.cluster.controllers.deployment.rolling import new_set_size, rolling_resizes
from kiban.cluster.controllers.deployment.scaling import scaling_resizes
from kiban.cluster.controllers.deployment.wishes import max_surge, max_unavailable
from kiban.kube.objects import Manifest


def deployment(size: int, surge: Any = "25%", unavailable: Any = "25%") -> Manifest:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    spec = {"replicas": size, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    return {"metadata": {"name": "web"}, "spec": spec}


def replica_set(name: str, size: int, available: int, max_replicas: int = 0) -> Manifest:
    notes = {"deployment.kubernetes.io/max-replicas": str(max_replicas)}
    return {
        "metadata": {"name": name, "annotations": notes},
        "spec": {"replicas": size},
        "status": {"availableReplicas": available},
    }


@pytest.mark.parametrize(
    ("size", "surge", "unavailable", "expected"),
    [
        (1, "25%", "25%", (1, 0)),
        (4, "25%", "25%", (1, 1)),
        (10, "25%", "25%", (3, 2)),
        (3, 0, "25%", (0, 1)),
        (7, "30%", "40%", (3, 2)),
    ],
)
def test_surge_rounds_up_and_unavailable_down_and_both_are_never_zero(
    size: int, surge: Any, unavailable: Any, expected: tuple[int, int]
) -> None:
    wanted = deployment(size, surge, unavailable)
    assert (max_surge(wanted), max_unavailable(wanted)) == expected


def sizes(wanted: Manifest, sets: Sets) -> list[tuple[str, int]]:
    return [
        (step.replica_set["metadata"]["name"], step.size) for step in rolling_resizes(wanted, sets)
    ]


def test_ten_replicas_move_by_three_and_two() -> None:
    wanted = deployment(10)
    assert new_set_size(wanted, Sets(None, [replica_set("old", 10, 10)])) == 3
    after = Sets(replica_set("new", 3, 0), [replica_set("old", 10, 10)])
    assert sizes(wanted, after) == [("old", 8)]
    then = Sets(replica_set("new", 3, 0), [replica_set("old", 8, 8)])
    assert sizes(wanted, then) == [("new", 5)]
    assert sizes(wanted, Sets(replica_set("new", 5, 0), [replica_set("old", 8, 8)])) == []


def test_pods_that_are_about_to_go_are_not_counted_on() -> None:
    """Found by a safety run: the old set was made smaller twice for the same surplus."""
    old = replica_set("v1", 3, 4)
    assert sizes(deployment(5, 3, 1), Sets(replica_set("v2", 5, 3), [old])) == [("v1", 1)]


def test_pods_that_serve_nobody_go_first_oldest_set_first() -> None:
    old = [replica_set("v1", 2, 2), replica_set("v2", 3, 0)]
    assert sizes(deployment(4, 1, 0), Sets(replica_set("v3", 0, 0), old)) == [("v2", 2)]


def test_a_new_size_is_shared_in_proportion() -> None:
    sets = Sets(replica_set("new", 6, 0, 13), [replica_set("old", 7, 7, 13)])
    steps = scaling_resizes(deployment(20), sets)
    assert {step.replica_set["metadata"]["name"]: step.size for step in steps} == {
        "old": 13,
        "new": 12,
    }
