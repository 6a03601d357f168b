"""What a machine says of itself in its Node."""

from typing import Any

from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant, rfc3339

_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)


def with_conditions(node: Manifest, now: Instant, *, ready: bool) -> Manifest:
    """The Node with the conditions that its machine reports; those of others are kept."""
    live = {entry["type"]: entry for entry in get_in(node, "status", "conditions", default=[])}
    claims = [(name, "False", reason, message) for name, reason, message in _PRESSURES]
    if ready:
        claims.append(("Ready", "True", "KubeletReady", "kubelet is posting ready status"))
    else:
        claims.append(("Ready", "False", "KubeletNotReady", "kubelet is not ready"))
    stamp = rfc3339(now)
    own = [_dated(live.pop(claim[0], None), claim, stamp) for claim in claims]
    return {**node, "status": {**node.get("status", {}), "conditions": [*own, *live.values()]}}


def _dated(
    live: dict[str, Any] | None, claim: tuple[str, str, str, str], stamp: str
) -> dict[str, Any]:
    name, status, reason, message = claim
    same = live is not None and live["status"] == status
    return {
        "type": name,
        "status": status,
        "reason": reason,
        "message": message,
        "lastHeartbeatTime": stamp,
        "lastTransitionTime": live["lastTransitionTime"] if live is not None and same else stamp,
    }
