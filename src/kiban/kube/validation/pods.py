"""Rules for pods and pod templates, and for what may change in a running pod.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.containers import validate_containers
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.metadata import validate_annotations, validate_labels
from kiban.kube.validation.selectors import validate_selector

Value = dict[str, Any]
MOST_SECONDS = 2**31 - 1

_RESTARTS = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def validate_pod(pod: Manifest) -> Faults:
    return validate_pod_spec(pod.get("spec") or {}, "spec")


def validate_template(template: Value, field: str) -> Faults:
    """A pod template: its labels and annotations, and its pod."""
    metadata = template.get("metadata") or {}
    return [
        *validate_labels(metadata.get("labels"), f"{field}.labels"),
        *validate_annotations(metadata.get("annotations"), f"{field}.annotations"),
        *validate_pod_spec(template.get("spec") or {}, f"{field}.spec"),
    ]


def validate_pod_spec(spec: Value, field: str) -> Faults:
    faults = _volumes(spec.get("volumes") or [], f"{field}.volumes")
    faults += validate_containers(spec, field)
    faults += one_of(f"{field}.restartPolicy", spec["restartPolicy"], _RESTARTS)
    faults += one_of(f"{field}.dnsPolicy", spec["dnsPolicy"], _DNS)
    faults += validate_labels(spec.get("nodeSelector"), f"{field}.nodeSelector")
    faults += _spreading(spec.get("topologySpreadConstraints") or [], field)
    account = spec.get("serviceAccountName")
    if account:
        details = formats.dns_subdomain_faults(account)
        faults += all_invalid(f"{field}.serviceAccountName", account, details)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= MOST_SECONDS:
        detail = f"must be between 1 and {MOST_SECONDS}, inclusive"
        faults.append(invalid(f"{field}.activeDeadlineSeconds", deadline, detail))
    for name in ("hostname", "subdomain"):
        value = spec.get(name)
        if value:
            faults += all_invalid(f"{field}.{name}", value, formats.dns_label_faults(value))
    return faults + _tolerations(spec.get("tolerations") or [], f"{field}.tolerations")


def _volumes(volumes: list[Value], field: str) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    for index, volume in enumerate(volumes):
        at = f"{field}[{index}]"
        sources = [name for name in sorted(volume) if name != "name"]
        ordered = [name for name in _VOLUME_ORDER if name in sources]
        ordered += [name for name in sources if name not in ordered]
        for source in ordered[1:]:
            detail = "may not specify more than 1 volume type"
            faults.append(forbidden(f"{at}.{source}", detail))
        faults += _volume_source(ordered[0], volume[ordered[0]], f"{at}.{ordered[0]}")
        name = volume.get("name", "")
        if not name:
            faults.append(required(f"{at}.name"))
            continue
        faults += all_invalid(f"{at}.name", name, formats.dns_label_faults(name))
        if name in names:
            faults.append(duplicate(f"{at}.name", name))
        names.add(name)
    return faults


_VOLUME_ORDER = ("emptyDir", "hostPath", "secret", "nfs", "persistentVolumeClaim", "configMap")
_NEEDED = {
    "hostPath": "path",
    "secret": "secretName",
    "persistentVolumeClaim": "claimName",
    "configMap": "name",
    "nfs": "server",
}


def _volume_source(kind: str, source: Any, field: str) -> Faults:
    needed = _NEEDED.get(kind)
    if needed and not (source or {}).get(needed):
        return [required(f"{field}.{needed}")]
    if kind == "hostPath" and ".." in source["path"].split("/"):
        return [invalid(f"{field}.path", source["path"], "must not contain '..'")]
    return []


def _spreading(constraints: list[Value], field: str) -> Faults:
    faults: Faults = []
    for index, entry in enumerate(constraints):
        at = f"{field}.topologySpreadConstraints[{index}]"
        if entry.get("maxSkew", 0) <= 0:
            faults.append(
                invalid(f"{at}.maxSkew", entry.get("maxSkew", 0), "must be greater than zero")
            )
        if not entry.get("topologyKey"):
            faults.append(required(f"{at}.topologyKey", "can not be empty"))
        faults += one_of(
            f"{at}.whenUnsatisfiable",
            entry.get("whenUnsatisfiable", ""),
            ("DoNotSchedule", "ScheduleAnyway"),
        )
        if entry.get("labelSelector"):
            faults += validate_selector(entry["labelSelector"], f"{at}.labelSelector")
    return faults


def _tolerations(tolerations: list[Value], field: str) -> Faults:
    faults: Faults = []
    for index, entry in enumerate(tolerations):
        at = f"{field}[{index}]"
        key, operator = entry.get("key", ""), entry.get("operator", "")
        if key:
            faults += all_invalid(f"{at}.key", key, formats.label_key_faults(key))
        if not key and operator != "Exists":
            detail = (
                "operator must be Exists when `key` is empty, which means "
                '"match all values and all keys"'
            )
            faults.append(invalid(f"{at}.operator", operator, detail))
        if entry.get("tolerationSeconds") is not None and entry.get("effect") != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            faults.append(invalid(f"{at}.effect", entry.get("effect", ""), detail))
        if operator not in ("", "Equal", "Exists"):
            faults.append(unsupported(f"{at}.operator", operator, ("Equal", "Exists")))
        elif operator == "Exists" and entry.get("value"):
            detail = "value must be empty when `operator` is 'Exists'"
            faults.append(invalid(f"{at}.operator", _shown_toleration(entry), detail))
        if entry.get("effect"):
            faults += one_of(f"{at}.effect", entry["effect"], _EFFECTS)
    return faults


def _shown_toleration(entry: Value) -> Value:
    return dict(sorted(entry.items()))


_UPDATES = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only "
    "additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set "
    "to 1 if it was previously negative)"
)


def validate_pod_update(old: Manifest, new: Manifest) -> Faults:
    """A pod may change its images, its deadline (shorter), its tolerations (more) and gates."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    faults: Faults = []
    shorter, deadline = after.get("activeDeadlineSeconds"), before.get("activeDeadlineSeconds")
    if deadline is not None and (shorter is None or shorter > deadline):
        detail = f"must be less than or equal to previous value: {deadline}"
        if shorter is None:
            detail = "must not update from a positive integer to nil value"
        faults.append(invalid("spec.activeDeadlineSeconds", shorter, detail))
    kept = after.get("tolerations") or []
    if any(entry not in kept for entry in before.get("tolerations") or []):
        detail = "existing toleration can not be modified except its tolerationSeconds"
        faults.append(forbidden("spec.tolerations", detail))
    if _comparable(before) != _comparable(after):
        faults.append(forbidden("spec", _UPDATES))
    return faults


def _comparable(spec: Value) -> Value:
    """A pod spec without what may change."""
    free = ("activeDeadlineSeconds", "tolerations", "schedulingGates")
    rest = {key: value for key, value in spec.items() if key not in free}
    for name in ("containers", "initContainers"):
        if name in rest:
            rest[name] = [{**container, "image": ""} for container in rest[name]]
    if spec.get("schedulingGates"):
        rest.pop("nodeSelector", None)
        rest.pop("affinity", None)
    if rest.get("terminationGracePeriodSeconds", 0) < 0:
        rest["terminationGracePeriodSeconds"] = 1
    return rest
