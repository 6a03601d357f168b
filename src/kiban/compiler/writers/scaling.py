"""The autoscaler and the disruption budget of a service."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from kiban.compiler.scale import autoscales, disruptible, maximum, minimum
from kiban.compiler.target import NAME_LABEL, Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# Share of the requested CPU when a service names nothing to scale by.
DEFAULT_CPU_PERCENT = 70
# The embedded cluster measures it in its gateway (cluster/usage/measurements.py); elsewhere an
# adapter for custom metrics must offer it under this name.
REQUESTS_METRIC = "http_requests_per_second"


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if service.kind == "job":
        return
    name = service.service
    if autoscales(service):
        yield target.manifest(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            name,
            service=name,
            spec=_autoscaler(service),
        )
    if minimum(service) > 1:
        yield target.manifest(
            "policy/v1",
            "PodDisruptionBudget",
            name,
            service=name,
            spec={
                "maxUnavailable": disruptible(service),
                "selector": {"matchLabels": {NAME_LABEL: name}},
                # A pod that is not ready anyway must not block the drain that would heal it.
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
            },
        )


def _autoscaler(service: ServiceSpec) -> dict[str, Any]:
    settle = ceil(service.scale.settle)
    return {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": service.service,
        },
        "minReplicas": minimum(service),
        "maxReplicas": maximum(service),
        "metrics": _metrics(service),
        "behavior": {
            "scaleDown": {
                "stabilizationWindowSeconds": settle,
                "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
            }
        },
    }


def _metrics(service: ServiceSpec) -> list[dict[str, Any]]:
    scale = service.scale
    cpu = scale.cpu
    if not (cpu or scale.memory or scale.requests or scale.metrics):
        cpu = DEFAULT_CPU_PERCENT
    found = [
        _utilization(name, share)
        for name, share in (("cpu", cpu), ("memory", scale.memory))
        if share
    ]
    if scale.requests:
        target = {"type": "AverageValue", "averageValue": scale.requests}
        pods = {"metric": {"name": REQUESTS_METRIC}, "target": target}
        found.append({"type": "Pods", "pods": pods})
    for name, external in sorted(scale.metrics.items()):
        metric: dict[str, Any] = {"name": name}
        if external.labels:
            metric["selector"] = {"matchLabels": dict(sorted(external.labels.items()))}
        target = {"type": "AverageValue", "averageValue": external.target}
        found.append({"type": "External", "external": {"metric": metric, "target": target}})
    return found


def _utilization(name: str, share: float) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": max(1, round(share))}
    return {"type": "Resource", "resource": {"name": name, "target": target}}
