"""The Deployments of a web service or worker; where its instances have names, its StatefulSet."""

from collections.abc import Iterator
from math import ceil
from typing import Any

from kiban.compiler.pod import container_ports, part_labels, pod_template
from kiban.compiler.rollout import is_recreated, rollout_annotation
from kiban.compiler.scale import Part, parts, workload_kind
from kiban.compiler.target import NAME_LABEL, Target
from kiban.compiler.volumes import claim, disks
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

# Longer than any start-up that is allowed, so that a slow one is not called failed.
PROGRESS_SECONDS = 300


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    if service.kind == "job":
        return
    for part in parts(service):
        yield _workload(target, service, part)
    if workload_kind(service) == "StatefulSet":
        yield _names(target, service)


def _workload(target: Target, service: ServiceSpec, part: Part) -> Manifest:
    kind = workload_kind(service)
    spec: dict[str, Any] = {}
    if not part.autoscales:
        # Where an autoscaler owns the number, writing it would undo its work at every apply.
        spec["replicas"] = part.minimum
    chosen = {NAME_LABEL: service.service, **part_labels(part.capacity)}
    spec["selector"] = {"matchLabels": chosen}
    spec |= _named_pods(target, service) if kind == "StatefulSet" else _replaced_pods(service)
    spec["template"] = pod_template(target, service, part.capacity)
    notes = {**about(service), **rollout_annotation(target, service)}
    return target.manifest(
        "apps/v1", kind, part.name, service=service.service, annotations=notes, spec=spec
    )


def about(service: ServiceSpec) -> dict[str, str]:
    """What people want to know of a workload when they meet it in a cluster."""
    found = {"kiban.dev/owner": service.owner or "", "kiban.dev/monthly-budget": service.budget}
    if service.tier != "normal":
        found["kiban.dev/tier"] = service.tier
    found |= {f"link.kiban.dev/{name}": link for name, link in sorted(service.links.items())}
    return {name: str(value) for name, value in found.items() if value}


def _replaced_pods(service: ServiceSpec) -> dict[str, Any]:
    strategy: dict[str, Any] = {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"},
    }
    return {
        "strategy": {"type": "Recreate"} if is_recreated(service) else strategy,
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": ceil(service.health.startup) + PROGRESS_SECONDS,
    }


def _named_pods(target: Target, service: ServiceSpec) -> dict[str, Any]:
    """Pods that keep their name and their disk, whose claim outlives the service: data are deleted
    by people."""
    templates = [
        {"metadata": {"name": name, "labels": target.labels(service.service)},
         "spec": claim(volume)}
        for name, volume in disks(service).items()
    ]  # fmt: skip
    return {
        "serviceName": names_of(service),
        "podManagementPolicy": "OrderedReady" if service.instances == "ordered" else "Parallel",
        "revisionHistoryLimit": 5,
        **({"volumeClaimTemplates": templates} if templates else {}),
    }


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
