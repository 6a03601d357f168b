"""The statuses that a kubelet writes, for a pod whose containers all go the same way.

The same shape as `cluster.kubelet.status` writes from single containers, made in one go: a
rehearsed pod's status is written three times in its life, and there are many pods.
"""

from collections.abc import Sequence
from typing import Any

from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, rfc3339

Condition = dict[str, Any]
# The order in which a kubelet writes its conditions.
_OWN = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def conditions(
    pod: Manifest, now: Instant, *, initialized: bool, ready: bool, reason: str = ""
) -> list[Condition]:
    """The pod's conditions with the kubelet's own renewed; those of others are kept."""
    live = {entry["type"]: entry for entry in pod.get("status", {}).get("conditions") or ()}
    stamp = rfc3339(now)
    wanted = {
        "PodReadyToStartContainers": initialized,
        "Initialized": initialized,
        "Ready": ready,
        "ContainersReady": ready,
        "PodScheduled": True,
    }
    own = [_dated(live.pop(name, None), name, wanted[name], reason, stamp) for name in _OWN]
    return [*own, *live.values()]


def _dated(live: Condition | None, name: str, holds: bool, reason: str, stamp: str) -> Condition:
    status = "True" if holds else "False"
    if (
        live is not None
        and live["status"] == status
        and live.get("reason", "") == (reason if not holds else "")
    ):
        return live
    since = stamp
    if live is not None and live["status"] == status:
        since = live.get("lastTransitionTime", stamp)
    found: Condition = {"type": name, "status": status, "lastTransitionTime": since}
    if not holds and reason:
        found["reason"] = reason
    return found


def containers(
    pod: Manifest, state: dict[str, Any], restarts: Sequence[int], **fields: Any
) -> list[dict[str, Any]]:
    """A status for every main container, all in the same state."""
    return [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "restartCount": restarts[0] if restarts else 0,
            "state": state,
            **fields,
        }
        for container in pod["spec"]["containers"]
    ]


def ended(exit_code: int, reason: str, now: Instant) -> dict[str, Any]:
    """The end of a container's process."""
    return {"exitCode": exit_code, "reason": reason, "finishedAt": rfc3339(now)}
