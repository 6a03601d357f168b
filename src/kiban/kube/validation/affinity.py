"""Rules for where a pod may run: node selectors, affinities, and how pods spread.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    required,
    unsupported,
)
from kiban.kube.validation.selectors import validate_selector

Value = dict[str, Any]

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_WEIGHT = "must be in the range 1-100"


def validate_affinity(affinity: Value, field: str) -> Faults:
    faults: Faults = []
    of_nodes = affinity.get("nodeAffinity")
    if of_nodes is not None:
        at = f"{field}.nodeAffinity"
        if of_nodes.get(_REQUIRED) is not None:
            faults += validate_node_selector(of_nodes[_REQUIRED], f"{at}.{_REQUIRED}")
        for index, term in enumerate(of_nodes.get(_PREFERRED) or ()):
            here = f"{at}.{_PREFERRED}[{index}]"
            faults += _weight(term.get("weight", 0), f"{here}.weight")
            preference = term.get("preference") or {}
            faults += _node_term(preference, f"{here}.preference", strict=False)
    for name in ("podAffinity", "podAntiAffinity"):
        if affinity.get(name) is not None:
            faults += _pod_affinity(affinity[name], f"{field}.{name}")
    return faults


def _weight(weight: int, field: str) -> Faults:
    return [] if 0 < weight <= 100 else [invalid(field, weight, _WEIGHT)]


def validate_node_selector(selector: Value, field: str) -> Faults:
    terms = selector.get("nodeSelectorTerms") or ()
    at = f"{field}.nodeSelectorTerms"
    if not terms:
        return [required(at, "must have at least one node selector term")]
    faults: Faults = []
    for index, term in enumerate(terms):
        faults += _node_term(term, f"{at}[{index}]", strict=True)
    return faults


def _node_term(term: Value, field: str, *, strict: bool) -> Faults:
    faults: Faults = []
    for index, entry in enumerate(term.get("matchExpressions") or ()):
        faults += _node_labels(entry, f"{field}.matchExpressions[{index}]", strict=strict)
    for index, entry in enumerate(term.get("matchFields") or ()):
        faults += _node_fields(entry, f"{field}.matchFields[{index}]")
    return faults


def _node_labels(entry: Value, field: str, *, strict: bool) -> Faults:
    operator, values = entry.get("operator", ""), entry.get("values") or []
    faults: Faults = []
    if operator in ("In", "NotIn"):
        if not values:
            detail = "must be specified when `operator` is 'In' or 'NotIn'"
            faults.append(required(f"{field}.values", detail))
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            faults.append(forbidden(f"{field}.values", detail))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1:
            detail = "must be specified single value when `operator` is 'Lt' or 'Gt'"
            faults.append(required(f"{field}.values", detail))
    else:
        faults.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    key = entry.get("key", "")
    faults += all_invalid(f"{field}.key", key, formats.label_key_faults(key))
    for index, value in enumerate(values if strict else ()):
        details = formats.label_value_faults(value)
        faults += all_invalid(f"{field}.values[{index}]", value, details)
    return faults


def _node_fields(entry: Value, field: str) -> Faults:
    operator, values = entry.get("operator", ""), entry.get("values") or []
    faults: Faults = []
    if operator in ("In", "NotIn"):
        if len(values) != 1:
            detail = (
                "must be only one value when `operator` is 'In' or 'NotIn' for node field selector"
            )
            faults.append(required(f"{field}.values", detail))
    else:
        faults.append(invalid(f"{field}.operator", operator, "not a valid selector operator"))
    key = entry.get("key", "")
    if key != "metadata.name":
        return [*faults, invalid(f"{field}.key", key, "not a valid field selector key")]
    for index, value in enumerate(values):
        details = formats.dns_subdomain_faults(value)
        faults += all_invalid(f"{field}.values[{index}]", value, details)
    return faults


def _pod_affinity(affinity: Value, field: str) -> Faults:
    faults: Faults = []
    for index, term in enumerate(affinity.get(_REQUIRED) or ()):
        faults += _pod_term(term, f"{field}.{_REQUIRED}[{index}]")
    for index, entry in enumerate(affinity.get(_PREFERRED) or ()):
        at = f"{field}.{_PREFERRED}[{index}]"
        faults += _weight(entry.get("weight", 0), f"{at}.weight")
        faults += _pod_term(entry.get("podAffinityTerm") or {}, f"{at}.podAffinityTerm")
    return faults


def _pod_term(term: Value, field: str) -> Faults:
    faults = validate_selector(term.get("labelSelector"), f"{field}.labelSelector")
    faults += validate_selector(term.get("namespaceSelector"), f"{field}.namespaceSelector")
    for name in term.get("namespaces") or ():
        faults += all_invalid(f"{field}.namespace", name, formats.dns_label_faults(name))
    faults += _label_keys(term, field)
    key = term.get("topologyKey", "")
    if not key:
        faults.append(required(f"{field}.topologyKey", "can not be empty"))
    return faults + all_invalid(f"{field}.topologyKey", key, formats.label_key_faults(key))


def _label_keys(entry: Value, field: str) -> Faults:
    """Keys whose values are taken from the pod itself, beside a selector."""
    selector = entry.get("labelSelector")
    faults: Faults = []
    for name in ("matchLabelKeys", "mismatchLabelKeys"):
        keys = entry.get(name) or ()
        if keys and selector is None:
            detail = "must not be specified when labelSelector is not set"
            faults.append(forbidden(f"{field}.{name}", detail))
            continue
        for index, key in enumerate(keys):
            details = formats.label_key_faults(key)
            faults += all_invalid(f"{field}.{name}[{index}]", key, details)
    keys = list(entry.get("matchLabelKeys") or ())
    chosen = set((selector or {}).get("matchLabels") or ())
    for expression in (selector or {}).get("matchExpressions") or ():
        key = expression.get("key", "")
        if key in keys and key in chosen:
            detail = "exists in both matchLabelKeys and labelSelector"
            faults.append(invalid(f"{field}[{keys.index(key)}]", key, detail))
        chosen.add(key)
    for index, key in enumerate(keys):
        if key in (entry.get("mismatchLabelKeys") or ()):
            detail = "exists in both matchLabelKeys and mismatchLabelKeys"
            faults.append(invalid(f"{field}.matchLabelKeys[{index}]", key, detail))
    return faults


_ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
_POLICIES = ("Honor", "Ignore")


def validate_spreading(constraints: list[Value], field: str) -> Faults:
    faults: Faults = []
    for index, entry in enumerate(constraints):
        at = f"{field}[{index}]"
        skew, key = entry.get("maxSkew", 0), entry.get("topologyKey", "")
        action = entry.get("whenUnsatisfiable", "")
        if skew <= 0:
            faults.append(invalid(f"{at}.maxSkew", skew, "must be greater than zero"))
        if not key:
            faults.append(required(f"{at}.topologyKey", "can not be empty"))
        if action not in _ACTIONS:
            faults.append(unsupported(f"{at}.whenUnsatisfiable", action, _ACTIONS))
        if any(_pair(other) == (key, action) for other in constraints[index + 1 :]):
            where = f"{at}.{{topologyKey, whenUnsatisfiable}}"
            faults.append(duplicate(where, f"{{{key}, {action}}}"))
        faults += _domains(entry.get("minDomains"), f"{at}.minDomains", action)
        for name in ("nodeAffinityPolicy", "nodeTaintsPolicy"):
            value = entry.get(name)
            if value is not None and value not in _POLICIES:
                faults.append(unsupported(f"{at}.{name}", value, _POLICIES))
        faults += _label_keys(entry, at)
        faults += validate_selector(entry.get("labelSelector"), f"{at}.labelSelector")
    return faults


def _pair(entry: Value) -> tuple[str, str]:
    return entry.get("topologyKey", ""), entry.get("whenUnsatisfiable", "")


def _domains(domains: Any, field: str, action: str) -> Faults:
    if domains is None:
        return []
    faults: Faults = []
    if domains <= 0:
        faults.append(invalid(field, domains, "must be greater than zero"))
    if action != "DoNotSchedule":
        detail = f"can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
        faults.append(invalid(field, domains, detail))
    return faults
