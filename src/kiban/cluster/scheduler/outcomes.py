"""What is written about an attempt to place a pod: a binding, a failure, room being made."""

from typing import Any

from kiban.cluster.scheduler.node_info import PodInfo
from kiban.kube.objects import Manifest, condition_of, get_in, key_of, uid_of
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import Bind, Command, Delete, Patch, Record
from kiban.reconcile.controller import Snapshot

PREEMPTING = "default-scheduler: preempting to accommodate a higher priority pod"


def bound(pod: Manifest, node: str) -> tuple[Command, ...]:
    """The pod gets its node."""
    name = f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"
    text = f"Successfully assigned {name} to {node}"
    return (
        Bind(key_of(pod), node, uid_of(pod)),
        Record(pod, "Normal", "Scheduled", text, after_success=True),
    )


def failed(
    pod: Manifest, message: str, now: Instant, nominated: str | None = None
) -> tuple[Command, ...]:
    """The pod stays without a node, for this reason. `nominated` is the node on which room is
    being made for it; an empty one withdraws that."""
    status: dict[str, Any] = {}
    conditions = _unscheduled(pod, message, now)
    if conditions is not None:
        status["conditions"] = conditions
    if nominated is not None and nominated != nominated_node(pod):
        status["nominatedNodeName"] = nominated or None
    report = Record(pod, "Warning", "FailedScheduling", message)
    if not status:
        return (report,)
    return report, Patch(key_of(pod), {"status": status}, "status", uid_of(pod))


def nominated_node(pod: Manifest) -> str:
    node: str = get_in(pod, "status", "nominatedNodeName", default="")
    return node


def _unscheduled(pod: Manifest, message: str, now: Instant) -> list[dict[str, Any]] | None:
    """The conditions with the failure in them; None when they say it already."""
    present = condition_of(pod, "PodScheduled")
    said = {"status": "False", "reason": "Unschedulable", "message": message}
    if present is not None and said.items() <= present.items():
        return None
    since = rfc3339(now)
    if present is not None and present.get("status") == "False":
        since = present.get("lastTransitionTime") or since
    condition = {
        "type": "PodScheduled",
        "lastProbeTime": None,
        "lastTransitionTime": since,
        "observedGeneration": pod["metadata"].get("generation", 1),
        **said,
    }
    conditions = get_in(pod, "status", "conditions", default=[])
    others = [entry for entry in conditions if entry.get("type") != "PodScheduled"]
    return [*others, condition]


def evicted(
    victim: PodInfo, preemptor: Manifest, node: str, snapshot: Snapshot, now: Instant
) -> tuple[Command, ...]:
    """The victim makes room."""
    pod = snapshot.get(victim.key)
    if pod is None or uid_of(pod) != victim.uid:
        return ()
    conditions = get_in(pod, "status", "conditions", default=[])
    condition = {
        "type": "DisruptionTarget",
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": "PreemptionByScheduler",
        "message": PREEMPTING,
    }
    others = [entry for entry in conditions if entry.get("type") != "DisruptionTarget"]
    status = {"status": {"conditions": [*others, condition]}}
    text = f"Preempted by pod {uid_of(preemptor)} on node {node}"
    return (
        Patch(victim.key, status, "status", victim.uid),
        Delete(victim.key, uid=victim.uid),
        Record(pod, "Normal", "Preempted", text, after_success=True),
    )
