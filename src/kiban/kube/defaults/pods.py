"""Defaults of pods and of the pod templates inside other kinds.

Every function takes a value, leaves it as it is and returns a completed copy.
"""

from collections.abc import Callable
from typing import Any

from kiban.kube.objects import Manifest

Value = dict[str, Any]

_POD_SPEC: Value = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "securityContext": {},
    "schedulerName": "default-scheduler",
}
_CONTAINER: Value = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
_PROBE: Value = {
    "timeoutSeconds": 1,
    "periodSeconds": 10,
    "successThreshold": 1,
    "failureThreshold": 3,
}
# A pod behind a gate says so from its first moment (pkg/registry/core/pod/strategy.go).
_GATED = {
    "type": "PodScheduled",
    "status": "False",
    "reason": "SchedulingGated",
    "message": "Scheduling is blocked due to non-empty scheduling gates",
}
_CONDITION: Value = {"lastProbeTime": None, "lastTransitionTime": None}
_HTTP: Value = {"path": "/", "scheme": "HTTP"}
_MODE: Value = {"defaultMode": 420}
_CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod(pod: Manifest) -> Manifest:
    """A pod as the API server stores it before admission."""
    spec = default_pod_spec(pod.get("spec") or {})
    spec.setdefault("enableServiceLinks", True)
    if spec["terminationGracePeriodSeconds"] < 0:
        spec["terminationGracePeriodSeconds"] = 1
    host_network = spec.get("hostNetwork", False)
    for name in _CONTAINER_LISTS:
        if name in spec:
            spec[name] = [_of_pod(container, host_network) for container in spec[name]]
    return {**pod, "spec": spec, "status": _status(pod.get("status") or {}, spec)}


def default_pod_status(pod: Manifest) -> Manifest:
    """A pod whose spec is complete, with its status completed."""
    return {**pod, "status": _status(pod.get("status") or {}, pod["spec"])}


def _status(given: Value, spec: Value) -> Value:
    status = {"phase": "Pending", **given}
    if "qosClass" not in status:
        status["qosClass"] = qos_class(spec)
    address, addresses = status.get("podIP"), status.get("podIPs")
    if address and (not addresses or addresses[0].get("ip") != address):
        # The older field wins.
        status["podIPs"] = [{"ip": address}]
    elif addresses and not address:
        status["podIP"] = addresses[0].get("ip", "")
    if spec.get("schedulingGates") and not status.get("conditions"):
        status["conditions"] = [_GATED]
    if status.get("conditions"):
        status["conditions"] = [{**_CONDITION, **condition} for condition in status["conditions"]]
    return status


def default_template(template: Value | None) -> Value:
    """A pod template: like a pod, without what only running pods get."""
    template = dict(template or {})
    template.setdefault("metadata", {})
    template["spec"] = default_pod_spec(template.get("spec") or {})
    return template


def default_pod_spec(spec: Value) -> Value:
    spec = {**_POD_SPEC, **spec}
    for name in _CONTAINER_LISTS:
        if name in spec:
            spec[name] = [_container(container) for container in spec[name] or ()]
    if spec.get("volumes"):
        spec["volumes"] = [_volume(volume) for volume in spec["volumes"]]
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    return spec


def pull_policy(image: str) -> str:
    """`Always` for an image without a fixed tag, else `IfNotPresent`."""
    if "@" in image:
        return "IfNotPresent"
    tag = image.rpartition("/")[2].partition(":")[2]
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _container(container: Value) -> Value:
    full = {**_CONTAINER, **container}
    if "imagePullPolicy" not in full:
        full["imagePullPolicy"] = pull_policy(full.get("image", ""))
    if full.get("ports"):
        full["ports"] = [{"protocol": "TCP", **port} for port in full["ports"]]
    if full.get("env"):
        full["env"] = [_variable(entry) if "valueFrom" in entry else entry for entry in full["env"]]
    for name in _PROBES:
        if name in full:
            full[name] = _handler({**_PROBE, **full[name]})
    if "lifecycle" in full:
        full["lifecycle"] = {
            name: _handler(hook) if isinstance(hook, dict) else hook
            for name, hook in full["lifecycle"].items()
        }
    return full


def _handler(handler: Value) -> Value:
    if "httpGet" in handler:
        handler = {**handler, "httpGet": {**_HTTP, **handler["httpGet"]}}
    if "grpc" in handler:
        handler = {**handler, "grpc": {"service": "", **handler["grpc"]}}
    return handler


def _of_pod(container: Value, host_network: bool) -> Value:
    """Requests default to limits, and on the host's network host ports to container ports."""
    limits = container["resources"].get("limits")
    if limits:
        requests = {**limits, **(container["resources"].get("requests") or {})}
        container = {**container, "resources": {**container["resources"], "requests": requests}}
    if host_network and container.get("ports"):
        ports = [{"hostPort": port["containerPort"], **port} for port in container["ports"]]
        container = {**container, "ports": ports}
    return container


def _variable(entry: Value) -> Value:
    return {**entry, "valueFrom": _field_source(entry["valueFrom"])}


def _field_source(source: Value) -> Value:
    if "fieldRef" in source:
        source = {**source, "fieldRef": {"apiVersion": "v1", **source["fieldRef"]}}
    if "resourceFieldRef" in source:
        source = {**source, "resourceFieldRef": {"divisor": "0", **source["resourceFieldRef"]}}
    return source


def _volume(volume: Value) -> Value:
    sources = [name for name in volume if name != "name"]
    if not sources:
        return {**volume, "emptyDir": {}}
    source = sources[0]
    complete = _VOLUMES.get(source)
    return {**volume, source: complete(volume[source])} if complete else volume


def _downward(volume: Value) -> Value:
    full = {**_MODE, **volume}
    if "items" in full:
        full["items"] = [_field_source(item) for item in full["items"]]
    return full


def _projected(volume: Value) -> Value:
    full = {**_MODE, **volume}
    full["sources"] = [_projection(source) for source in full.get("sources") or ()]
    return full


def _projection(source: Value) -> Value:
    if "serviceAccountToken" in source:
        token = {"expirationSeconds": 3600, **source["serviceAccountToken"]}
        return {**source, "serviceAccountToken": token}
    items = (source.get("downwardAPI") or {}).get("items")
    if items:
        return {**source, "downwardAPI": {"items": [_field_source(item) for item in items]}}
    return source


def _ephemeral(volume: Value) -> Value:
    template = volume.get("volumeClaimTemplate")
    if not template:
        return volume
    spec = {"volumeMode": "Filesystem", **(template.get("spec") or {})}
    return {**volume, "volumeClaimTemplate": {"metadata": {}, **template, "spec": spec}}


_VOLUMES: dict[str, Callable[[Value], Value]] = {
    "configMap": lambda volume: {**_MODE, **volume},
    "secret": lambda volume: {**_MODE, **volume},
    "hostPath": lambda volume: {"type": "", **volume},
    "iscsi": lambda volume: {"iscsiInterface": "default", **volume},
    "downwardAPI": _downward,
    "projected": _projected,
    "ephemeral": _ephemeral,
    "image": lambda volume: {"pullPolicy": pull_policy(volume.get("reference", "")), **volume},
}

_COMPUTE = ("cpu", "memory")


def qos_class(spec: Value) -> str:
    """Guaranteed, Burstable or BestEffort, from the requests and limits of all containers."""
    resources = [
        container.get("resources") or {}
        for name in ("initContainers", "containers")
        for container in spec.get(name) or ()
    ]
    own = spec.get("resources")
    resources = [own] if own else resources
    asked = [
        amounts.get(name)
        for entry in resources
        for amounts in (entry.get("requests") or {}, entry.get("limits") or {})
        for name in _COMPUTE
    ]
    if not any(amount not in (None, "0", 0) for amount in asked):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(entry) for entry in resources) else "Burstable"


def _is_guaranteed(resources: Value) -> bool:
    limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
    return all(
        name in limits and requests.get(name, limits[name]) == limits[name] for name in _COMPUTE
    )
