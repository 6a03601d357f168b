"""Rules for configuration, budgets, roles, claims and definitions, and for changing them.

Source: k8s.io/kubernetes/pkg/apis/{core,policy,rbac,scheduling}/validation and apiextensions.
"""

import base64
import json
from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    forbidden,
    immutable,
    invalid,
    one_of,
    required,
    too_long,
)
from kiban.kube.validation.selectors import validate_selector, validate_share

Value = dict[str, Any]
MOST_DATA_BYTES = 1024 * 1024


def validate_config_map(manifest: Manifest) -> Faults:
    data, binary = manifest.get("data") or {}, manifest.get("binaryData") or {}
    faults: Faults = []
    for key in sorted(data):
        faults += all_invalid(f"data[{key}]", key, formats.config_key_faults(key))
        if key in binary:
            detail = "duplicate of key present in binaryData"
            faults.append(invalid(f"data[{key}]", key, detail))
    for key in sorted(binary):
        faults += all_invalid(f"binaryData[{key}]", key, formats.config_key_faults(key))
    size = sum(len(text.encode()) for text in data.values())
    size += sum(len(text) * 3 // 4 for text in binary.values())
    return [*faults, too_long("[]", MOST_DATA_BYTES)] if size > MOST_DATA_BYTES else faults


_NEEDED_KEYS = {
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
_ACCOUNT = "kubernetes.io/service-account.name"


def validate_secret(manifest: Manifest) -> Faults:
    data = manifest.get("data") or {}
    faults: Faults = []
    for key in sorted(data):
        faults += all_invalid(f"data[{key}]", key, formats.config_key_faults(key))
    if sum(len(text) * 3 // 4 for text in data.values()) > MOST_DATA_BYTES:
        faults.append(too_long("data", MOST_DATA_BYTES))
    kind = manifest.get("type", "")
    if kind == "kubernetes.io/service-account-token":
        annotations = (manifest.get("metadata") or {}).get("annotations") or {}
        if not annotations.get(_ACCOUNT):
            faults.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    if kind == "kubernetes.io/basic-auth" and not {"username", "password"} & data.keys():
        faults += [required("data[username]"), required("data[password]")]
    for key in _NEEDED_KEYS.get(kind, ()):
        if key not in data or (key == "ssh-privatekey" and not data[key]):
            faults.append(required(f"data[{key}]"))
        elif kind.startswith("kubernetes.io/dockerc"):
            faults += _docker_faults(data[key], f"data[{key}]")
    return faults


def _docker_faults(text: str, field: str) -> Faults:
    """Credentials for registries are a JSON object; what is wrong with it is said, not shown."""
    try:
        value = json.loads(base64.b64decode(text))
    except json.JSONDecodeError as error:
        return [invalid(field, "<secret contents redacted>", _json_fault(error))]
    except ValueError as error:
        return [invalid(field, "<secret contents redacted>", f"invalid character: {error}")]
    if value is None or isinstance(value, dict):
        return []
    kind = {list: "array", str: "string", bool: "bool"}.get(type(value), "number")
    said = f"json: cannot unmarshal {kind} into Go value of type map[string]interface {{}}"
    return [invalid(field, "<secret contents redacted>", said)]


def _json_fault(error: json.JSONDecodeError) -> str:
    """As Go's decoder says it: the character that it did not expect, and what it looked for."""
    if error.pos >= len(error.doc):
        return "unexpected end of JSON input"
    found = f"invalid character '{error.doc[error.pos]}'"
    return f"{found} {_LOOKED_FOR.get(error.msg, 'looking for beginning of value')}"


_LOOKED_FOR = {
    "Extra data": "after top-level value",
    "Expecting property name enclosed in double quotes": (
        "looking for beginning of object key string"
    ),
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
}


def frozen_data_stays(old: Manifest, new: Manifest) -> Faults:
    """An immutable ConfigMap or Secret stays as it is."""
    if not old.get("immutable"):
        return []
    detail = "field is immutable when `immutable` is set"
    faults: Faults = []
    if not new.get("immutable"):
        faults.append(forbidden("immutable", detail))
    for name in ("data", "binaryData"):
        if (old.get(name) or {}) != (new.get(name) or {}):
            faults.append(forbidden(name, detail))
    return faults


def secret_stays(old: Manifest, new: Manifest) -> Faults:
    return immutable("type", old.get("type"), new.get("type")) + frozen_data_stays(old, new)


def validate_budget(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults: Faults = []
    if spec.get("minAvailable") is not None and spec.get("maxUnavailable") is not None:
        shown = {
            "MinAvailable": spec["minAvailable"],
            "Selector": spec.get("selector"),
            "MaxUnavailable": spec["maxUnavailable"],
            "UnhealthyPodEvictionPolicy": spec.get("unhealthyPodEvictionPolicy"),
        }
        detail = "minAvailable and maxUnavailable cannot be both set"
        faults.append(invalid("spec", shown, detail))
    for name in ("minAvailable", "maxUnavailable"):
        faults += validate_share(spec.get(name), f"spec.{name}", most=100)
    faults += validate_selector(spec.get("selector"), "spec.selector")
    policy = spec.get("unhealthyPodEvictionPolicy")
    known = ("AlwaysAllow", "IfHealthyBudget")
    return faults if policy is None else faults + one_of(_UNHEALTHY, policy, known)


_UNHEALTHY = "spec.unhealthyPodEvictionPolicy"


def validate_role(manifest: Manifest) -> Faults:
    namespaced = manifest["kind"] == "Role"
    faults: Faults = []
    for index, rule in enumerate(manifest.get("rules") or ()):
        faults += _rule(rule, f"rules[{index}]", namespaced=namespaced)
    gathered = manifest.get("aggregationRule")
    if namespaced or gathered is None:
        return faults
    at = "aggregationRule.clusterRoleSelectors"
    selectors = gathered.get("clusterRoleSelectors") or ()
    if not selectors:
        detail = "at least one clusterRoleSelector required if aggregationRule is non-nil"
        faults.append(required(at, detail))
    for index, selector in enumerate(selectors):
        faults += validate_selector(selector, f"{at}[{index}]")
    return faults


def _rule(rule: Value, field: str, *, namespaced: bool) -> Faults:
    faults: Faults = []
    if not rule.get("verbs"):
        faults.append(required(f"{field}.verbs", "verbs must contain at least one value"))
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            detail = "namespaced rules cannot apply to non-resource URLs"
            faults.append(invalid(f"{field}.nonResourceURLs", urls, detail))
        if rule.get("apiGroups") or rule.get("resources"):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            faults.append(invalid(f"{field}.nonResourceURLs", urls, detail))
        return faults
    if not rule.get("apiGroups"):
        detail = "resource rules must supply at least one api group"
        faults.append(required(f"{field}.apiGroups", detail))
    if not rule.get("resources"):
        detail = "resource rules must supply at least one resource"
        faults.append(required(f"{field}.resources", detail))
    return faults


_RBAC = "rbac.authorization.k8s.io"
_GROUP_OF_SUBJECT = {"ServiceAccount": "", "User": _RBAC, "Group": _RBAC}


def validate_binding(manifest: Manifest) -> Faults:
    role = manifest.get("roleRef") or {}
    kinds = ("Role", "ClusterRole") if manifest["kind"] == "RoleBinding" else ("ClusterRole",)
    faults = one_of("roleRef.apiGroup", role.get("apiGroup", ""), (_RBAC,))
    faults += one_of("roleRef.kind", role.get("kind", ""), kinds)
    if not role.get("name"):
        faults.append(required("roleRef.name"))
    else:
        details = formats.path_segment_faults(role["name"])
        faults += all_invalid("roleRef.name", role["name"], details)
    for index, subject in enumerate(manifest.get("subjects") or ()):
        at = f"subjects[{index}]"
        kind = subject.get("kind", "")
        if not subject.get("name"):
            faults.append(required(f"{at}.name"))
        elif kind == "ServiceAccount":
            details = formats.dns_subdomain_faults(subject["name"])
            faults += all_invalid(f"{at}.name", subject["name"], details)
        faults += one_of(f"{at}.kind", kind, ("ServiceAccount", "User", "Group"))
        if kind in _GROUP_OF_SUBJECT:
            group = subject.get("apiGroup", "")
            faults += one_of(f"{at}.apiGroup", group, (_GROUP_OF_SUBJECT[kind],))
        cluster_wide = manifest["kind"] == "ClusterRoleBinding"
        if kind == "ServiceAccount" and cluster_wide and not subject.get("namespace"):
            faults.append(required(f"{at}.namespace"))
    return faults


def role_reference_stays(old: Manifest, new: Manifest) -> Faults:
    before, after = old.get("roleRef") or {}, new.get("roleRef") or {}
    if before == after:
        return []
    shown = {
        "APIGroup": after.get("apiGroup", ""),
        "Kind": after.get("kind", ""),
        "Name": after.get("name", ""),
    }
    return [invalid("roleRef", shown, "cannot change roleRef")]


_SYSTEM_CLASSES = ("system-cluster-critical", "system-node-critical")
_MOST_PRIORITY = 1_000_000_000


def validate_priority_class(manifest: Manifest) -> Faults:
    name, value = manifest["metadata"].get("name", ""), manifest.get("value", 0)
    faults: Faults = []
    if name.startswith("system-") and name not in _SYSTEM_CLASSES:
        detail = (
            "priority class names with 'system-' prefix are reserved for system use only. "
            f"error: {name} is not a known system priority class"
        )
        faults.append(forbidden("metadata.name", detail))
    elif not name.startswith("system-") and value > _MOST_PRIORITY:
        detail = f"maximum allowed value of a user defined priority is {_MOST_PRIORITY}"
        faults.append(forbidden("value", detail))
    policy = manifest.get("preemptionPolicy")
    if policy == "":
        faults.append(required("preemptionPolicy"))
    elif policy is not None:
        faults += one_of("preemptionPolicy", policy, ("PreemptLowerPriority", "Never"))
    return faults


def priority_class_stays(old: Manifest, new: Manifest) -> Faults:
    faults: Faults = []
    if old.get("value", 0) != new.get("value", 0):
        faults.append(forbidden("value", "may not be changed in an update."))
    if old.get("preemptionPolicy") != new.get("preemptionPolicy"):
        policy = new.get("preemptionPolicy")
        faults.append(invalid("preemptionPolicy", policy, "field is immutable"))
    return faults


def validate_lease(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults: Faults = []
    duration = spec.get("leaseDurationSeconds")
    if duration is not None and duration <= 0:
        detail = "must be greater than 0"
        faults.append(invalid("spec.leaseDurationSeconds", duration, detail))
    transitions = spec.get("leaseTransitions")
    if transitions is not None and transitions < 0:
        detail = "must be greater than or equal to 0"
        faults.append(invalid("spec.leaseTransitions", transitions, detail))
    strategy = spec.get("strategy")
    if strategy is not None and "/" in strategy:
        details = formats.label_key_faults(strategy)
        faults += all_invalid("spec.strategy.strategy", strategy, details)
    elif strategy is not None:
        # Kubernetes has the name twice.
        faults += one_of("spec.strategy.strategy", strategy, ("OldestEmulationVersion",))
    if spec.get("preferredHolder") and not strategy:
        detail = "may only be specified if `strategy` is defined"
        faults.append(forbidden("spec.preferredHolder", detail))
    return faults


def validate_runtime_class(manifest: Manifest) -> Faults:
    handler = manifest.get("handler", "")
    return [invalid("handler", handler, fault) for fault in formats.dns_label_faults(handler)]


def runtime_class_stays(old: Manifest, new: Manifest) -> Faults:
    return immutable("handler", old.get("handler"), new.get("handler"))
