"""The Deployment of a web service or worker."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from kiban.compiler.pod import pod_template
from kiban.compiler.rollout import rollout_annotation
from kiban.compiler.scale import autoscales, minimum
from kiban.compiler.target import NAME_LABEL, Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# Longer than any start-up that is allowed, so that a slow one is not called failed.
PROGRESS_SECONDS = 300


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if service.kind == "job":
        return
    spec: dict[str, Any] = {}
    if not autoscales(service):
        # Where an autoscaler owns the number, writing it would undo its work at every apply.
        spec["replicas"] = minimum(service)
    spec |= {
        "selector": {"matchLabels": {NAME_LABEL: service.service}},
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
        },
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": ceil(service.health.startup) + PROGRESS_SECONDS,
        "template": pod_template(target, service),
    }
    yield target.manifest(
        "apps/v1",
        "Deployment",
        service.service,
        service=service.service,
        annotations=rollout_annotation(target, service),
        spec=spec,
    )
