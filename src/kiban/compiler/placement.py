"""Where the pods of a service go: over zones and nodes, on spot capacity or not."""

from typing import Any

from kiban.compiler.companions import GPU
from kiban.compiler.scale import Capacity, workload_kind
from kiban.compiler.target import NAME_LABEL, Target
from kiban.spec import ServiceSpec

# How nodes tell their capacity, on demand and spot: those of EKS's node groups, and Karpenter's.
EKS = ("eks.amazonaws.com/capacityType", "ON_DEMAND", "SPOT")
KARPENTER = ("karpenter.sh/capacity-type", "on-demand", "spot")
_LABELS = (EKS, KARPENTER)
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
# The label by which the controller of each kind tells the revisions of its pods apart.
REVISION_KEYS = {"Deployment": "pod-template-hash", "StatefulSet": "controller-revision-hash"}
# Over how many zones, when nobody says.
DEFAULT_ZONES = 2


def placement(target: Target, service: ServiceSpec, capacity: Capacity) -> dict[str, Any]:
    """The part of a pod's spec that says so. Jobs are not spread: they run one by one."""
    label = KARPENTER if target.cluster.autoscaler == "karpenter" else EKS
    where = {**_nodes(service), **_capacity(service, capacity, label)}
    if service.kind == "job":
        return where
    strict = service.availability is not None and service.availability.strict
    zones = service.availability.zones if service.availability else DEFAULT_ZONES
    constraints = []
    if zones > 1:
        when = "DoNotSchedule" if strict else "ScheduleAnyway"
        constraints.append(_spread(service, ZONE, when))
    constraints.append(_spread(service, HOST, "ScheduleAnyway"))
    if not capacity and 0 < service.spot < 100:
        constraints.append(_spread(service, label[0], "ScheduleAnyway"))
    return {"topologySpreadConstraints": constraints, **where}


def _nodes(service: ServiceSpec) -> dict[str, Any]:
    """The nodes that will do, and the taints that are no hindrance."""
    selector = dict(sorted(service.nodes.items()))
    if service.arch:
        selector["kubernetes.io/arch"] = service.arch
    tolerations = [
        {"key": key, "operator": "Equal", "value": value}
        if value
        else {"key": key, "operator": "Exists"}
        for key, value in sorted(_borne(service).items())
    ]
    found: dict[str, Any] = {"nodeSelector": selector} if selector else {}
    return found | ({"tolerations": tolerations} if tolerations else {})


def _borne(service: ServiceSpec) -> dict[str, str]:
    """Nodes with GPUs are kept for those who ask for some."""
    asked = [service.resources, *(one.resources for one in service.sidecars.values())]
    return {**({GPU: ""} if any(one.gpu for one in asked) else {}), **service.tolerations}


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


def _capacity(
    service: ServiceSpec, capacity: Capacity, label: tuple[str, str, str]
) -> dict[str, Any]:
    """Prefer the capacity asked for; when there is none, run on the other. What must be on demand
    runs wherever nobody says spot."""
    if capacity == "on-demand":
        terms = [{"key": key, "operator": "NotIn", "values": [spot]} for key, _, spot in _LABELS]
        required = {"nodeSelectorTerms": [{"matchExpressions": terms}]}
        return _affinity({"requiredDuringSchedulingIgnoredDuringExecution": required})
    if not capacity and 0 < service.spot < 100:
        return {}
    key, on_demand, spot = label
    wanted = spot if capacity or service.spot else on_demand
    preference = {"matchExpressions": [{"key": key, "operator": "In", "values": [wanted]}]}
    preferred = [{"weight": 100, "preference": preference}]
    return _affinity({"preferredDuringSchedulingIgnoredDuringExecution": preferred})


def _affinity(of_nodes: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {"nodeAffinity": of_nodes}}
