"""The cells of the kinds that administer a cluster: storage, certificates, flow control, devices,
the API itself and gateways; without the name.

Source: k8s.io/kubernetes/pkg/printers/internalversion/printers.go and the Gateway API.
"""

from typing import Any

from kiban.kube.objects import Manifest, condition_of, is_deleting
from kiban.kube.printing.durations import age, human_duration
from kiban.kube.printing.workloads import (
    NONE,
    UNSET,
    Value,
    format_labels,
    names_and_images,
    spec_of,
    status_of,
)
from kiban.primitives.instants import Instant


def _age(manifest: Manifest, now: Instant) -> str:
    return age(manifest["metadata"].get("creationTimestamp"), now)


def pod_template(manifest: Manifest, _now: Instant) -> list[Any]:
    template = manifest.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels")
    return [*names_and_images(template), format_labels(labels)]


def component_status(manifest: Manifest, _now: Instant) -> list[Any]:
    healthy: Value = next(
        (c for c in manifest.get("conditions") or () if c.get("type") == "Healthy"), {}
    )
    said = {"True": "Healthy", "False": "Unhealthy"}.get(healthy.get("status", ""), "Unknown")
    return [said, healthy.get("message", ""), healthy.get("error", "")]


def signing_request(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    seconds = spec.get("expirationSeconds")
    return [
        _age(manifest, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else human_duration(float(seconds)),
        _request_state(status_of(manifest)),
    ]


def _request_state(status: Value) -> str:
    kinds = [condition.get("type") for condition in status.get("conditions") or ()]
    states = [kind for kind in ("Approved", "Denied") if kind in kinds][:1] or ["Pending"]
    if "Denied" in kinds:
        states = ["Denied"]
    if "Failed" in kinds:
        states.append("Failed")
    if status.get("certificate"):
        states.append("Issued")
    return ",".join(states)


def csi_driver(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    requests = spec.get("tokenRequests")
    audiences = [request.get("audience", "") for request in requests or ()]
    return [
        spec.get("attachRequired", True),
        bool(spec.get("podInfoOnMount")),
        bool(spec.get("storageCapacity")),
        UNSET if requests is None else ",".join(audiences),
        bool(spec.get("requiresRepublish")),
        ",".join(spec.get("volumeLifecycleModes") or ()) or NONE,
        _age(manifest, now),
    ]


def csi_node(manifest: Manifest, now: Instant) -> list[Any]:
    return [len(spec_of(manifest).get("drivers") or ()), _age(manifest, now)]


def csi_capacity(manifest: Manifest, _now: Instant) -> list[Any]:
    return [manifest.get("storageClassName", ""), manifest.get("capacity", UNSET)]


def volume_attachment(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    return [
        spec.get("attacher", ""),
        (spec.get("source") or {}).get("persistentVolumeName") or "",
        spec.get("nodeName", ""),
        bool(status_of(manifest).get("attached")),
        _age(manifest, now),
    ]


def attributes_class(manifest: Manifest, now: Instant) -> list[Any]:
    return [manifest.get("driverName", ""), _age(manifest, now)]


def flow_schema(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    dangling = condition_of(manifest, "Dangling") or {}
    return [
        (spec.get("priorityLevelConfiguration") or {}).get("name") or NONE,
        spec.get("matchingPrecedence", 0),
        (spec.get("distinguisherMethod") or {}).get("type") or NONE,
        _age(manifest, now),
        dangling.get("status", "?"),
    ]


def priority_level(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    limited = spec.get("limited") or {}
    queuing = (limited.get("limitResponse") or {}).get("queuing") or {}
    return [
        spec.get("type", ""),
        limited.get("nominalConcurrencyShares", NONE),
        *(queuing.get(name, NONE) for name in ("queues", "handSize", "queueLengthLimit")),
        _age(manifest, now),
    ]


def mutating_policy(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    kind = spec.get("paramKind")
    called = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else UNSET
    return [len(spec.get("mutations") or ()), called, _age(manifest, now)]


def ip_address(manifest: Manifest, _now: Instant) -> list[Any]:
    parent = spec_of(manifest).get("parentRef") or {}
    keys = ("group", "resource", "namespace", "name")
    where = "/".join(parent[key] for key in keys[1:] if parent.get(key))
    resource = parent.get("resource", "")
    if parent.get("group"):
        where = where.replace(resource, f"{resource}.{parent['group']}", 1)
    return [where or NONE]


def service_network(manifest: Manifest, now: Instant) -> list[Any]:
    return [",".join(spec_of(manifest).get("cidrs") or ()), _age(manifest, now)]


def resource_claim(manifest: Manifest, now: Instant) -> list[Any]:
    status = status_of(manifest)
    states = ["deleted"] if is_deleting(manifest) else []
    if status.get("allocation") is not None:
        states.append("allocated")
        states += ["reserved"] if status.get("reservedFor") else []
    elif not states:
        states.append("pending")
    return [",".join(states), _age(manifest, now)]


def resource_slice(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    pool = (spec.get("pool") or {}).get("name", "")
    return [spec.get("nodeName") or UNSET, spec.get("driver", ""), pool, _age(manifest, now)]


def api_service(manifest: Manifest, now: Instant) -> list[Any]:
    service = spec_of(manifest).get("service")
    called = f"{service.get('namespace')}/{service.get('name')}" if service else "Local"
    available = condition_of(manifest, "Available") or {}
    state = available.get("status", "Unknown")
    if state not in ("True", "Unknown"):
        state = f"{state} ({available.get('reason', '')})"
    return [called, state, _age(manifest, now)]


# The Gateway API's own columns


def _state(manifest: Manifest, kind: str) -> Any:
    condition = condition_of(manifest, kind)
    return condition.get("status") if condition else None


def gateway_class(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    accepted = _state(manifest, "Accepted")
    return [spec.get("controllerName"), accepted, _age(manifest, now), spec.get("description")]


def gateway(manifest: Manifest, now: Instant) -> list[Any]:
    addresses = status_of(manifest).get("addresses") or []
    first = addresses[0].get("value") if addresses else None
    programmed = _state(manifest, "Programmed")
    return [spec_of(manifest).get("gatewayClassName"), first, programmed, _age(manifest, now)]


def route(manifest: Manifest, now: Instant) -> list[Any]:
    names = spec_of(manifest).get("hostnames")
    shown = "[" + ",".join(f'"{name}"' for name in names) + "]" if names else None
    return [shown, _age(manifest, now)]
