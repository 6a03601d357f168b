"""What is said of metrics that cannot be read."""

from typing import Any

import pytest

from kiban.cluster.controllers.horizontal_pod_autoscaler.metrics import NO_METRICS
from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import Target, proposals
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
