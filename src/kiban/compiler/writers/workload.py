"""The Deployment of a web service or worker; with disks, its StatefulSet."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from kiban.compiler.pod import container_ports, pod_template
from kiban.compiler.rollout import rollout_annotation
from kiban.compiler.scale import autoscales, minimum, workload_kind
from kiban.compiler.target import NAME_LABEL, Target
from kiban.compiler.volumes import claim, disks
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# Longer than any start-up that is allowed, so that a slow one is not called failed.
PROGRESS_SECONDS = 300


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if service.kind == "job":
        return
    kind = workload_kind(service)
    spec: dict[str, Any] = {}
    if not autoscales(service):
        # Where an autoscaler owns the number, writing it would undo its work at every apply.
        spec["replicas"] = minimum(service)
    spec["selector"] = {"matchLabels": {NAME_LABEL: service.service}}
    spec |= _named_pods(target, service) if kind == "StatefulSet" else _replaced_pods(service)
    spec["template"] = pod_template(target, service)
    yield target.manifest(
        "apps/v1",
        kind,
        service.service,
        service=service.service,
        annotations={**about(service), **rollout_annotation(target, service)},
        spec=spec,
    )
    if kind == "StatefulSet":
        yield _names(target, service)


def about(service: ServiceSpec) -> dict[str, str]:
    """What people want to know of a workload when they meet it in a cluster."""
    found = {"kiban.dev/owner": service.owner or "", "kiban.dev/monthly-budget": service.budget}
    if service.tier != "normal":
        found["kiban.dev/tier"] = service.tier
    found |= {f"link.kiban.dev/{name}": link for name, link in sorted(service.links.items())}
    return {name: str(value) for name, value in found.items() if value}


def _replaced_pods(service: ServiceSpec) -> dict[str, Any]:
    return {
        "strategy": {
            "type": "RollingUpdate",
            "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
        },
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": ceil(service.health.startup) + PROGRESS_SECONDS,
    }


def _named_pods(target: Target, service: ServiceSpec) -> dict[str, Any]:
    """Pods that keep their disk. Its claim outlives the service: data are deleted by people."""
    return {
        "serviceName": names_of(service),
        "podManagementPolicy": "Parallel",
        "revisionHistoryLimit": 5,
        "volumeClaimTemplates": [
            {"metadata": {"name": name, "labels": target.labels(service.service)},
             "spec": claim(volume)}
            for name, volume in disks(service).items()
        ],
    }  # fmt: skip


def names_of(service: ServiceSpec) -> str:
    """The Service that gives each pod a name of its own."""
    return f"{service.service}-pods"


def _names(target: Target, service: ServiceSpec) -> Manifest:
    spec = {
        "clusterIP": "None",
        # Instances find each other before they are ready.
        "publishNotReadyAddresses": True,
        "selector": {NAME_LABEL: service.service},
        "ports": [
            {"name": name, "port": port, "targetPort": port, "protocol": "TCP"}
            for name, port in container_ports(service)
        ],
    }
    spec = spec if spec["ports"] else {key: spec[key] for key in spec if key != "ports"}
    name = names_of(service)
    return target.manifest("v1", "Service", name, service=service.service, spec=spec)
