"""Rules for pods and pod templates.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

import re
from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.addresses import address_faults
from kiban.kube.validation.affinity import validate_affinity, validate_spreading
from kiban.kube.validation.containers import trimmed_image, validate_containers
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
from kiban.kube.validation.pod_volumes import right_volumes, validate_volumes
from kiban.kube.validation.resources import pod_resource_faults, validate_resources
from kiban.kube.validation.security_contexts import validate_pod_security

Value = dict[str, Any]
MOST_SECONDS = 2**31 - 1

_RESTARTS = ("Always", "OnFailure", "Never")
_DNS = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
_SYSTEMS = ("linux", "windows")
_MOST_SERVERS, _MOST_SEARCHES, _MOST_SEARCH_CHARACTERS = 3, 32, 2048
_LONGEST_HOST_NAME = 64
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_MIRROR = "kubernetes.io/config.mirror"


def validate_pod(pod: Manifest) -> Faults:
    """A pod that is created."""
    faults = validate_pod_content(pod)
    spec = pod.get("spec") or {}
    if spec.get("ephemeralContainers"):
        faults.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("nodeName") and spec.get("schedulingGates"):
        detail = "cannot be set until all schedulingGates have been cleared"
        faults.append(forbidden("spec.nodeName", detail))
    return faults


def validate_pod_content(pod: Manifest) -> Faults:
    """What holds for a pod at all times, and not for templates."""
    spec, metadata = pod.get("spec") or {}, pod.get("metadata") or {}
    faults = _annotations(metadata.get("annotations"), spec, "metadata.annotations")
    faults += validate_pod_spec(spec, "spec", metadata.get("name", ""), is_pod=True)
    if not spec.get("serviceAccountName"):
        faults += _tokens(spec.get("volumes") or ())
    for kind in ("containers", "initContainers"):
        for index, container in enumerate(spec.get(kind) or ()):
            faults += trimmed_image(container, f"spec.{kind}[{index}]")
    return faults


def _tokens(volumes: Any) -> Faults:
    detail = "must not be specified when serviceAccountName is not set"
    return [
        forbidden(f"spec.volumes[{i}].projected.sources[{j}].serviceAccountToken", detail)
        for i, volume in enumerate(volumes)
        for j, source in enumerate((volume.get("projected") or {}).get("sources") or ())
        if source.get("serviceAccountToken") is not None
    ]


def _annotations(annotations: Any, spec: Value, field: str) -> Faults:
    """Annotations that mean something to the server."""
    faults: Faults = []
    if not annotations:
        return faults
    if _MIRROR in annotations and not spec.get("nodeName"):
        detail = "must set spec.nodeName if mirror pod annotation is set"
        faults.append(invalid(f"{field}[{_MIRROR}]", annotations[_MIRROR], detail))
    cost = annotations.get(_DELETION_COST)
    if cost is not None and not _is_int32(cost):
        faults.append(invalid(f"{field}[{_DELETION_COST}]", cost, "must be a 32bit integer"))
    return faults


def _is_int32(text: str) -> bool:
    return bool(re.fullmatch(r"0|-?[1-9][0-9]{0,9}", text)) and -(2**31) <= int(text) < 2**31


def validate_template(template: Value, field: str) -> Faults:
    """A pod template: its labels and annotations, and its pod."""
    metadata, spec = template.get("metadata") or {}, template.get("spec") or {}
    faults = [
        *validate_labels(metadata.get("labels"), f"{field}.labels"),
        *validate_annotations(metadata.get("annotations"), f"{field}.annotations"),
        *_annotations(metadata.get("annotations"), spec, f"{field}.annotations"),
        *validate_pod_spec(spec, f"{field}.spec"),
    ]
    if spec.get("ephemeralContainers"):
        at = f"{field}.spec.ephemeralContainers"
        faults.append(forbidden(at, "ephemeral containers not allowed in pod template"))
    return faults


def validate_pod_spec(spec: Value, field: str, name: str = "", *, is_pod: bool = False) -> Faults:
    """`name` is the pod's, where it has one."""
    volumes, at = spec.get("volumes") or (), f"{field}.volumes"
    faults = validate_volumes(volumes, at, name)
    faults += _claims(spec.get("resourceClaims") or (), f"{field}.resourceClaims")
    # Mostly no volume is wrong, and all may be mounted.
    right = right_volumes(volumes, at, name) if faults else {v["name"]: v for v in volumes}
    faults += validate_containers(spec, field, right)
    if spec.get("resources"):
        faults += _pod_resources(spec, f"{field}.resources")
    if spec.get("hostNetwork"):
        faults += _host_network(spec, field, is_pod=is_pod)
    faults += one_of(f"{field}.restartPolicy", spec["restartPolicy"], _RESTARTS)
    faults += one_of(f"{field}.dnsPolicy", spec["dnsPolicy"], _DNS)
    faults += validate_labels(spec.get("nodeSelector"), f"{field}.nodeSelector")
    faults += validate_pod_security(spec, field)
    faults += _placing(spec, field)
    faults += _naming(spec, field)
    return faults + _system(spec, field)


def _placing(spec: Value, field: str) -> Faults:
    """Where the pod runs, and when it may."""
    faults: Faults = []
    if spec.get("affinity"):
        faults += validate_affinity(spec["affinity"], f"{field}.affinity")
    faults += _dns(spec.get("dnsConfig"), spec["dnsPolicy"], f"{field}.dnsConfig")
    for index, gate in enumerate(spec.get("readinessGates") or ()):
        kind = gate.get("conditionType", "")
        at = f"{field}.readinessGates[{index}].conditionType"
        faults += all_invalid(at, kind, formats.label_key_faults(kind))
    faults += _gates(spec.get("schedulingGates") or (), f"{field}.schedulingGates")
    constraints = spec.get("topologySpreadConstraints") or []
    faults += validate_spreading(constraints, f"{field}.topologySpreadConstraints")
    return faults + _host_users(spec, field)


def _host_users(spec: Value, field: str) -> Faults:
    if spec.get("hostUsers", True):
        return []
    detail = "when `hostUsers` is false"
    shared = (("hostNetwork", "hostNetwork"), ("hostPID", "HostPID"), ("hostIPC", "HostIPC"))
    return [forbidden(f"{field}.{called}", detail) for name, called in shared if spec.get(name)]


def _naming(spec: Value, field: str) -> Faults:
    """The names a pod has or refers to, and its deadline."""
    faults = _host_name(spec, field)
    for name in ("serviceAccountName", "nodeName"):
        if spec.get(name):
            details = formats.dns_subdomain_faults(spec[name])
            faults += all_invalid(f"{field}.{name}", spec[name], details)
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= MOST_SECONDS:
        detail = f"must be between 1 and {MOST_SECONDS}, inclusive"
        faults.append(invalid(f"{field}.activeDeadlineSeconds", deadline, detail))
    for name in ("hostname", "subdomain"):
        value = spec.get(name)
        if value:
            faults += all_invalid(f"{field}.{name}", value, formats.dns_label_faults(value))
    faults += validate_tolerations(spec.get("tolerations") or (), f"{field}.tolerations")
    for index, alias in enumerate(spec.get("hostAliases") or ()):
        at = f"{field}.hostAliases[{index}]"
        faults += address_faults(alias.get("ip", ""), f"{at}.ip")
        for number, host in enumerate(alias.get("hostnames") or ()):
            details = formats.dns_subdomain_faults(host)
            faults += all_invalid(f"{at}.hostnames[{number}]", host, details)
    for name in ("priorityClassName", "runtimeClassName"):
        value = spec.get(name)
        if value or (value is not None and name == "runtimeClassName"):
            details = formats.dns_subdomain_faults(value)
            faults += all_invalid(f"{field}.{name}", value, details)
    return faults


def _host_name(spec: Value, field: str) -> Faults:
    name, at = spec.get("hostnameOverride"), f"{field}.hostnameOverride"
    if name is None:
        return []
    faults: Faults = []
    if spec.get("setHostnameAsFQDN"):
        faults.append(forbidden(at, "may not be specified when setHostnameAsFQDN is true"))
    if spec.get("hostNetwork"):
        faults.append(forbidden(at, "may not be specified when hostNetwork is true"))
    if len(name) > _LONGEST_HOST_NAME:
        faults.append(invalid(at, name, formats.too_long(_LONGEST_HOST_NAME)))
    return faults + all_invalid(at, name, formats.dns_subdomain_faults(name))


def _system(spec: Value, field: str) -> Faults:
    faults: Faults = []
    policy = spec.get("preemptionPolicy")
    if policy is not None:
        known = ("PreemptLowerPriority", "Never")
        faults += one_of(f"{field}.preemptionPolicy", policy, known)
    if spec.get("overhead"):
        faults += validate_resources({"limits": spec["overhead"]}, f"{field}.overhead")
    system = spec.get("os")
    if system is None:
        return faults
    if not system.get("name"):
        return [*faults, required(f"{field}.os.name")]
    return faults + one_of(f"{field}.os", system["name"], _SYSTEMS)


def _pod_resources(spec: Value, field: str) -> Faults:
    resources = spec["resources"]
    faults: Faults = []
    if resources.get("claims"):
        detail = "claims may not be set for Resources at pod-level"
        faults.append(forbidden(f"{field}.claims", detail))
    return faults + validate_resources(resources, field, (), pod_resource_faults)


def _host_network(spec: Value, field: str, *, is_pod: bool) -> Faults:
    faults: Faults = []
    detail = "must match `containerPort` when `hostNetwork` is true"
    for index, container in enumerate(spec.get("containers") or ()):
        for number, port in enumerate(container.get("ports") or ()):
            host = port.get("hostPort", 0)
            if (is_pod or host) and host != port.get("containerPort", 0):
                at = f"{field}.containers[{index}].ports[{number}].hostPort"
                faults.append(invalid(at, host, detail))
    return faults


def _claims(claims: Any, field: str) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    for index, claim in enumerate(claims):
        at, name = f"{field}[{index}]", claim.get("name", "")
        if not name:
            faults.append(required(f"{at}.name"))
        elif name in names:
            faults.append(duplicate(f"{at}.name", name))
        else:
            faults += all_invalid(f"{at}.name", name, formats.dns_label_faults(name))
            names.add(name)
        given = [part for part in _CLAIMS if claim.get(part) is not None]
        shown = {"Name": name, "ResourceClaimName": claim.get(_CLAIMS[0]),
                 "ResourceClaimTemplateName": claim.get(_CLAIMS[1])}  # fmt: skip
        if len(given) > 1:
            said = f"at most one of `{_CLAIMS[0]}` or `{_CLAIMS[1]}` may be specified"
            faults.append(invalid(at, shown, said))
        if not given:
            said = f"must specify one of: `{_CLAIMS[0]}`, `{_CLAIMS[1]}`"
            faults.append(invalid(at, shown, said))
        for part in given:
            details = formats.dns_subdomain_faults(claim[part])
            faults += all_invalid(f"{at}.{part}", claim[part], details)
    return faults


_CLAIMS = ("resourceClaimName", "resourceClaimTemplateName")


def _gates(gates: Any, field: str) -> Faults:
    faults: Faults = []
    seen: set[str] = set()
    for index, gate in enumerate(gates):
        name, at = gate.get("name", ""), f"{field}[{index}]"
        faults += all_invalid(at, name, formats.label_key_faults(name))
        if name in seen:
            faults.append(duplicate(at, name))
        seen.add(name)
    return faults


def _dns(config: Any, policy: str, field: str) -> Faults:
    if config is None:
        if policy == "None":
            return [required(field, "must provide `dnsConfig` when `dnsPolicy` is None")]
        return []
    servers, searches = config.get("nameservers") or [], config.get("searches") or []
    if policy == "None" and not servers:
        detail = "must provide at least one DNS nameserver when `dnsPolicy` is None"
        return [required(f"{field}.nameservers", detail)]
    faults: Faults = []
    if len(servers) > _MOST_SERVERS:
        detail = f"must not have more than {_MOST_SERVERS} nameservers"
        faults.append(invalid(f"{field}.nameservers", servers, detail))
    for index, server in enumerate(servers):
        faults += address_faults(server, f"{field}.nameservers[{index}]")
    if len(searches) > _MOST_SEARCHES:
        detail = f"must not have more than {_MOST_SEARCHES} search paths"
        faults.append(invalid(f"{field}.searches", searches, detail))
    if len(" ".join(searches)) > _MOST_SEARCH_CHARACTERS:
        detail = (
            f"must not have more than {_MOST_SEARCH_CHARACTERS} characters (including spaces) in "
            "the search list"
        )
        faults.append(invalid(f"{field}.searches", searches, detail))
    for index, search in enumerate(searches):
        if search != ".":
            name = search.removesuffix(".")
            details = formats.underscored_subdomain_faults(name)
            faults += all_invalid(f"{field}.searches[{index}]", name, details)
    for index, option in enumerate(config.get("options") or ()):
        if not option.get("name"):
            faults.append(required(f"{field}.options[{index}]", "must not be empty"))
    return faults


def validate_tolerations(tolerations: Any, field: str) -> Faults:
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
        faults += _toleration_value(entry.get("value", ""), operator, f"{at}.operator")
        if entry.get("effect"):
            faults += one_of(f"{at}.effect", entry["effect"], _EFFECTS)
    return faults


def _toleration_value(value: str, operator: str, field: str) -> Faults:
    if operator in ("", "Equal"):
        details = formats.label_value_faults(value)
        return [invalid(field, value, ";".join(details))] if details else []
    if operator == "Exists":
        detail = "value must be empty when `operator` is 'Exists'"
        return [invalid(field, value, detail)] if value else []
    known = ("Equal", "Exists", "Lt", "Gt") if operator in ("Lt", "Gt") else ("Equal", "Exists")
    return [unsupported(field, operator, known)]
