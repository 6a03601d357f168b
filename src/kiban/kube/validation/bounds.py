"""Rules for the objects that bound what a namespace may use: ResourceQuota and LimitRange.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.quantities import canonical_quantity
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    invalid,
    required,
)
from kiban.kube.validation.resources import (
    COUNTED,
    MEASURED,
    amount_faults,
    container_resource_faults,
    is_huge,
    may_exceed,
    resource_name_faults,
)
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

_SCOPES = (
    "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
    "CrossNamespacePodAffinity", "VolumeAttributesClass",
)  # fmt: skip
_EXCLUSIVE = ({"Terminating", "NotTerminating"}, {"BestEffort", "NotBestEffort"})


def validate_quota(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    hard = spec.get("hard") or {}
    faults: Faults = []
    for name in sorted(hard):
        faults += _quota_resource(name, hard[name], f"spec.hard[{name}]")
    return faults + _scopes(spec, hard) + _scope_selector(spec, hard)


def _quota_resource(name: str, amount: str, field: str) -> Faults:
    faults = resource_name_faults(name, field)
    if "/" not in name and not _is_quota_resource(name):
        faults.append(invalid(field, name, "must be a standard resource for quota"))
    return faults + amount_faults(name, amount, field)


def _is_quota_resource(name: str) -> bool:
    return name in COUNTED | MEASURED or is_huge(name) or name.startswith("requests.hugepages-")


def _scopes(spec: Value, hard: Value) -> Faults:
    scopes, at = spec.get("scopes") or [], "spec.scopes"
    faults: Faults = []
    for scope in scopes:
        if scope not in _SCOPES:
            faults.append(invalid(at, scopes, "unsupported scope"))
        for name in sorted(hard):
            if _is_quota_resource(name) and not _fits(scope, name):
                faults.append(invalid(at, scopes, "unsupported scope applied to resource"))
    return faults + _clashes(scopes, scopes)


def _clashes(scopes: Any, shown: Any) -> Faults:
    return [
        invalid("spec.scopes", shown, "conflicting scopes")
        for pair in _EXCLUSIVE
        if pair <= set(scopes)
    ]


_POD_AMOUNTS = frozenset(
    ("pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory")
)


def _fits(scope: str, name: str) -> bool:
    """Whether a scope means anything for a resource."""
    if scope in ("Terminating", "NotTerminating", "NotBestEffort", "PriorityClass",
                 "CrossNamespacePodAffinity"):  # fmt: skip
        return name in _POD_AMOUNTS
    if scope == "BestEffort":
        return name == "pods"
    return True


_PLAIN_SCOPES = ("BestEffort", "NotBestEffort", "Terminating", "NotTerminating",
                 "CrossNamespacePodAffinity")  # fmt: skip
_ONLY_EXISTS = (
    "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
    "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
    "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity"
)


def _scope_selector(spec: Value, hard: Value) -> Faults:
    selector, at = spec.get("scopeSelector"), "spec.scopeSelector.matchExpressions"
    if selector is None:
        return []
    entries = selector.get("matchExpressions") or ()
    faults: Faults = []
    for entry in entries:
        scope = entry.get("scopeName", "")
        if scope not in _SCOPES:
            faults.append(invalid(f"{at}.scopeName", scope, "unsupported scope"))
        for name in sorted(hard):
            if _is_quota_resource(name) and not _fits(scope, name):
                shown = {"MatchExpressions": [_shown_scope(each) for each in entries]}
                faults.append(invalid(at, shown, "unsupported scope applied to resource"))
        faults += _scope_values(entry, scope, at)
    return faults + _clashes([entry.get("scopeName") for entry in entries], spec.get("scopes"))


def _shown_scope(entry: Value) -> Value:
    return {
        "ScopeName": entry.get("scopeName", ""),
        "Operator": entry.get("operator", ""),
        "Values": entry.get("values"),
    }


def _scope_values(entry: Value, scope: str, field: str) -> Faults:
    operator, values = entry.get("operator", ""), entry.get("values") or []
    faults: Faults = []
    if scope in _PLAIN_SCOPES and operator != "Exists":
        faults.append(invalid(f"{field}.operator", operator, _ONLY_EXISTS))
    if operator in ("In", "NotIn"):
        if not values:
            detail = (
                "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector"
            )
            faults.append(required(f"{field}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = (
                "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector"
            )
            faults.append(invalid(f"{field}.values", values, detail))
    else:
        faults.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    return faults


def quota_stays(old: Manifest, new: Manifest) -> Faults:
    was, now = ((manifest.get("spec") or {}).get("scopes") for manifest in (old, new))
    return [] if set(was or ()) == set(now or ()) else immutable("spec.scopes", was, now)


_LIMIT_TYPES = ("Pod", "Container", "PersistentVolumeClaim")
_LIMIT_PARTS = ("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")


def validate_limit_range(manifest: Manifest) -> Faults:
    faults: Faults = []
    seen: list[str] = []
    for index, entry in enumerate((manifest.get("spec") or {}).get("limits") or ()):
        at = f"spec.limits[{index}]"
        kind = entry.get("type", "")
        faults += _limit_type(kind, f"{at}.type")
        if kind in seen:
            faults.append(duplicate(f"{at}.type", kind))
        seen.append(kind)
        faults += _limit(entry, kind, at)
    return faults


def _limit_type(kind: str, field: str) -> Faults:
    faults = all_invalid(field, kind, formats.label_key_faults(kind))
    if not faults and "/" not in kind and kind not in _LIMIT_TYPES:
        faults.append(invalid(field, kind, "must be a standard limit type or fully qualified"))
    return faults


def _limit(entry: Value, kind: str, at: str) -> Faults:
    faults: Faults = []
    check = container_resource_faults if kind in ("Pod", "Container") else resource_name_faults
    for part in _LIMIT_PARTS:
        if part == "maxLimitRequestRatio" and kind == "PersistentVolumeClaim":
            faults += _storage_named(entry, f"{at}.limits")
        if kind == "Pod" and part in ("default", "defaultRequest"):
            if entry.get(part):
                detail = "may not be specified when `type` is 'Pod'"
                faults.append(forbidden(f"{at}.{part}", detail))
            continue
        for name in sorted(entry.get(part) or ()):
            faults += check(name, f"{at}.{part}[{name}]")
    for name in sorted({name for part in _LIMIT_PARTS for name in entry.get(part) or {}}):
        amounts = {part: (entry.get(part) or {}).get(name) for part in _LIMIT_PARTS}
        if kind == "Pod":
            amounts |= {"default": None, "defaultRequest": None}
        faults += _order(amounts, name, at)
    return faults


def _storage_named(entry: Value, field: str) -> Faults:
    if any("storage" in (entry.get(part) or {}) for part in ("min", "max")):
        return []
    detail = "either minimum or maximum storage value is required, but neither was provided"
    return [required(field, detail)]


# The part that is wrong, what is too small, what is larger than it, and how the two are called.
# The value that is shown is not always the one of the part that is named.
_ORDER = (
    ("min", "min", "max", "min value {one} is greater than max value {other}"),
    ("defaultRequest", "defaultRequest", "min",
     "min value {other} is greater than default request value {one}"),
    ("defaultRequest", "defaultRequest", "max",
     "default request value {one} is greater than max value {other}"),
    ("defaultRequest", "defaultRequest", "default",
     "default request value {one} is greater than default limit value {other}"),
    ("default", "min", "default", "min value {one} is greater than default value {other}"),
    ("default", "max", "default", "default value {other} is greater than max value {one}"),
)  # fmt: skip


def _order(amounts: Value, name: str, at: str) -> Faults:
    faults: Faults = []
    for part, first, second, text in _ORDER:
        one, other = amounts[first], amounts[second]
        if one is None or other is None:
            continue
        if (first, second) in (("defaultRequest", "min"), ("max", "default")):
            wrong = _is_less(one, other)
        else:
            wrong = _is_less(other, one)
        if wrong:
            said = text.format(one=canonical_quantity(one), other=canonical_quantity(other))
            faults.append(invalid(f"{at}.{part}[{name}]", canonical_quantity(one), said))
    return faults + _ratio(amounts, name, at) + _equal(amounts, name, at)


def _ratio(amounts: Value, name: str, at: str) -> Faults:
    ratio, field = amounts["maxLimitRequestRatio"], f"{at}.maxLimitRequestRatio[{name}]"
    if ratio is None:
        return []
    shown = canonical_quantity(ratio)
    faults: Faults = []
    if _is_less(ratio, "1"):
        faults.append(invalid(field, shown, f"ratio {shown} is less than 1"))
    least, most = amounts["min"], amounts["max"]
    if least is None or most is None or parse_quantity(least) == 0:
        return faults
    bound = parse_quantity(most) / parse_quantity(least)
    if parse_quantity(ratio) > bound:
        detail = f"ratio {shown} is greater than max/min = {bound:.6f}"
        faults.append(invalid(field, shown, detail))
    return faults


def _equal(amounts: Value, name: str, at: str) -> Faults:
    """What may not be lent twice has one amount."""
    limit, request = amounts["default"], amounts["defaultRequest"]
    if limit is None or request is None or may_exceed(name):
        return []
    if parse_quantity(limit) == parse_quantity(request):
        return []
    one, other = canonical_quantity(limit), canonical_quantity(request)
    detail = f"default value {one} must equal to defaultRequest value {other} in {name}"
    return [invalid(f"{at}.defaultRequest[{name}]", other, detail)]


def _is_less(one: str, other: str) -> bool:
    return parse_quantity(one) < parse_quantity(other)
