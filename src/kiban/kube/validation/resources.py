"""Rules for requests and limits: which names there are, which amounts, and how they fit together.

Source: k8s.io/kubernetes/pkg/apis/core/{helper,validation}.
"""

from collections.abc import Callable, Sequence
from typing import Any

from kiban.kube import formats
from kiban.kube.quantities import canonical_quantity
from kiban.kube.validation.faults import (
    Fault,
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    required,
    shown,
    unsupported,
)
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]
NameRule = Callable[[str, str], Faults]

NEGATIVE = "must be greater than or equal to 0"
NOT_WHOLE = "must be an integer"
_COMPUTE = ("cpu", "memory")
_CONTAINER = ("cpu", "memory", "ephemeral-storage")
COUNTED = frozenset(
    (
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    )
)  # fmt: skip
MEASURED = frozenset(
    (
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
        "requests.storage",
    )
)  # fmt: skip
STANDARD = COUNTED | MEASURED | {"storage"}
_OWN_DOMAIN = "kubernetes.io/"
_HUGE = "hugepages-"


def is_huge(name: str) -> bool:
    return name.startswith(_HUGE)


def is_native(name: str) -> bool:
    """Kubernetes' own resources: those without a domain, and those of its own."""
    return "/" not in name or _OWN_DOMAIN in name


def is_extended(name: str) -> bool:
    """What a cluster's operator adds, such as `example.com/gpu`."""
    if is_native(name) or name.startswith("requests."):
        return False
    return not formats.label_key_faults(f"requests.{name}")


def may_exceed(name: str) -> bool:
    """Whether a limit may be larger than its request."""
    return is_native(name) and not is_huge(name)


def resource_name_faults(name: str, field: str) -> Faults:
    faults = all_invalid(field, name, formats.label_key_faults(name))
    if faults:
        return faults
    if "/" not in name and name not in STANDARD and not is_huge(name):
        return [invalid(field, name, "must be a standard resource type or fully qualified")]
    return []


def container_resource_faults(name: str, field: str) -> Faults:
    faults = resource_name_faults(name, field)
    if "/" not in name:
        if name not in _CONTAINER and not is_huge(name):
            faults.append(invalid(field, name, "must be a standard resource for containers"))
    elif not is_native(name) and not is_extended(name):
        faults.append(invalid(field, name, "doesn't follow extended resource name standard"))
    return faults


def pod_resource_faults(name: str, field: str) -> Faults:
    faults = resource_name_faults(name, field)
    if faults or name in _COMPUTE or is_huge(name):
        return faults
    return [unsupported(field, name, ("cpu", "hugepages-", "memory"))]


def amount_faults(name: str, amount: Any, field: str) -> Faults:
    """An amount is not negative, and whole where things are counted."""
    value = parse_quantity(amount)
    faults: Faults = []
    if value < 0:
        faults.append(invalid(field, canonical_quantity(amount), NEGATIVE))
    whole = name in COUNTED or name.startswith("count/") or is_extended(name)
    if whole and value != value.to_integral_value():
        faults.append(invalid(field, canonical_quantity(amount), NOT_WHOLE))
    return faults


def validate_resources(
    resources: Value,
    field: str,
    claims: Sequence[str] = (),
    name_rule: NameRule = container_resource_faults,
) -> Faults:
    """Requests and limits: names, amounts, and that requests fit the limits."""
    if not resources:
        return []
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    faults: Faults = []
    for name in sorted(limits):
        at = f"{field}.limits[{name}]"
        faults += name_rule(name, at) + amount_faults(name, limits[name], at)
        faults += _huge_faults(name, limits[name], at)
    for name in sorted(requests):
        at = f"{field}.requests[{name}]"
        faults += name_rule(name, at) + amount_faults(name, requests[name], at)
        faults += _within(name, requests[name], limits.get(name), field)
        faults += _huge_faults(name, requests[name], at)
    if any(map(is_huge, (*limits, *requests))) and not any(
        name in limits or name in requests for name in _COMPUTE
    ):
        faults.append(forbidden(field, "HugePages require cpu or memory"))
    return faults + _claims(resources.get("claims") or (), claims, f"{field}.claims")


def _within(name: str, request: Any, limit: Any, field: str) -> Faults:
    if limit is None:
        if may_exceed(name):
            return []
        said = "Limit must be set for non overcommitable resources"
        return [required(f"{field}.limits", said)]
    asked, most = parse_quantity(request), parse_quantity(limit)
    seen, bound = canonical_quantity(request), canonical_quantity(limit)
    if asked != most and not may_exceed(name):
        said = f"must be equal to {name} limit of {bound}"
        return [invalid(f"{field}.requests", seen, said)]
    if asked > most:
        said = f"must be less than or equal to {name} limit of {bound}"
        return [invalid(f"{field}.requests", seen, said)]
    return []


def _huge_faults(name: str, amount: Any, field: str) -> Faults:
    """Huge pages come whole."""
    if not is_huge(name):
        return []
    try:
        page = parse_quantity(name.removeprefix(_HUGE))
    except ValueError:
        page = parse_quantity("0")
    value, seen = parse_quantity(amount), canonical_quantity(amount)
    if page > 0 and value % page == 0:
        return []
    return [invalid(field, seen, f"{seen} is not positive integer multiple of {name}")]


def _claims(claims: Sequence[Value], known: Sequence[str], field: str) -> Faults:
    faults: Faults = []
    seen: list[str] = []
    for index, claim in enumerate(claims):
        name, request = claim.get("name", ""), claim.get("request", "")
        at = f"{field}[{index}]"
        if not name:
            faults.append(required(at))
            continue
        key = f"{name}/{request}" if request else name
        if name in seen or key in seen:
            faults.append(duplicate(at, name if name in seen else key))
        elif not request and any(other.startswith(f"{name}/") for other in seen):
            faults.append(duplicate(at, name))
        if request:
            faults += all_invalid(f"{at}.request", request, formats.dns_label_faults(request))
        seen.append(key)
        if name not in known:
            said = "must be one of the names in pod.spec.resourceClaims"
            said += f": {', '.join(sorted(known))}" if known else " which is empty"
            faults.append(Fault("FieldValueNotFound", at, f"Not found: {shown(name)}: {said}"))
    return faults
