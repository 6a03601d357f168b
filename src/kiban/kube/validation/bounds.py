"""Rules for the objects that bound what a namespace may use: ResourceQuota and LimitRange.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Faults,
    duplicate,
    forbidden,
    immutable,
    invalid,
    required,
)
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

_COUNTED = frozenset(
    (
        "pods", "services", "replicationcontrollers", "resourcequotas", "secrets", "configmaps",
        "persistentvolumeclaims", "services.nodeports", "services.loadbalancers",
    )
)  # fmt: skip
_MEASURED = frozenset(
    (
        "cpu", "memory", "ephemeral-storage", "requests.cpu", "requests.memory",
        "requests.ephemeral-storage", "limits.cpu", "limits.memory", "limits.ephemeral-storage",
        "requests.storage",
    )
)  # fmt: skip
_STANDARD = _COUNTED | _MEASURED | {"storage"}
_SCOPES = (
    "Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass",
    "CrossNamespacePodAffinity", "VolumeAttributesClass",
)  # fmt: skip
_EXCLUSIVE = ({"Terminating", "NotTerminating"}, {"BestEffort", "NotBestEffort"})


def validate_quota(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults: Faults = []
    for name in sorted(spec.get("hard") or {}):
        faults += _quota_resource(name, str(spec["hard"][name]), f"spec.hard[{name}]")
    scopes = spec.get("scopes") or []
    for scope in scopes:
        if scope not in _SCOPES:
            faults.append(invalid("spec.scopes", scopes, "unsupported scope"))
    for pair in _EXCLUSIVE:
        if pair <= set(scopes):
            faults.append(invalid("spec.scopes", scopes, "conflicting scopes"))
    return faults


def _quota_resource(name: str, amount: str, field: str) -> Faults:
    faults: Faults = []
    if "/" not in name:
        if name not in _STANDARD:
            detail = "must be a standard resource type or fully qualified"
            faults.append(invalid(field, name, detail))
        if name not in _STANDARD - {"storage"}:
            faults.append(invalid(field, name, "must be a standard resource for quota"))
    value = parse_quantity(amount)
    if value < 0:
        faults.append(invalid(field, amount, "must be greater than or equal to 0"))
    if (name in _COUNTED or name.startswith("count/")) and value != int(value):
        faults.append(invalid(field, amount, "must be an integer"))
    return faults


def quota_stays(old: Manifest, new: Manifest) -> Faults:
    before, after = (manifest.get("spec") or {} for manifest in (old, new))
    return immutable("spec.scopes", before.get("scopes"), after.get("scopes"))


def validate_limit_range(manifest: Manifest) -> Faults:
    faults: Faults = []
    seen: list[str] = []
    for index, entry in enumerate((manifest.get("spec") or {}).get("limits") or ()):
        at = f"spec.limits[{index}]"
        kind = entry.get("type", "")
        if kind in seen:
            faults.append(duplicate(f"{at}.type", kind))
        seen.append(kind)
        faults += _limit(entry, kind, at)
    return faults


def _limit(entry: Value, kind: str, at: str) -> Faults:
    faults: Faults = []
    if kind == "Pod":
        for part in ("default", "defaultRequest"):
            if entry.get(part):
                detail = "may not be specified when `type` is 'Pod'"
                faults.append(forbidden(f"{at}.{part}", detail))
    if kind == "PersistentVolumeClaim" and not _names_storage(entry):
        detail = "either minimum or maximum storage value is required, but neither was provided"
        return [*faults, required(f"{at}.limits", detail)]
    parts = ("min", "max", "default", "defaultRequest", "maxLimitRequestRatio")
    for name in sorted({name for part in parts for name in entry.get(part) or {}}):
        amounts = {part: (entry.get(part) or {}).get(name) for part in parts}
        faults += _order(amounts, name, at)
    return faults


def _names_storage(entry: Value) -> bool:
    return any("storage" in (entry.get(part) or {}) for part in ("min", "max"))


# A part, the part it may not exceed, and how the two are called.
_ORDER = (
    ("min", "max", "min", "max"),
    ("defaultRequest", "max", "default request", "max"),
    ("default", "max", "default", "max"),
    ("defaultRequest", "default", "default request", "default limit"),
)
_FLOORS = (("defaultRequest", "default request"), ("default", "default"))


def _order(amounts: Value, name: str, at: str) -> Faults:
    faults: Faults = []
    for small, large, small_called, large_called in _ORDER:
        one, other = amounts[small], amounts[large]
        if one is not None and other is not None and _is_less(other, one):
            detail = f"{small_called} value {one} is greater than {large_called} value {other}"
            faults.append(invalid(f"{at}.{small}[{name}]", one, detail))
    least = amounts["min"]
    for part, called in _FLOORS:
        one = amounts[part]
        if one is not None and least is not None and _is_less(one, least):
            detail = f"min value {least} is greater than {called} value {one}"
            faults.append(invalid(f"{at}.{part}[{name}]", one, detail))
    ratio = amounts["maxLimitRequestRatio"]
    if ratio is not None and _is_less(ratio, "1"):
        detail = f"ratio {ratio} is less than 1"
        faults.append(invalid(f"{at}.maxLimitRequestRatio[{name}]", ratio, detail))
    return faults


def _is_less(one: str, other: str) -> bool:
    return parse_quantity(one) < parse_quantity(other)
