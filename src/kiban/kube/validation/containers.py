"""Rules for the containers of a pod: ports, environment, probes, resources, mounts.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

import re
from typing import Any

from kiban.kube import formats
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    at_least,
    duplicate,
    forbidden,
    invalid,
    not_found,
    one_of,
    required,
    unsupported,
)
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")


def validate_containers(spec: Value, field: str) -> Faults:
    """All containers of a pod spec, and that their names differ."""
    faults: Faults = []
    if not spec.get("containers"):
        faults.append(required(f"{field}.containers"))
    names: set[str] = set()
    for kind in ("containers", "initContainers", "ephemeralContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            at = f"{field}.{kind}[{index}]"
            faults += _container(container, at, spec, is_init=kind == "initContainers")
            name = container.get("name")
            if name and name in names:
                faults.append(duplicate(f"{at}.name", name))
            names.add(name)
    return faults


def _container(container: Value, field: str, spec: Value, *, is_init: bool) -> Faults:
    faults: Faults = []
    name = container.get("name", "")
    if not name:
        faults.append(required(f"{field}.name"))
    else:
        faults += all_invalid(f"{field}.name", name, formats.dns_label_faults(name))
    image = container.get("image", "")
    if not image:
        faults.append(required(f"{field}.image"))
    elif image != image.strip():
        faults.append(
            invalid(f"{field}.image", image, "must not have leading or trailing whitespace")
        )
    faults += _lifecycle(container, field, is_init=is_init)
    policies = ("FallbackToLogsOnError", "File")
    faults += one_of(
        f"{field}.terminationMessagePolicy", container["terminationMessagePolicy"], policies
    )
    faults += _ports(container.get("ports") or [], f"{field}.ports", spec)
    faults += _environment(container, field)
    faults += _mounts(container.get("volumeMounts") or [], f"{field}.volumeMounts", spec)
    faults += one_of(f"{field}.imagePullPolicy", container["imagePullPolicy"], _PULL_POLICIES)
    return faults + validate_resources(container.get("resources") or {}, f"{field}.resources")


def _lifecycle(container: Value, field: str, *, is_init: bool) -> Faults:
    faults: Faults = []
    if is_init and container.get("restartPolicy") != "Always":
        for name in ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe"):
            if container.get(name):
                detail = "may not be set for init containers without restartPolicy=Always"
                faults.append(forbidden(f"{field}.{name}", detail))
        return faults
    for name, hook in sorted((container.get("lifecycle") or {}).items()):
        if isinstance(hook, dict):
            faults += _handler(hook, f"{field}.lifecycle.{name}")
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        if name in container:
            faults += _probe(container[name], f"{field}.{name}", once=name != "readinessProbe")
    return faults


def _probe(probe: Value, field: str, *, once: bool) -> Faults:
    faults = _handler(probe, field)
    for name in (
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ):
        faults += at_least(f"{field}.{name}", probe.get(name))
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        at = f"{field}.terminationGracePeriodSeconds"
        faults.append(invalid(at, grace, "must be greater than 0"))
    successes = probe.get("successThreshold", 1)
    if once and successes != 1:
        faults.append(invalid(f"{field}.successThreshold", successes, "must be 1"))
    return faults


def _handler(handler: Value, field: str) -> Faults:
    faults: Faults = []
    given = [name for name in ("exec", "httpGet", "tcpSocket", "grpc", "sleep") if name in handler]
    for position, name in enumerate(given):
        if position:
            detail = "may not specify more than 1 handler type"
            faults.append(forbidden(f"{field}.{name}", detail))
        else:
            faults += _one_handler(name, handler[name] or {}, f"{field}.{name}")
    return faults if given else [required(field, "must specify a handler type")]


def _one_handler(name: str, handler: Value, field: str) -> Faults:
    if name == "exec":
        return [] if handler.get("command") else [required(f"{field}.command")]
    if name == "sleep":
        return at_least(f"{field}.seconds", handler.get("seconds"))
    faults: Faults = []
    if name == "httpGet" and not handler.get("path"):
        faults.append(required(f"{field}.path"))
    faults += port_or_name(handler.get("port"), f"{field}.port")
    if name == "httpGet":
        faults += one_of(f"{field}.scheme", handler.get("scheme"), ("HTTP", "HTTPS"))
        for header in handler.get("httpHeaders") or ():
            if not re.fullmatch(r"[-A-Za-z0-9]+", header.get("name", "")):
                detail = (
                    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. "
                    "'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')"
                )
                faults.append(invalid(f"{field}.httpHeaders", header.get("name", ""), detail))
    return faults


def port_or_name(port: Any, field: str) -> Faults:
    """A port number, or the name of one."""
    if isinstance(port, str):
        return all_invalid(field, port, formats.port_name_faults(port))
    return all_invalid(field, port or 0, formats.port_number_faults(port or 0))


def _ports(ports: list[Value], field: str, spec: Value) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{field}[{index}]"
        name = port.get("name", "")
        if name:
            details = formats.port_name_faults(name)
            faults += all_invalid(f"{at}.name", name, details)
            if not details and name in names:
                faults.append(duplicate(f"{at}.name", name))
            names.add(name)
        number, host = port.get("containerPort", 0), port.get("hostPort", 0)
        if number == 0:
            faults.append(required(f"{at}.containerPort"))
        else:
            details = formats.port_number_faults(number)
            faults += all_invalid(f"{at}.containerPort", number, details)
        if host:
            faults += all_invalid(f"{at}.hostPort", host, formats.port_number_faults(host))
            if spec.get("hostNetwork") and host != number:
                detail = "must match `containerPort` when `hostNetwork` is true"
                faults.append(invalid(f"{at}.hostPort", host, detail))
        faults += one_of(f"{at}.protocol", port.get("protocol", ""), _PROTOCOLS)
    return faults


_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_FIELD_PATHS = (
    "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
    "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
)  # fmt: skip
_KNOWN_PATHS = (
    *_FIELD_PATHS, "metadata.labels", "metadata.annotations", "spec.restartPolicy",
    "spec.schedulerName", "status.phase",
)  # fmt: skip
_SUBSCRIPT = re.compile(r"metadata\.(labels|annotations)\['(.+)'\]")


def _environment(container: Value, field: str) -> Faults:
    faults: Faults = []
    for index, entry in enumerate(container.get("env") or ()):
        at = f"{field}.env[{index}]"
        name = entry.get("name", "")
        if not name:
            faults.append(required(f"{at}.name"))
        else:
            faults += all_invalid(f"{at}.name", name, formats.env_name_faults(name))
        if "valueFrom" in entry:
            faults += _variable_source(entry, f"{at}.valueFrom")
    for index, source in enumerate(container.get("envFrom") or ()):
        at = f"{field}.envFrom[{index}]"
        given = [name for name in ("configMapRef", "secretRef") if name in source]
        if not given:
            detail = "must specify one of: `configMapRef` or `secretRef`"
            faults.append(invalid(at, "", detail))
        elif len(given) > 1:
            faults.append(invalid(at, "", "may not have more than one field specified at a time"))
        elif not source[given[0]].get("name"):
            faults.append(required(f"{at}.{given[0]}.name"))
    return faults


def _variable_source(entry: Value, field: str) -> Faults:
    source = entry["valueFrom"]
    given = [name for name in _SOURCES if name in source]
    faults: Faults = []
    if "fieldRef" in source:
        faults += _field_reference(source["fieldRef"], f"{field}.fieldRef")
    if "resourceFieldRef" in source and not source["resourceFieldRef"].get("resource"):
        faults.append(required(f"{field}.resourceFieldRef.resource"))
    for name in ("configMapKeyRef", "secretKeyRef"):
        if name in source:
            faults += _key_reference(source[name], f"{field}.{name}")
    if not given:
        names = ", ".join(f"`{name}`" for name in _SOURCES[:-1])
        faults.append(invalid(field, "", f"must specify one of: {names} or `{_SOURCES[-1]}`"))
    elif entry.get("value"):
        faults.append(invalid(field, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        faults.append(invalid(field, "", "may not have more than one field specified at a time"))
    return faults


def _field_reference(reference: Value, field: str) -> Faults:
    path = reference.get("fieldPath", "")
    if not path:
        return [required(f"{field}.fieldPath")]
    subscript = _SUBSCRIPT.fullmatch(path)
    if subscript:
        details = formats.label_key_faults(subscript[2].lower())
        return all_invalid(field, path, details)
    if path not in _KNOWN_PATHS:
        detail = f"error converting fieldPath: field label not supported: {path}"
        return [invalid(f"{field}.fieldPath", path, detail)]
    if path not in _FIELD_PATHS:
        return [unsupported(f"{field}.fieldPath", path, sorted(_FIELD_PATHS))]
    return []


def _key_reference(reference: Value, field: str) -> Faults:
    faults: Faults = [] if reference.get("name") else [required(f"{field}.name")]
    key = reference.get("key", "")
    if not key:
        return [*faults, required(f"{field}.key")]
    return faults + all_invalid(f"{field}.key", key, formats.config_key_faults(key))


def _mounts(mounts: list[Value], field: str, spec: Value) -> Faults:
    faults: Faults = []
    volumes = {volume.get("name") for volume in spec.get("volumes") or ()}
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        at = f"{field}[{index}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            faults.append(required(f"{at}.name"))
        elif name not in volumes:
            faults.append(not_found(f"{at}.name", name))
        if not path:
            faults.append(required(f"{at}.mountPath"))
        elif path in paths:
            faults.append(invalid(f"{at}.mountPath", path, "must be unique"))
        paths.add(path)
        inner = mount.get("subPath", "")
        if inner.startswith("/"):
            faults.append(invalid(f"{at}.subPath", inner, "must be a relative path"))
        elif ".." in inner.split("/"):
            faults.append(invalid(f"{at}.subPath", inner, "must not contain '..'"))
    return faults


_STANDARD = ("cpu", "memory", "ephemeral-storage")
_OTHER_STANDARD = ("storage", "pods", "services", "secrets", "configmaps", "persistentvolumeclaims")


def validate_resources(resources: Value, field: str) -> Faults:
    """Requests and limits: names, amounts, and that requests fit the limits."""
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    faults: Faults = []
    for kind, amounts in (("limits", limits), ("requests", requests)):
        for name in sorted(amounts):
            at = f"{field}.{kind}[{name}]"
            faults += _resource_name(name, at)
            faults += _amount(name, amounts[name], at)
            if kind == "requests" and name in limits:
                faults += _within(name, amounts[name], limits[name], f"{field}.requests")
    return faults


def _is_standard(name: str) -> bool:
    return name in _STANDARD or name.startswith("hugepages-")


def _resource_name(name: str, field: str) -> Faults:
    faults = all_invalid(field, name, formats.label_key_faults(name))
    if not faults and "/" not in name and not _is_standard(name):
        if name not in _OTHER_STANDARD:
            detail = "must be a standard resource type or fully qualified"
            faults.append(invalid(field, name, detail))
        faults.append(invalid(field, name, "must be a standard resource for containers"))
    return faults


def _amount(name: str, amount: Any, field: str) -> Faults:
    value = parse_quantity(amount)
    if value < 0:
        return [invalid(field, str(amount), "must be greater than or equal to 0")]
    if "/" in name and value != value.to_integral_value():
        return [invalid(field, str(amount), "must be an integer")]
    return []


def _within(name: str, request: Any, limit: Any, field: str) -> Faults:
    asked, most = parse_quantity(request), parse_quantity(limit)
    exact = "/" in name or name.startswith("hugepages-")
    if exact and asked != most:
        return [invalid(field, str(request), f"must be equal to {name} limit of {limit}")]
    if asked > most:
        text = f"must be less than or equal to {name} limit of {limit}"
        return [invalid(field, str(request), text)]
    return []
