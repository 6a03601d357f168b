"""What is said of metrics that cannot be read."""

from typing import Any

import pytest

from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import NO_METRICS, Sample
from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import Target, proposals
from kiban.cluster.controllers.horizontal_pod_autoscaler.replicas import Uncountable, requests_of
from kiban.primitives.instants import Instant

LABELS = {"matchLabels": {"b": "2", "a": "1"}}
RULES = {"matchExpressions": [{"key": "k", "operator": "In", "values": ["x", "y"]}]}


@pytest.mark.parametrize(
    ("selector", "shown"),
    [
        (None, "nil"),
        (
            LABELS,
            "&LabelSelector{MatchLabels:map[string]string{a: 1,b: 2,},"
            "MatchExpressions:[]LabelSelectorRequirement{},}",
        ),
        (
            RULES,
            "&LabelSelector{MatchLabels:map[string]string{},MatchExpressions:"
            "[]LabelSelectorRequirement{"
            "LabelSelectorRequirement{Key:k,Operator:In,Values:[x y],},},}",
        ),
    ],
)
def test_an_external_metric_that_is_not_there_is_named_with_its_selector(
    selector: dict[str, Any] | None, shown: str
) -> None:
    metric = {"name": "queue", **({"selector": selector} if selector else {})}
    target = {"type": "AverageValue", "averageValue": "30"}
    spec = {"type": "External", "external": {"metric": metric, "target": target}}
    found = proposals([spec], Target("shop", 2, 2, []), NO_METRICS, Instant(0))
    [failure] = found.failures
    assert failure.reason == "FailedGetExternalMetric"
    assert failure.detail.startswith(f"unable to get external metric shop/queue/{shown}: ")


CPU_OF_C = {"type": "Utilization", "averageUtilization": 50}


def pod(name: str, *containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": name},
        "spec": {"containers": list(containers), **spec},
    }


def asking(name: str, **requests: str) -> dict[str, Any]:
    return {"name": name, "resources": {"requests": requests}}


@pytest.mark.parametrize(
    ("spec", "summary"),
    [
        (
            {
                "type": "ContainerResource",
                "containerResource": {"name": "cpu", "container": "c", "target": CPU_OF_C},
            },
            "failed to get c container metric value: failed to get cpu utilization: ",
        ),
        (
            {
                "type": "External",
                "external": {
                    "metric": {"name": "q"},
                    "target": {"type": "Value", "value": "5"},
                },
            },
            "failed to get q external metric value: failed to get external metric q: ",
        ),
        (
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "rps"},
                    "describedObject": {"kind": "Service", "name": "s"},
                    "target": {"type": "AverageValue", "averageValue": "5"},
                },
            },
            "failed to get object metric value: failed to get rps object metric: ",
        ),
    ],
)
def test_every_metric_fails_in_its_own_words(spec: dict[str, Any], summary: str) -> None:
    found = proposals([spec], Target("shop", 2, 2, []), NO_METRICS, Instant(0))
    assert str(found.failures[0]).startswith(summary)


def test_sidecars_count_and_a_pod_may_ask_as_a_whole() -> None:
    sidecar = {**asking("s", cpu="50m"), "restartPolicy": "Always"}
    assert requests_of([pod("a", asking("c", cpu="100m"), initContainers=[sidecar])], "cpu") == {
        "a": 150
    }
    whole = {"requests": {"cpu": "1"}}
    assert requests_of([pod("b", {"name": "c"}, resources=whole)], "cpu") == {"b": 1000}
    with pytest.raises(Uncountable, match=r"missing pod-level request for memory in Pod b"):
        requests_of([pod("b", {"name": "c"}, resources=whole)], "memory")
    with pytest.raises(Uncountable, match=r"container x not found in Pod a"):
        requests_of([pod("a", asking("c", cpu="100m"))], "cpu", "x")


class Measured:
    """Every pod uses one core in its container `c`, and nothing else is measured."""

    def resource(self, resource: str, pods: Any, now: Instant) -> dict[str, Sample]:
        return {each["metadata"]["name"]: Sample({"c": 1000}, now, 15.0) for each in pods}

    def custom(self, metric: str, pods: Any, now: Instant) -> dict[str, Sample]:
        return {}

    def described(self, namespace: str, kind: str, name: str, metric: str, now: Instant) -> None:
        return None

    def external(self, namespace: str, metric: str, selector: Any, now: Instant) -> list[int]:
        return []


def test_a_container_that_is_not_measured_is_named() -> None:
    source = {"name": "cpu", "container": "x", "target": CPU_OF_C}
    spec = {"type": "ContainerResource", "containerResource": source}
    target = Target("shop", 1, 1, [pod("a", asking("c", cpu="1"))])
    [failure] = proposals([spec], target, Measured(), Instant(0)).failures
    assert failure.detail == (
        "failed to get cpu utilization: unable to get metrics for resource cpu: failed to get "
        "container metrics: container x not present in metrics for pod shop/a"
    )
