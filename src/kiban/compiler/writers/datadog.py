"""Metrics of Datadog for autoscalers without KEDA: the Datadog Cluster Agent asks for what a
DatadogMetric holds, and answers for it by its name.

Source: "Autoscaling with Cluster Agent Custom & External Metrics" in Datadog's documentation.
"""

import re
from collections.abc import Iterator

from kiban.compiler.scale import autoscales
from kiban.compiler.target import Target
from kiban.compiler.writers.event_scaling import source_type
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec
from kiban.spec.scaling import Metric

_NOT_IN_A_NAME = re.compile(r"[^a-z0-9]+")


def datadog_metrics(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    """One for each metric that the agent is to ask for."""
    if not autoscales(service):
        return
    for name, metric in sorted(service.scale.metrics.items()):
        if by_datadog(target, metric):
            yield target.manifest(
                "datadoghq.com/v1alpha1",
                "DatadogMetric",
                datadog_name(service, name),
                service=service.service,
                spec={"query": metric.query or name},
            )


def by_datadog(target: Target, metric: Metric) -> bool:
    """Whether the Cluster Agent answers for a metric."""
    has_agent = target.cluster.adapters.get("datadog", False) and not target.local
    return has_agent and source_type(target, metric) == "datadog"


def datadog_name(service: ServiceSpec, metric: str) -> str:
    bare = _NOT_IN_A_NAME.sub("-", metric.lower()).strip("-")
    return f"{service.service}-{bare}"
