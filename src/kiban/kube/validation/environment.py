"""Rules for environment variables, and for references to fields of a pod and its containers.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

import re
from collections.abc import Sequence
from typing import Any

from kiban.kube import formats
from kiban.kube.quantities import canonical_quantity
from kiban.kube.validation.faults import Faults, all_invalid, invalid, required, unsupported
from kiban.kube.validation.paths import without_steps_back

Value = dict[str, Any]

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
ENV_PATHS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
VOLUME_PATHS = (
    "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace",
    "metadata.uid",
)  # fmt: skip
_KNOWN_PATHS = frozenset((*ENV_PATHS, *VOLUME_PATHS, "spec.restartPolicy",
                          "spec.schedulerName", "status.phase", "spec.host"))  # fmt: skip
_SUBSCRIPT = re.compile(r"(.+)\['(.*)'\]")
_AMOUNTS = tuple(
    f"{kind}.{name}"
    for kind in ("limits", "requests")
    for name in ("cpu", "ephemeral-storage", "memory")
)
_BYTES = ("1", *(f"1{unit}" for unit in ("k", "M", "G", "T", "P", "E")),
          *(f"1{unit}i" for unit in ("K", "M", "G", "T", "P", "E")))  # fmt: skip
_UNITS = f"only divisor's values {', '.join(_BYTES)} are supported with the "


def validate_environment(container: Value, field: str) -> Faults:
    faults: Faults = []
    for index, entry in enumerate(container.get("env") or ()):
        at = f"{field}.env[{index}]"
        name = entry.get("name", "")
        if not name:
            faults.append(required(f"{at}.name"))
        else:
            faults += all_invalid(f"{at}.name", name, formats.env_name_faults(name))
        if entry.get("valueFrom") is not None:
            faults += _variable_source(entry, f"{at}.valueFrom")
    return faults + _imports(container.get("envFrom") or (), f"{field}.envFrom")


def _imports(sources: Sequence[Value], field: str) -> Faults:
    """Whole ConfigMaps and Secrets. What is wrong with how many there are is said of the list."""
    faults: Faults = []
    for index, source in enumerate(sources):
        at = f"{field}[{index}]"
        prefix = source.get("prefix")
        if prefix:
            faults += all_invalid(f"{at}.prefix", prefix, formats.env_name_faults(prefix))
        given = [name for name in ("configMapRef", "secretRef") if source.get(name) is not None]
        for name in given:
            faults += _object_name(source[name].get("name", ""), f"{at}.{name}.name")
        if not given:
            detail = "must specify one of: `configMapRef` or `secretRef`"
            faults.append(invalid(field, "", detail))
        elif len(given) > 1:
            detail = "may not have more than one field specified at a time"
            faults.append(invalid(field, "", detail))
    return faults


def _object_name(name: str, field: str) -> Faults:
    """Trailing dashes pass, as if a suffix followed."""
    if not name:
        return [required(field)]
    masked = name[:-1] + "a" if name.endswith("-") and len(name) > 1 else name
    return all_invalid(field, name, formats.dns_subdomain_faults(masked))


def _variable_source(entry: Value, field: str) -> Faults:
    source = entry["valueFrom"]
    given = [name for name in _SOURCES if source.get(name) is not None]
    faults: Faults = []
    for name in given:
        at = f"{field}.{name}"
        if name == "fieldRef":
            faults += validate_field_reference(source[name], at, ENV_PATHS)
        elif name == "resourceFieldRef":
            faults += validate_resource_reference(source[name], at, of_volume=False)
        elif name == "fileKeyRef":
            faults += _file_reference(source[name], at)
        else:
            faults += _key_reference(source[name], at)
    if not given:
        names = ", ".join(f"`{name}`" for name in _SOURCES[:-1])
        faults.append(invalid(field, "", f"must specify one of: {names} or `{_SOURCES[-1]}`"))
    elif entry.get("value"):
        faults.append(invalid(field, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        faults.append(invalid(field, "", "may not have more than one field specified at a time"))
    return faults


def validate_field_reference(reference: Value, field: str, allowed: Sequence[str]) -> Faults:
    """A field of the pod, by a path of which only some are allowed."""
    if not reference.get("apiVersion"):
        return [required(f"{field}.apiVersion")]
    path = reference.get("fieldPath", "")
    if not path:
        return [required(f"{field}.fieldPath")]
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript is not None:
        return _subscript_faults(path, subscript[1], subscript[2], field)
    if path not in _KNOWN_PATHS:
        detail = f"error converting fieldPath: field label not supported: {path}"
        return [invalid(f"{field}.fieldPath", path, detail)]
    if path not in allowed:
        return [unsupported(f"{field}.fieldPath", path, sorted(allowed))]
    return []


def _subscript_faults(path: str, part: str, key: str, field: str) -> Faults:
    if part == "metadata.annotations":
        return all_invalid(field, key.lower(), formats.label_key_faults(key.lower()))
    if part == "metadata.labels":
        return all_invalid(field, key, formats.label_key_faults(key))
    detail = "error converting fieldPath: field label does not support subscript: "
    return [invalid(f"{field}.fieldPath", path, detail + part)]


def validate_resource_reference(reference: Value, field: str, *, of_volume: bool) -> Faults:
    """An amount of a container's resources, and what it is divided by."""
    name = reference.get("resource", "")
    faults: Faults = []
    if of_volume and not reference.get("containerName"):
        faults.append(required(f"{field}.containerName"))
    elif not name:
        faults.append(required(f"{field}.resource"))
    elif name not in _AMOUNTS and not _is_huge(name):
        faults.append(unsupported(f"{field}.resource", name, _AMOUNTS))
    return faults + _divisor(name, reference.get("divisor", "0"), f"{field}.divisor")


def _is_huge(name: str) -> bool:
    return name.startswith(("requests.hugepages-", "limits.hugepages-"))


def _divisor(name: str, divisor: Any, field: str) -> Faults:
    text = canonical_quantity(divisor or "0")
    if text == "0":
        return []
    if name.endswith(".cpu") and text not in ("1m", "1"):
        detail = "only divisor's values 1m and 1 are supported with the cpu resource"
        return [invalid(field, name, detail)]
    for ending, called in _MEASURED:
        if name.endswith(ending) and text not in _BYTES:
            return [invalid(field, name, f"{_UNITS}{called} resource")]
    if _is_huge(name) and text not in _BYTES:
        return [invalid(field, name, f"{_UNITS}hugepages resource")]
    return []


_MEASURED = ((".memory", "memory"), (".ephemeral-storage", "local ephemeral storage"))


def _key_reference(reference: Value, field: str) -> Faults:
    name, key = reference.get("name", ""), reference.get("key", "")
    faults = all_invalid(f"{field}.name", name, formats.dns_subdomain_faults(name))
    if not key:
        return [*faults, required(f"{field}.key")]
    return faults + all_invalid(f"{field}.key", key, formats.config_key_faults(key))


def _file_reference(reference: Value, field: str) -> Faults:
    faults: Faults = []
    key, volume = reference.get("key", ""), reference.get("volumeName", "")
    path = reference.get("path", "")
    if not key:
        faults.append(required(f"{field}.key"))
    else:
        faults += all_invalid(f"{field}.key", key, formats.env_name_faults(key))
    if not volume:
        faults.append(required(f"{field}.volumeName"))
    else:
        faults += all_invalid(f"{field}.volumeName", volume, formats.dns_label_faults(volume))
    if not path:
        return [*faults, required(f"{field}.path")]
    return faults + without_steps_back(path, f"{field}.path")
