"""Rules for statuses, which their controllers write.

Source: the `Validate…StatusUpdate` functions of k8s.io/kubernetes/pkg/apis/*/validation.
"""

from collections.abc import Callable
from typing import Any

from kiban.kube import formats
from kiban.kube.objects import GroupKind, Manifest
from kiban.kube.validation.addresses import address_faults, parsed_address
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    at_least,
    forbidden,
    immutable,
    invalid,
    one_of,
    required,
)

Value = dict[str, Any]
Rule = Callable[[Manifest, Manifest], Faults]

_BEYOND = "cannot be greater than status.replicas"


def _status(manifest: Manifest) -> Value:
    status: Value = manifest.get("status") or {}
    return status


def _counts(names: tuple[str, ...], beyond: tuple[str, ...], ready: str = "readyReplicas") -> Rule:
    """Counts are not negative, none exceeds the whole, and what is available is ready."""

    def check(_old: Manifest, new: Manifest) -> Faults:
        status = _status(new)
        faults: Faults = []
        for name in names:
            faults += at_least(f"status.{name}", status.get(name))
        total = status.get("replicas", 0)
        for name in beyond:
            if status.get(name, 0) > total:
                faults.append(invalid(f"status.{name}", status[name], _BEYOND))
        available = status.get("availableReplicas", 0)
        if beyond and available > status.get("readyReplicas", 0):
            detail = f"cannot be greater than {ready}"
            faults.append(invalid("status.availableReplicas", available, detail))
        return faults

    return check


def _pod(old: Manifest, new: Manifest) -> Faults:
    status = _status(new)
    faults: Faults = []
    for index, condition in enumerate(status.get("conditions") or ()):
        kind = condition.get("type", "")
        if kind not in ("PodScheduled", "Ready", "Initialized"):
            at = f"status.conditions[{index}].Type"
            faults += all_invalid(at, kind, formats.label_key_faults(kind))
    name, was = status.get("nominatedNodeName"), _status(old).get("nominatedNodeName")
    if name and name != was:
        at = "status.nominatedNodeName"
        faults += all_invalid(at, name, formats.dns_subdomain_faults(name))
        if (old.get("spec") or {}).get("nodeName"):
            detail = "may not be set on pods that are already bound to a node"
            faults.append(forbidden(at, detail))
    faults += immutable("status.qosClass", _status(old).get("qosClass"), status.get("qosClass"))
    for kind in ("containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"):
        faults += _transitions(old, new, kind)
    known = [entry.get("ip") for entry in _status(old).get("podIPs") or ()]
    for index, entry in enumerate(status.get("podIPs") or ()):
        if entry.get("ip") not in known:
            faults += address_faults(entry.get("ip", ""), f"status.podIPs[{index}]")
    return faults + _host_addresses(status)


def _host_addresses(status: Value) -> Faults:
    addresses = status.get("hostIPs") or ()
    if not addresses or addresses[0].get("ip") == status.get("hostIP", ""):
        return []
    detail = "must be equal to `hostIP`"
    return [invalid("status.hostIPs[0].ip", addresses[0].get("ip", ""), detail)]


_OF_STATUS = {
    "containerStatuses": "containers",
    "initContainerStatuses": "initContainers",
    "ephemeralContainerStatuses": "",
}


def _transitions(old: Manifest, new: Manifest, kind: str) -> Faults:
    """What has ended for good stays ended."""
    spec = old.get("spec") or {}
    now = {entry.get("name"): entry for entry in _status(new).get(kind) or ()}
    faults: Faults = []
    for index, entry in enumerate(_status(old).get(kind) or ()):
        ended = (entry.get("state") or {}).get("terminated")
        after = now.get(entry.get("name"))
        if ended is None or after is None or (after.get("state") or {}).get("terminated"):
            continue
        containers = spec.get(_OF_STATUS[kind]) or ()
        own = next((c for c in containers if c.get("name") == entry.get("name")), None)
        if not _may_restart(own, spec, ended.get("exitCode", 0)):
            detail = "may not be transitioned to non-terminated state"
            faults.append(forbidden(f"status.{kind}[{index}].state", detail))
    return faults


def _may_restart(container: Any, spec: Value, code: int) -> bool:
    if container is None:
        return False
    policy = container.get("restartPolicy") or spec.get("restartPolicy")
    return (
        policy == "Always"
        or (policy == "OnFailure" and code != 0)
        or bool(container.get("restartPolicyRules"))
    )


def _namespace(_old: Manifest, new: Manifest) -> Faults:
    phase = _status(new).get("phase", "")
    going = "deletionTimestamp" in new["metadata"]
    wanted, when = ("Terminating", "is not empty") if going else ("Active", "is empty")
    if phase == wanted:
        return []
    detail = f"may only be '{wanted}' if `deletionTimestamp` {when}"
    return [invalid("status.Phase", phase, detail)]


def _ingresses(manifest: Manifest) -> list[Value]:
    found: list[Value] = (_status(manifest).get("loadBalancer") or {}).get("ingress") or []
    return found


def _service(_old: Manifest, new: Manifest) -> Faults:
    at = "status.loadBalancer.ingress"
    entries = _ingresses(new)
    if entries and (new.get("spec") or {}).get("type") != "LoadBalancer":
        return [forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'")]
    faults: Faults = []
    for index, entry in enumerate(entries):
        address, mode = entry.get("ip"), entry.get("ipMode")
        if address:
            faults += address_faults(address, f"{at}[{index}].ip")
        if mode is None and address:
            detail = "must be specified when `ip` is set"
            faults.append(required(f"{at}[{index}].ipMode", detail))
        elif mode is not None and not address:
            detail = "may not be specified when `ip` is not set"
            faults.append(forbidden(f"{at}[{index}].ipMode", detail))
        elif mode is not None:
            faults += one_of(f"{at}[{index}].ipMode", mode, ("Proxy", "VIP"))
        faults += _host_name(entry.get("hostname"), f"{at}[{index}].hostname")
    return faults


def _host_name(name: Any, field: str) -> Faults:
    if not name:
        return []
    faults = all_invalid(field, name, formats.dns_subdomain_faults(name))
    if parsed_address(name) is not None:
        faults.append(invalid(field, name, "must be a DNS name, not an IP address"))
    return faults


def _ingress(_old: Manifest, new: Manifest) -> Faults:
    at = "status.loadBalancer.ingress"
    faults: Faults = []
    for index, entry in enumerate(_ingresses(new)):
        if entry.get("ip"):
            faults += address_faults(entry["ip"], f"{at}[{index}].ip")
        faults += _host_name(entry.get("hostname"), f"{at}[{index}].hostname")
    return faults


_REPLICAS = ("replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas",
             "observedGeneration")  # fmt: skip
_RULES: dict[GroupKind, Rule] = {
    GroupKind("", "Namespace"): _namespace,
    GroupKind("", "Pod"): _pod,
    GroupKind("", "ReplicationController"): _counts(_REPLICAS, _REPLICAS[1:4]),
    GroupKind("", "Service"): _service,
    GroupKind("apps", "DaemonSet"): _counts(
        (
            "currentNumberScheduled", "numberMisscheduled", "desiredNumberScheduled",
            "numberReady", "observedGeneration", "updatedNumberScheduled", "numberAvailable",
            "numberUnavailable", "collisionCount",
        ),
        (),
    ),
    GroupKind("apps", "Deployment"): _counts(
        (
            "observedGeneration", "replicas", "updatedReplicas", "readyReplicas",
            "availableReplicas", "unavailableReplicas", "collisionCount",
        ),
        ("updatedReplicas", "readyReplicas", "availableReplicas"),
    ),
    GroupKind("apps", "ReplicaSet"): _counts(_REPLICAS, _REPLICAS[1:4]),
    GroupKind("apps", "StatefulSet"): _counts(
        (
            "replicas", "readyReplicas", "currentReplicas", "updatedReplicas",
            "availableReplicas", "observedGeneration", "collisionCount",
        ),
        ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"),
        "status.readyReplicas",
    ),
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): _counts(
        ("currentReplicas", "desiredReplicas"), ()
    ),
    GroupKind("networking.k8s.io", "Ingress"): _ingress,
}  # fmt: skip


def status_faults(kind: GroupKind, old: Manifest, new: Manifest) -> Faults:
    """What is wrong with a status that is to be written."""
    rule = _RULES.get(kind)
    return rule(old, new) if rule else []
