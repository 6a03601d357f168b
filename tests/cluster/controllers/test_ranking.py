"""Which pods a ReplicaSet gives up first."""

from kiban.cluster.controllers.replica_set.ranking import least_wanted
from kiban.kube.objects import Manifest
from kiban.primitives.instants import parse_rfc3339

NOW = parse_rfc3339("2026-01-01T01:00:00Z")


def pod(
    name: str,
    node: str = "n1",
    phase: str = "Running",
    ready_since: str = "2026-01-01T00:00:00Z",
    cost: int = 0,
) -> Manifest:
    conditions = [{"type": "Ready", "status": "True", "lastTransitionTime": ready_since}]
    return {
        "metadata": {
            "name": name,
            "uid": name,
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "annotations": {"controller.kubernetes.io/pod-deletion-cost": str(cost)},
        },
        "spec": {"nodeName": node} if node else {},
        "status": {"phase": phase, "conditions": conditions if ready_since else []},
    }


def order(*pods: Manifest) -> list[str]:
    kin = list(pods)
    return [least_wanted(kin, kin, 1, NOW)[0]["metadata"]["name"]]


def test_a_pod_without_a_node_goes_before_one_that_is_not_ready() -> None:
    assert order(pod("a", ready_since=""), pod("b", node="", phase="Pending")) == ["b"]


def test_the_cheaper_pod_goes_first() -> None:
    assert order(pod("a", cost=5), pod("b", cost=-1, node="n2")) == ["b"]


def test_the_crowded_node_gives_first() -> None:
    assert order(pod("a", "n1"), pod("b", "n2"), pod("c", "n2")) == ["b"]


def test_the_pod_that_became_ready_lately_goes_before_an_old_one() -> None:
    young = pod("b", "n2", ready_since="2026-01-01T00:59:50Z")
    assert order(pod("a", "n1"), young) == ["b"]
