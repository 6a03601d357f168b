"""What keeps virtual nodes alive in the eyes of the control plane: leases and Ready conditions.

One kubelet speaks for all virtual nodes, so that their heartbeats fall together and cost one
commit of the journal. A lease is renewed every 10 s and counts for 40 s, as on a real node; a
node's status is written when it does not say Ready, not every time.
"""

from collections.abc import Mapping
from typing import Any

from kiban.cluster.kubelet.effects import Effects
from kiban.kube.objects import LEASE, Key, Manifest, condition_of
from kiban.primitives.instants import Instant, later, rfc3339, rfc3339_micro
from kiban.reconcile.commands import Create, Patch
from kiban.reconcile.controller import Snapshot

RENEW_SECONDS = 10.0
LEASE_SECONDS = 40
LEASE_NAMESPACE = "kube-node-lease"
_CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


class Heartbeats:
    """The virtual nodes there are, and when their leases are due."""

    def __init__(self) -> None:
        self._nodes: dict[str, Manifest] = {}
        self._unready: dict[str, None] = {}
        self._renew_at: Instant | None = None

    def observe(self, node: Manifest) -> None:
        """A running node is new or changed."""
        name = node["metadata"]["name"]
        if name not in self._nodes:
            self._renew_at = Instant(0)
        self._nodes[name] = node
        if _says_ready(node):
            self._unready.pop(name, None)
        else:
            self._unready[name] = None

    def forget(self, name: str) -> None:
        self._nodes.pop(name, None)
        self._unready.pop(name, None)

    def next_due(self) -> Instant | None:
        if self._unready:
            return Instant(0)
        return self._renew_at if self._nodes else None

    def step(self, snapshot: Snapshot, now: Instant, effects: Effects) -> None:
        """Say that the nodes are ready, and renew every lease that is due."""
        for name in sorted(self._unready):
            effects.commands.append(_ready_patch(self._nodes[name], now))
        self._unready.clear()
        if self._nodes and self._renew_at is not None and self._renew_at <= now:
            self._renew_at = later(now, RENEW_SECONDS)
            for name in sorted(self._nodes):
                effects.commands.append(_renewal(self._nodes[name], snapshot, now))


def _says_ready(node: Manifest) -> bool:
    ready = condition_of(node, "Ready")
    return ready is not None and ready.get("status") == "True"


def _ready_patch(node: Manifest, now: Instant) -> Patch:
    own = [_condition(node, claim, now) for claim in _CONDITIONS]
    names = [name for name, *_ in _CONDITIONS]
    live = (node.get("status") or {}).get("conditions") or []
    foreign = [condition for condition in live if condition.get("type") not in names]
    key = Key("", "Node", "", node["metadata"]["name"])
    uid = node["metadata"].get("uid", "")
    return Patch(key, {"status": {"conditions": [*foreign, *own]}}, "status", uid)


def _condition(node: Manifest, claim: tuple[str, str, str, str], now: Instant) -> dict[str, Any]:
    name, status, reason, message = claim
    before = condition_of(node, name)
    same = before is not None and before.get("status") == status
    return {
        "type": name,
        "status": status,
        "lastHeartbeatTime": rfc3339(now),
        "lastTransitionTime": before["lastTransitionTime"] if before and same else rfc3339(now),
        "reason": reason,
        "message": message,
    }


def _renewal(node: Manifest, snapshot: Snapshot, now: Instant) -> Create | Patch:
    metadata: Mapping[str, Any] = node["metadata"]
    name = metadata["name"]
    key = Key(LEASE.group, LEASE.kind, LEASE_NAMESPACE, name)
    if snapshot.get(key) is not None:
        return Patch(key, {"spec": {"renewTime": rfc3339_micro(now)}})
    owner = {"apiVersion": "v1", "kind": "Node", "name": name, "uid": metadata.get("uid", "")}
    spec = {
        "holderIdentity": name,
        "leaseDurationSeconds": LEASE_SECONDS,
        "renewTime": rfc3339_micro(now),
    }
    return Create(
        {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": name,
                "namespace": LEASE_NAMESPACE,
                "ownerReferences": [owner],
            },
            "spec": spec,
        }
    )
