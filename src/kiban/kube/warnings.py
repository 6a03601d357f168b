"""What the API server warns about without refusing it: deprecated kinds and fields, and settings
that do not do what they seem to.

Source: k8s.io/kubernetes/pkg/api/{pod,node,service}/warnings.go and the kinds' own strategies.
"""

from typing import Any

from kiban.kube.formats import dns_label_faults
from kiban.kube.objects import Manifest
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

_TEMPLATES: dict[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
_WITH_TEMPLATE = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job",
                  "ReplicationController")  # fmt: skip
_DEPRECATED_LABELS = {
    "beta.kubernetes.io/arch": ("v1.14", "kubernetes.io/arch"),
    "beta.kubernetes.io/os": ("v1.14", "kubernetes.io/os"),
    "failure-domain.beta.kubernetes.io/region": ("v1.17", "topology.kubernetes.io/region"),
    "failure-domain.beta.kubernetes.io/zone": ("v1.17", "topology.kubernetes.io/zone"),
    "beta.kubernetes.io/instance-type": ("v1.17", "node.kubernetes.io/instance-type"),
}
_DEPRECATED_KINDS = {
    ("v1", "ComponentStatus"): "v1 ComponentStatus is deprecated in v1.19+",
    ("v1", "Endpoints"): (
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"
    ),
}


def kind_warning(api_version: str, kind: str) -> str:
    """What is said about every request for a deprecated kind; empty for the others."""
    return _DEPRECATED_KINDS.get((api_version, kind), "")


def warnings_of(manifest: Manifest) -> list[str]:
    """What is said about an object that is created or changed."""
    kind = manifest["kind"]
    if kind == "Ingress":
        return _ingress(manifest)
    path = _TEMPLATES.get(kind) or (("spec", "template", "spec") if kind in _WITH_TEMPLATE else ())
    if not path:
        return []
    spec: Any = manifest
    for part in path:
        spec = spec.get(part) or {}
    return _pod_name(manifest) + _pod_spec(spec, ".".join(path))


def _pod_name(manifest: Manifest) -> list[str]:
    name = manifest["metadata"].get("name", "")
    if manifest["kind"] != "Pod" or not name or not dns_label_faults(name):
        return []
    text = "must not contain dots" if "." in name else dns_label_faults(name)[0]
    return [
        "metadata.name: this is used in the Pod's hostname, which can result in surprising "
        f"behavior; a DNS label is recommended: [{text}]"
    ]


def _ingress(manifest: Manifest) -> list[str]:
    name = "kubernetes.io/ingress.class"
    if name not in (manifest["metadata"].get("annotations") or {}):
        return []
    return [f"annotation \"{name}\" is deprecated, please use 'spec.ingressClassName' instead"]


def _pod_spec(spec: Value, field: str) -> list[str]:
    found = []
    for label in sorted(spec.get("nodeSelector") or {}):
        if label in _DEPRECATED_LABELS:
            since, instead = _DEPRECATED_LABELS[label]
            text = f'deprecated since {since}; use "{instead}" instead'
            found.append(f"{field}.nodeSelector[{label}]: {text}")
    for index, entry in enumerate(spec.get("topologySpreadConstraints") or ()):
        if entry.get("labelSelector") is None:
            at = f"{field}.topologySpreadConstraints[{index}].labelSelector"
            found.append(f"{at}: a null labelSelector results in matching no pod")
    for kind in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(kind) or ()):
            found += _container(container, f"{field}.{kind}[{index}]")
    return found


def _container(container: Value, field: str) -> list[str]:
    return [
        *_amounts(container.get("resources") or {}, f"{field}.resources"),
        *_repeated_names(container.get("env") or [], f"{field}.env"),
        *_repeated_ports(container.get("ports") or [], f"{field}.ports"),
    ]


def _amounts(resources: Value, field: str) -> list[str]:
    return [
        f"{field}.{kind}[{name}]: fractional byte value "
        f'"{amounts[name]}" is invalid, must be an integer'
        for kind in ("limits", "requests")
        for amounts in (resources.get(kind) or {},)
        for name in ("memory", "ephemeral-storage")
        if name in amounts and parse_quantity(amounts[name]) % 1 != 0
    ]


def _repeated_names(variables: list[Value], field: str) -> list[str]:
    found, seen = [], set()
    for index, entry in enumerate(variables):
        name = entry.get("name")
        if name in seen:
            text = f'hides previous definition of "{name}", which may be dropped when using apply'
            found.append(f"{field}[{index}]: {text}")
        seen.add(name)
    return found


def _repeated_ports(ports: list[Value], field: str) -> list[str]:
    found = []
    seen: dict[tuple[Any, Any], int] = {}
    for index, port in enumerate(ports):
        key = (port.get("containerPort"), port.get("protocol", "TCP"))
        if key in seen:
            text = f"duplicate port definition with {field}[{seen[key]}]"
            found.append(f"{field}[{index}]: {text}")
        else:
            seen[key] = index
    return found
