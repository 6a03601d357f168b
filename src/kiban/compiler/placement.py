"""Where the pods of a service go: over zones and nodes, on spot capacity or not."""

from typing import Any

from kiban.compiler.scale import workload_kind
from kiban.compiler.target import NAME_LABEL
from kiban.spec import ServiceSpec

# The node label by which EKS tells spot capacity.
CAPACITY_TYPE = "eks.amazonaws.com/capacityType"
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
# The label by which the controller of each kind tells the revisions of its pods apart.
REVISION_KEYS = {"Deployment": "pod-template-hash", "StatefulSet": "controller-revision-hash"}
# Over how many zones, when nobody says.
DEFAULT_ZONES = 2


def placement(service: ServiceSpec) -> dict[str, Any]:
    """The part of a pod's spec that says so. Jobs are not spread: they run one by one."""
    if service.kind == "job":
        return {**_nodes(service), **_capacity(service)}
    strict = service.availability is not None and service.availability.strict
    zones = service.availability.zones if service.availability else DEFAULT_ZONES
    constraints = []
    if zones > 1:
        when = "DoNotSchedule" if strict else "ScheduleAnyway"
        constraints.append(_spread(service, ZONE, when))
    constraints.append(_spread(service, HOST, "ScheduleAnyway"))
    if 0 < service.spot < 100:
        constraints.append(_spread(service, CAPACITY_TYPE, "ScheduleAnyway"))
    return {"topologySpreadConstraints": constraints, **_nodes(service), **_capacity(service)}


def _nodes(service: ServiceSpec) -> dict[str, Any]:
    """The nodes that will do, and the taints that are no hindrance."""
    selector = dict(sorted(service.nodes.items()))
    if service.arch:
        selector["kubernetes.io/arch"] = service.arch
    tolerations = [
        {"key": key, "operator": "Equal", "value": value}
        if value
        else {"key": key, "operator": "Exists"}
        for key, value in sorted(service.tolerations.items())
    ]
    found: dict[str, Any] = {"nodeSelector": selector} if selector else {}
    return found | ({"tolerations": tolerations} if tolerations else {})


def _spread(service: ServiceSpec, key: str, when: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": {NAME_LABEL: service.service}},
        # Each revision is spread by itself; else the old pods decide where the new ones go.
        "matchLabelKeys": [REVISION_KEYS[workload_kind(service)]],
        "nodeTaintsPolicy": "Honor",
    }


def _capacity(service: ServiceSpec) -> dict[str, Any]:
    """Prefer the capacity asked for; when there is none, run on the other."""
    if 0 < service.spot < 100:
        return {}
    term = {"key": CAPACITY_TYPE, "operator": "In"}
    wanted = "SPOT" if service.spot else "ON_DEMAND"
    preference = {"matchExpressions": [{**term, "values": [wanted]}]}
    preferred = [{"weight": 100, "preference": preference}]
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    }
