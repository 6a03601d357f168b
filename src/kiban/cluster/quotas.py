"""What objects take of a namespace's ResourceQuotas: their number, their requests, their limits.

Source: kubernetes/pkg/quota/v1/evaluator/core and apiserver/pkg/quota/v1/generic.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import PERSISTENT_VOLUME_CLAIM, POD, SERVICE, GroupKind, Manifest, get_in
from kiban.kube.quantities import canonical_quantity
from kiban.primitives.quantities import parse_quantity

RESOURCE_QUOTA = GroupKind("", "ResourceQuota")
# Names for what is counted besides `count/<resource>.<group>`.
_PLAIN_COUNTS = {
    "configmaps": "ConfigMap",
    "persistentvolumeclaims": "PersistentVolumeClaim",
    "pods": "Pod",
    "replicationcontrollers": "ReplicationController",
    "resourcequotas": "ResourceQuota",
    "secrets": "Secret",
    "services": "Service",
}
_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory"}
_ZERO = Decimal(0)


def is_counted(info: KindInfo, name: str) -> bool:
    """Whether a quota's resource counts objects of this kind."""
    if name in _PLAIN_COUNTS:
        return not info.group and info.kind == _PLAIN_COUNTS[name]
    return name == f"count/{info.resource}"


def use_of(manifest: Manifest, info: KindInfo, name: str) -> Decimal:
    """What one object takes of a quota's resource."""
    kind = info.group_kind
    if kind == POD:
        return _pod_use(manifest, info, name)
    if is_counted(info, name):
        return Decimal(1)
    if kind == SERVICE:
        return _service_use(manifest, name)
    if kind == PERSISTENT_VOLUME_CLAIM:
        return _claim_use(manifest, name)
    return _ZERO


def _pod_use(pod: Manifest, info: KindInfo, name: str) -> Decimal:
    if name == "count/pods":
        return Decimal(1)
    if get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
        return _ZERO
    if is_counted(info, name):
        return Decimal(1)
    part, _, resource = _SHORT.get(name, name).partition(".")
    if part not in ("requests", "limits"):
        return _ZERO
    running = _sum(get_in(pod, "spec", "containers", default=[]), part, resource)
    starting = (
        _sum([container], part, resource)
        for container in get_in(pod, "spec", "initContainers", default=[])
    )
    overhead = parse_quantity(get_in(pod, "spec", "overhead", resource, default="0"))
    return max([running, *starting]) + overhead


def _sum(containers: Iterable[Manifest], part: str, resource: str) -> Decimal:
    amounts = (get_in(container, "resources", part, resource) for container in containers)
    return sum((parse_quantity(amount) for amount in amounts if amount is not None), _ZERO)


def _service_use(service: Manifest, name: str) -> Decimal:
    type_, ports = get_in(service, "spec", "type"), get_in(service, "spec", "ports", default=[])
    if name == "services.loadbalancers":
        return Decimal(type_ == "LoadBalancer")
    if name == "services.nodeports":
        has_ports = get_in(service, "spec", "allocateLoadBalancerNodePorts") is not False
        opens = type_ == "NodePort" or (type_ == "LoadBalancer" and has_ports)
        return Decimal(len(ports) if opens else 0)
    return _ZERO


def _claim_use(claim: Manifest, name: str) -> Decimal:
    spec = claim.get("spec") or {}
    size = get_in(spec, "resources", "requests", "storage", default="0")
    own = f"{spec.get('storageClassName') or ''}.storageclass.storage.k8s.io/"
    if name in ("requests.storage", f"{own}requests.storage"):
        return parse_quantity(size)
    return Decimal(name == f"{own}persistentvolumeclaims")


def is_in_scope(manifest: Manifest, quota: Manifest) -> bool:
    """Whether a quota is about this object. Scopes are about pods only."""
    spec = quota.get("spec") or {}
    expressions = list((spec.get("scopeSelector") or {}).get("matchExpressions") or ())
    expressions += [{"scopeName": name, "operator": "Exists"} for name in spec.get("scopes") or ()]
    if not expressions:
        return True
    return manifest.get("kind") == "Pod" and all(_has_scope(manifest, e) for e in expressions)


def _has_scope(pod: Manifest, expression: dict[str, Any]) -> bool:
    spec = pod.get("spec") or {}
    ends = spec.get("activeDeadlineSeconds") is not None
    best_effort: bool = get_in(pod, "status", "qosClass", default=_quality(spec)) == "BestEffort"
    match expression["scopeName"]:
        case "Terminating":
            return ends
        case "NotTerminating":
            return not ends
        case "BestEffort":
            return best_effort
        case "NotBestEffort":
            return not best_effort
        case "PriorityClass":
            return _has_priority(spec.get("priorityClassName") or "", expression)
    return False


def _quality(spec: dict[str, Any]) -> str:
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    asks = any(
        (c.get("resources") or {}).get(p) for c in containers for p in ("requests", "limits")
    )
    return "Burstable" if asks else "BestEffort"


def _has_priority(name: str, expression: dict[str, Any]) -> bool:
    values = expression.get("values") or ()
    match expression.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
    return bool(name)


def used(quota: Manifest, name: str, info: KindInfo, objects: Sequence[Manifest]) -> Decimal:
    """What some objects of one kind take together."""
    return sum((use_of(o, info, name) for o in objects if is_in_scope(o, quota)), _ZERO)


def needs(name: str) -> tuple[str, str] | None:
    """`requests` or `limits`, and of what, where every container must name it."""
    part, _, resource = _SHORT.get(name, name).partition(".")
    return (part, resource) if part in ("requests", "limits") and resource != "storage" else None


def amount_text(value: Decimal) -> str:
    return canonical_quantity(format(value, "f"))
