"""The autoscaler and the disruption budget of a service."""

from collections.abc import Iterator, Mapping
from typing import Any

from kiban.compiler.bundle import ASKED_ANNOTATION
from kiban.compiler.scale import Part, disruptible, minimum, parts, workload_kind
from kiban.compiler.target import NAME_LABEL, Target
from kiban.compiler.writers.datadog import by_datadog, datadog_metrics, datadog_name
from kiban.compiler.writers.event_scaling import backlog, behavior, by_keda, scaled_object
from kiban.kube.objects import Manifest
from kiban.primitives.canonical import canonical_json
from kiban.spec import ServiceSpec
from kiban.spec.scaling import Metric

# Share of the requested CPU when a service names nothing to scale by.
DEFAULT_CPU_PERCENT = 70
# The embedded cluster measures these in its gateway (cluster/usage/measurements.py); elsewhere an
# adapter for custom metrics must offer them under these names.
REQUESTS_METRIC = "http_requests_per_second"
LATENCY_METRIC = "http_request_duration_p95_seconds"
# What an adapter must offer where KEDA does not run.
QUEUE_METRIC = "queue_messages_visible"


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if service.kind == "job":
        return
    name = service.service
    for part in parts(service):
        if part.autoscales:
            yield _scaler(target, service, part)
    if not by_keda(target, service):
        yield from datadog_metrics(target, service)
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


def _scaler(target: Target, service: ServiceSpec, part: Part) -> Manifest:
    if by_keda(target, service):
        return scaled_object(target, service, part)
    spec = {
        "scaleTargetRef": {
            "apiVersion": "apps/v1",
            "kind": workload_kind(service),
            "name": part.name,
        },
        "minReplicas": part.minimum,
        "maxReplicas": part.maximum,
        "metrics": _metrics(target, service),
        "behavior": behavior(service),
    }
    return target.manifest(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        part.name,
        service=service.service,
        annotations=_asked(target, service),
        spec=spec,
    )


def _metrics(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    scale = service.scale
    cpu = scale.cpu
    if not (cpu or scale.memory or scale.requests or scale.latency or _external(target, service)):
        cpu = DEFAULT_CPU_PERCENT
    found = [
        _utilization(name, share)
        for name, share in (("cpu", cpu), ("memory", scale.memory))
        if share
    ]
    if scale.requests:
        found.append(_of_pods(REQUESTS_METRIC, scale.requests))
    if scale.latency:
        found.append(_of_pods(LATENCY_METRIC, f"{max(1, round(scale.latency * 1000))}m"))
    return [*found, *_external(target, service)]


def _of_pods(name: str, value: str) -> dict[str, Any]:
    target = {"type": "AverageValue", "averageValue": value}
    return {"type": "Pods", "pods": {"metric": {"name": name}, "target": target}}


def _external(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    """Metrics from outside the cluster. A laptop has nobody who offers those of a source."""
    found = []
    queues = {used.key: used.name for used in target.uses(service)}
    for key, queue in sorted(service.scale.queues.items()) if not target.local else ():
        labels = {"queue": queues.get(key, key)}
        found.append(_outside(QUEUE_METRIC, labels, backlog(queue)))
    for name, metric in sorted(service.scale.metrics.items()):
        if by_datadog(target, metric):
            full = f"datadogmetric@{target.namespace}:{datadog_name(service, name)}"
            found.append(_outside(full, {}, metric.target))
        elif metric.source is None or not target.local or _is_asked(target, metric):
            found.append(_outside(name, metric.labels, metric.target))
    return found


def _is_asked(target: Target, metric: Metric) -> bool:
    """Whether the embedded cluster asks a source of the platform itself."""
    return target.local and metric.source in target.platform.spec.metrics


def _asked(target: Target, service: ServiceSpec) -> dict[str, str]:
    """What the embedded cluster is to ask, by metric (wiring/tending/outside.py)."""
    wanted = {
        name: {"source": metric.source, "query": metric.query or name}
        for name, metric in sorted(service.scale.metrics.items())
        if _is_asked(target, metric)
    }
    return {ASKED_ANNOTATION: canonical_json(wanted).decode()} if wanted else {}


def _outside(name: str, labels: Mapping[str, str], value: str) -> dict[str, Any]:
    metric: dict[str, Any] = {"name": name}
    if labels:
        metric["selector"] = {"matchLabels": dict(sorted(labels.items()))}
    target = {"type": "AverageValue", "averageValue": value}
    return {"type": "External", "external": {"metric": metric, "target": target}}


def _utilization(name: str, share: float) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": max(1, round(share))}
    return {"type": "Resource", "resource": {"name": name, "target": target}}
