"""The taints that a node's conditions call for.

NoSchedule taints mirror the conditions at once; NoExecute taints, which drive pods away, are
given out by the monitor at a limited rate. Source: pkg/controller/nodelifecycle.
"""

from collections.abc import Sequence
from typing import Any

from kiban.kube.objects import Manifest, condition_of, get_in
from kiban.primitives.instants import Instant, rfc3339

Taint = dict[str, Any]

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
_CORDONED = "node.kubernetes.io/unschedulable"
_BY_CONDITION = {
    ("Ready", "False"): NOT_READY,
    ("Ready", "Unknown"): UNREACHABLE,
    ("MemoryPressure", "True"): "node.kubernetes.io/memory-pressure",
    ("DiskPressure", "True"): "node.kubernetes.io/disk-pressure",
    ("PIDPressure", "True"): "node.kubernetes.io/pid-pressure",
    ("NetworkUnavailable", "True"): "node.kubernetes.io/network-unavailable",
}
_MANAGED = (*_BY_CONDITION.values(), _CORDONED)


def taints_of(node: Manifest) -> Sequence[Taint]:
    taints: list[Taint] = get_in(node, "spec", "taints", default=[])
    return taints


def ready_status(node: Manifest) -> str:
    """`True`, `False` or `Unknown`; a node that says nothing is `Unknown`."""
    status: str = (condition_of(node, "Ready") or {}).get("status", "Unknown")
    return status


def mirrored(node: Manifest, now: Instant) -> list[Taint] | None:
    """The taints with those of effect NoSchedule as the conditions say; None when they are."""
    conditions = get_in(node, "status", "conditions", default=[])
    wanted = [
        key
        for entry in conditions
        if (key := _BY_CONDITION.get((entry["type"], entry["status"]))) is not None
    ]
    if get_in(node, "spec", "unschedulable"):
        wanted.append(_CORDONED)
    present = [
        taint["key"]
        for taint in taints_of(node)
        if taint["effect"] == "NoSchedule" and taint["key"] in _MANAGED
    ]
    if sorted(wanted) == sorted(present):
        return None
    kept = [
        taint
        for taint in taints_of(node)
        if taint["effect"] != "NoSchedule" or taint["key"] not in _MANAGED or taint["key"] in wanted
    ]
    added = [key for key in wanted if key not in present]
    return [*kept, *({"key": key, "effect": "NoSchedule"} | _since(now) for key in added)]


def driving_away(node: Manifest, now: Instant) -> list[Taint] | None:
    """The taints with the one NoExecute taint that a node that is not ready gets; None when
    nothing changes."""
    key = NOT_READY if ready_status(node) == "False" else UNREACHABLE
    if has_driving_taint(node, key):
        return None
    return [*without_driving(node), {"key": key, "effect": "NoExecute", **_since(now)}]


def has_driving_taint(node: Manifest, *keys: str) -> bool:
    return any(taint["effect"] == "NoExecute" and taint["key"] in keys for taint in taints_of(node))


def without_driving(node: Manifest) -> list[Taint]:
    """The taints without those by which the monitor drives pods away."""
    return [
        taint
        for taint in taints_of(node)
        if taint["effect"] != "NoExecute" or taint["key"] not in (NOT_READY, UNREACHABLE)
    ]


def _since(now: Instant) -> Taint:
    return {"timeAdded": rfc3339(now)}
