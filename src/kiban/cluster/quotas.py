"""What objects take of a namespace's ResourceQuotas: their number, their requests, their limits.

Source: kubernetes/pkg/quota/v1/evaluator/core and apiserver/pkg/quota/v1/generic.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import PERSISTENT_VOLUME_CLAIM, POD, SERVICE, GroupKind, Manifest, get_in
from kiban.kube.quantities import Family, family_of, spelled
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
_SHORT = {
    "cpu": "requests.cpu",
    "memory": "requests.memory",
    "ephemeral-storage": "requests.ephemeral-storage",
}
# A quota of these makes every container say what it takes, of others it does not.
_TO_BE_NAMED = frozenset(
    ("cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much of a resource, and how it is written: as its first part that is not nothing."""

    value: Decimal = Decimal(0)
    family: Family = "decimal"

    def __add__(self, other: "Amount") -> "Amount":
        family = self.family if self.value else other.family
        return Amount(self.value + other.value, family)

    def __sub__(self, other: "Amount") -> "Amount":
        return Amount(self.value - other.value, self.family)

    def __str__(self) -> str:
        return spelled(self.value, self.family)


NOTHING = Amount()
_ONE = Amount(Decimal(1))


def amount_of(text: Any) -> Amount:
    """A quantity as it is written."""
    return Amount(parse_quantity(text), family_of(text))


def is_counted(info: KindInfo, name: str) -> bool:
    """Whether a quota's resource counts objects of this kind."""
    if name in _PLAIN_COUNTS:
        return not info.group and info.kind == _PLAIN_COUNTS[name]
    return name == f"count/{info.resource}"


def use_of(manifest: Manifest, info: KindInfo, name: str) -> Amount:
    """What one object takes of a quota's resource."""
    kind = info.group_kind
    if kind == POD:
        return _pod_use(manifest, info, name)
    if is_counted(info, name):
        return _ONE
    if kind == SERVICE:
        return _service_use(manifest, name)
    if kind == PERSISTENT_VOLUME_CLAIM:
        return _claim_use(manifest, name)
    return NOTHING


def _pod_use(pod: Manifest, info: KindInfo, name: str) -> Amount:
    if name == "count/pods":
        return _ONE
    if get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
        return NOTHING
    if is_counted(info, name):
        return _ONE
    part, resource = _part_of(name)
    return pod_total(pod["spec"], part, resource) if part else NOTHING


def _part_of(name: str) -> tuple[str, str]:
    """`requests` or `limits`, and of what; huge pages may be named without either."""
    if name.startswith("hugepages-"):
        return "requests", name
    part, _, resource = _SHORT.get(name, name).partition(".")
    return (part, resource) if part in ("requests", "limits") else ("", "")


def pod_total(spec: Manifest, part: str, resource: str) -> Amount:
    """What a pod asks for: its containers and sidecars at once, or its largest start-up step."""
    total = _sum(spec.get("containers") or (), part, resource)
    sidecars = largest = NOTHING
    for container in spec.get("initContainers") or ():
        step = _sum([container], part, resource)
        if container.get("restartPolicy") == "Always":
            total, sidecars = total + step, sidecars + step
            step = sidecars
        else:
            step = step + sidecars
        largest = step if step.value > largest.value else largest
    total = largest if largest.value > total.value else total
    said = get_in(spec, "resources", part, resource)
    if said is not None:
        total = amount_of(said)
    return total + amount_of(get_in(spec, "overhead", resource, default="0"))


def _sum(containers: Iterable[Manifest], part: str, resource: str) -> Amount:
    amounts = (get_in(container, "resources", part, resource) for container in containers)
    return sum((amount_of(text) for text in amounts if text is not None), NOTHING)


def _service_use(service: Manifest, name: str) -> Amount:
    type_, ports = get_in(service, "spec", "type"), get_in(service, "spec", "ports", default=[])
    if name == "services.loadbalancers":
        return _ONE if type_ == "LoadBalancer" else NOTHING
    if name != "services.nodeports" or type_ not in ("NodePort", "LoadBalancer"):
        return NOTHING
    if get_in(service, "spec", "allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    return Amount(Decimal(len(ports)))


def _claim_use(claim: Manifest, name: str) -> Amount:
    spec = claim.get("spec") or {}
    own = f"{spec.get('storageClassName') or ''}.storageclass.storage.k8s.io/"
    if name in ("requests.storage", f"{own}requests.storage"):
        return amount_of(get_in(spec, "resources", "requests", "storage", default="0"))
    return _ONE if name == f"{own}persistentvolumeclaims" else NOTHING


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
        case "CrossNamespacePodAffinity":
            return _looks_across_namespaces(spec.get("affinity") or {})
    return False


def _looks_across_namespaces(affinity: dict[str, Any]) -> bool:
    """Whether a term is about pods of other namespaces, too."""
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        terms = list(rules.get("requiredDuringSchedulingIgnoredDuringExecution") or ())
        for weighted in rules.get("preferredDuringSchedulingIgnoredDuringExecution") or ():
            terms.append(weighted.get("podAffinityTerm") or {})
        if any(term.get("namespaces") or "namespaceSelector" in term for term in terms):
            return True
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


def used(quota: Manifest, name: str, info: KindInfo, objects: Sequence[Manifest]) -> Amount:
    """What some objects of one kind take together."""
    return sum((use_of(o, info, name) for o in objects if is_in_scope(o, quota)), NOTHING)


def needs(name: str) -> tuple[str, str] | None:
    """`requests` or `limits`, and of what, where every container must name it."""
    return _part_of(name) if name in _TO_BE_NAMED else None
