"""Whether a node is heard from, by its lease and the heartbeats in its status.

What counts is when the monitor noticed a sign of life, not what the sign says, so that clocks of
nodes do not matter. Source: tryUpdateNodeHealth of pkg/controller/nodelifecycle.
"""

from dataclasses import dataclass
from typing import Any, Protocol

from kiban.kube.objects import Manifest, condition_of, get_in
from kiban.primitives.instants import Instant, later, rfc3339

# --node-monitor-grace-period (50 s since 1.32) and --node-startup-grace-period.
GRACE_SECONDS = 50.0
STARTUP_GRACE_SECONDS = 60.0
# The conditions that nobody knows once a node is silent.
_REPORTED = ("Ready", "MemoryPressure", "DiskPressure", "PIDPressure")


@dataclass(slots=True)
class Health:
    """The last sign of life: what it was, and when the monitor saw it."""

    seen_at: Instant
    signs: tuple[Any, ...]


class Heartbeats(Protocol):
    """Where nodes are heard that write no leases, as on a virtual clock."""

    def last(self, node: str, now: Instant) -> Instant | None:
        """When a node was last heard; None for one that is not known here."""
        ...

    def is_heard(self, node: str) -> bool:
        """Whether a node is known and has not fallen silent."""
        ...

    def are_all_heard(self) -> bool:
        """Whether no known node has fallen silent."""
        ...


def listened(health: Health | None, node: Manifest, renewed: Any, now: Instant) -> Health:
    """The health after another look at the node, whose lease was renewed at that time."""
    ready = condition_of(node, "Ready") or {}
    signs = (
        ready.get("lastHeartbeatTime"),
        ready.get("lastTransitionTime") if ready.get("status") != "Unknown" else None,
        renewed,
    )
    if health is None:
        return Health(now, signs)
    if health.signs != signs:
        was_silenced = ready.get("status") == "Unknown" and health.signs[2] == signs[2]
        return Health(health.seen_at if was_silenced else now, signs)
    return health


def is_silent(health: Health, node: Manifest, now: Instant) -> bool:
    """Whether the node's time is over."""
    known = condition_of(node, "Ready") is not None
    grace = GRACE_SECONDS if known else STARTUP_GRACE_SECONDS
    return now > later(health.seen_at, grace)


def silenced(node: Manifest, now: Instant) -> list[dict[str, Any]] | None:
    """The conditions of a node that is silent; None when they say so already."""
    conditions = list(get_in(node, "status", "conditions", default=[]))
    changed = False
    for type_ in _REPORTED:
        at = next((i for i, entry in enumerate(conditions) if entry["type"] == type_), None)
        if at is None:
            conditions.append(_never(type_, node, now))
            changed = True
        elif conditions[at]["status"] != "Unknown":
            conditions[at] = {
                **conditions[at],
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastTransitionTime": rfc3339(now),
            }
            changed = True
    return conditions if changed else None


def _never(type_: str, node: Manifest, now: Instant) -> dict[str, Any]:
    return {
        "type": type_,
        "status": "Unknown",
        "reason": "NodeStatusNeverUpdated",
        "message": "Kubelet never posted node status.",
        "lastHeartbeatTime": node["metadata"].get("creationTimestamp"),
        "lastTransitionTime": rfc3339(now),
    }
