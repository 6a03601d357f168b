"""Autoscaling by what the cluster does not measure itself: queues, schedules, the metrics of
others. KEDA asks for them and makes the autoscaler.

Source: the trigger specifications of KEDA 2.
"""

from collections.abc import Iterator
from math import ceil, floor
from typing import Any

from kiban.compiler.scale import Part, workload_kind
from kiban.compiler.target import Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec
from kiban.spec.scaling import Metric, Queue

POLL_SECONDS = 15
_WINDOW_SECONDS = 60
_DATADOG_AUTHENTICATION = "datadog"


def behavior(service: ServiceSpec) -> dict[str, Any]:
    """How fast instances go: what comes back within the time must not be started anew."""
    found: dict[str, Any] = {
        "scaleDown": {
            "stabilizationWindowSeconds": ceil(service.scale.settle),
            "policies": [{"type": "Percent", "value": 25, "periodSeconds": 60}],
        }
    }
    if service.scale.hold:
        found["scaleUp"] = {"stabilizationWindowSeconds": ceil(service.scale.hold)}
    return found


def backlog(queue: Queue) -> str:
    """How many messages may wait for each instance: as many as it works off in the time that one
    of them may wait."""
    if queue.delay is not None and queue.work is not None:
        return str(max(1, floor(queue.delay / queue.work)))
    return queue.messages or "1"


def by_keda(target: Target, service: ServiceSpec) -> bool:
    """Whether KEDA scales the service: it wants what only KEDA can tell, and KEDA is there."""
    return not target.local and target.cluster.keda and needs_keda(service)


def needs_keda(service: ServiceSpec) -> bool:
    scale = service.scale
    asked = any(metric.source for metric in scale.metrics.values())
    return bool(scale.queues or scale.schedules or asked)


def scaled_object(target: Target, service: ServiceSpec, part: Part) -> Manifest:
    return target.manifest(
        "keda.sh/v1alpha1",
        "ScaledObject",
        part.name,
        service=service.service,
        spec={
            "scaleTargetRef": {"kind": workload_kind(service), "name": part.name},
            "minReplicaCount": part.minimum,
            "maxReplicaCount": part.maximum,
            "pollingInterval": POLL_SECONDS,
            "advanced": {"horizontalPodAutoscalerConfig": {"behavior": behavior(service)}},
            "triggers": list(_triggers(target, service)),
        },
    )


def _triggers(target: Target, service: ServiceSpec) -> Iterator[dict[str, Any]]:
    scale = service.scale
    for name, share in (("cpu", scale.cpu), ("memory", scale.memory)):
        if share:
            value = {"value": str(max(1, round(share)))}
            yield {"type": name, "metricType": "Utilization", "metadata": value}
    prefixes = {used.key: used.prefix for used in target.uses(service)}
    for key, queue in sorted(scale.queues.items()):
        metadata = {
            "queueURLFromEnv": f"{prefixes[key]}_URL",
            "queueLength": backlog(queue),
            "awsRegion": target.cluster.region,
            "identityOwner": "operator",
        }
        yield {"type": "aws-sqs-queue", "metadata": metadata}
    for name, metric in sorted(scale.metrics.items()):
        if metric.source:
            yield _trigger(target, name, metric)
    for _, times in sorted(scale.schedules.items()):
        metadata = {
            "timezone": times.timezone,
            "start": times.start,
            "end": times.end,
            "desiredReplicas": str(times.min),
        }
        yield {"type": "cron", "metadata": metadata}


def source_type(target: Target, metric: Metric) -> str:
    """Which system is asked, whether the platform names it or the service."""
    named = target.platform.spec.metrics.get(metric.source or "")
    return named.type if named else metric.source or ""


def _trigger(target: Target, name: str, metric: Metric) -> dict[str, Any]:
    query = metric.query or name
    named = target.platform.spec.metrics.get(metric.source or "")
    kind = source_type(target, metric)
    if kind == "prometheus":
        metadata = {
            "serverAddress": metric.server or (named.url if named else None) or "",
            "query": query,
            "threshold": metric.target,
        }
        return {"type": "prometheus", "metadata": metadata}
    if kind == "datadog":
        metadata = {"query": query, "queryValue": metric.target, "age": str(2 * _WINDOW_SECONDS)}
        authentication = {"name": _DATADOG_AUTHENTICATION, "kind": "ClusterTriggerAuthentication"}
        return {"type": "datadog", "metadata": metadata, "authenticationRef": authentication}
    metadata = {
        "expression": query,
        "targetMetricValue": metric.target,
        "metricStatPeriod": str(_WINDOW_SECONDS),
        "awsRegion": (named.region if named else None) or target.cluster.region,
        "identityOwner": "operator",
    }
    return {"type": "aws-cloudwatch", "metadata": metadata}
