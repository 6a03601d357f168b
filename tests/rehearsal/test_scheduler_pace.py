"""A rehearsed scheduler is as quick as the client of the real one, and forgets nobody."""

from typing import Any

from kiban.cluster.nodes import NodeGroup
from kiban.kube.objects import POD
from kiban.rehearsal import World
from kiban.rehearsal.world import Settings

PODS = 250
REPLICA_SET: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "ReplicaSet",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "replicas": PODS,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "app", "image": "registry.example/web:v1"}]},
        },
    },
}


def bound_by_second(pace: tuple[float, int] | None) -> list[int]:
    """The pods that have a node so many seconds after the set was made."""
    settings = Settings(nodes=(NodeGroup("a", count=10),), warm_up_seconds=1, scheduler_pace=pace)
    world = World([REPLICA_SET], settings)
    found = []
    for second in range(6):
        world.run_for(second - 1 + 0.5)
        pods = world.cluster.store.list(POD)
        found.append(sum(1 for pod in pods if pod["spec"].get("nodeName")))
    return found


def test_after_a_burst_so_many_pods_a_second_get_a_node() -> None:
    assert bound_by_second((50, 100)) == [125, 175, 225, 250, 250, 250]


def test_without_a_pace_all_are_placed_at_once() -> None:
    assert bound_by_second(None)[0] == PODS
