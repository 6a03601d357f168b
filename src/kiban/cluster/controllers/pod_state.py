"""What controllers read in a pod, read once.

A pod that the store holds is never changed, and every controller looks at it many times: what it
says is worked out at the first look and found again by the object's identity. Pods that were
never stored are read anew each time.
"""

from typing import Any

from kiban.kube.objects import Manifest, controller_of, labels_of
from kiban.primitives.instants import Instant, parse_rfc3339

# Pods remembered lately, and as many from before; who is asked for again is remembered again.
READ_LIMIT = 16_384


class PodState:
    """One pod at one revision; `ready` is its condition of that type, `ready_changed` its time."""

    __slots__ = (
        "controller", "created", "is_active", "is_deleting", "is_ready", "is_terminal", "labels",
        "name", "node", "phase", "pod", "ready", "ready_changed", "started", "uid",
    )  # fmt: skip

    def __init__(self, pod: Manifest) -> None:
        metadata = pod["metadata"]
        status: dict[str, Any] = pod.get("status") or {}
        spec = pod.get("spec") or {}
        self.pod = pod
        self.name: str = metadata.get("name", "")
        self.uid: str = metadata.get("uid", "")
        self.labels = labels_of(pod)
        self.node: str = spec.get("nodeName") or ""
        self.controller = controller_of(pod)
        self.created = _instant(metadata.get("creationTimestamp")) or Instant(0)
        self.started = _instant(status.get("startTime"))
        self.phase: str = status.get("phase") or "Pending"
        self.is_terminal = self.phase in ("Succeeded", "Failed")
        self.is_deleting = "deletionTimestamp" in metadata
        self.is_active = not self.is_terminal and not self.is_deleting
        self.ready: dict[str, Any] | None = None
        for condition in status.get("conditions") or ():
            if condition.get("type") == "Ready":
                self.ready = condition
                break
        self.is_ready = self.ready is not None and self.ready.get("status") == "True"
        self.ready_changed: Instant | None = None
        if self.ready is not None:
            self.ready_changed = _instant(self.ready.get("lastTransitionTime"))

    @property
    def ready_since(self) -> Instant | None:
        """When a ready pod became ready; None for one that is not ready."""
        return self.ready_changed if self.is_ready else None


_READ: dict[int, PodState] = {}
_READ_BEFORE: dict[int, PodState] = {}


def state_of(pod: Manifest) -> PodState:
    """What a pod says."""
    known = _READ.get(id(pod))
    # The state holds its pod, so that no other can take its place in memory.
    if known is not None and known.pod is pod:
        return known
    known = _READ_BEFORE.get(id(pod))
    found = known if known is not None and known.pod is pod else PodState(pod)
    if "resourceVersion" in pod["metadata"]:
        if len(_READ) >= READ_LIMIT:
            _READ_BEFORE.clear()
            _READ_BEFORE.update(_READ)
            _READ.clear()
        _READ[id(pod)] = found
    return found


def _instant(text: str | None) -> Instant | None:
    return parse_rfc3339(text) if text else None
