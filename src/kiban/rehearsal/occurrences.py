"""What people would notice of a cluster's writes: sizes, rollouts, nodes, refused placements."""

from typing import Any

from kiban.cluster.history import Write
from kiban.kube.objects import DEPLOYMENT, NODE, Manifest, get_in, is_true
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Record
from kiban.rehearsal.naming import service_of
from kiban.rehearsal.observations import Observations

# Events that say what other records say already.
_SAID_ELSEWHERE = frozenset(
    {
        "Scheduled", "SuccessfulCreate", "SuccessfulDelete", "ScalingReplicaSet", "Killing",
        "Pulled", "Created", "Started", "RegisteredNode", "RemovingNode", "SuccessfulRescale",
    }
)  # fmt: skip
# As many different events are remembered, so that one that repeats is noted once.
REMEMBERED_LIMIT = 4096


class Occurrences:
    """Reads writes and events, and notes what matters."""

    def __init__(self, observations: Observations) -> None:
        self._observations = observations
        self._told: dict[tuple[str, ...], None] = {}

    def see(self, write: Write, now: Instant) -> None:
        kind = write.key.group_kind
        before = write.before.object if write.before else None
        after = write.after.object if write.after else None
        if kind == DEPLOYMENT:
            self._deployment(before, after, now)
        elif kind == NODE:
            self._node(before, after, now)

    def hear(self, source: str, record: Record, now: Instant) -> None:
        """Note an event of a controller, the first time it is said of an object."""
        if record.reason in _SAID_ELSEWHERE:
            return
        metadata = record.about["metadata"]
        identity = (source, metadata.get("uid", ""), record.reason, record.message)
        if identity in self._told:
            return
        self._told[identity] = None
        if len(self._told) > REMEMBERED_LIMIT:
            del self._told[next(iter(self._told))]
        self._observations.note(
            now, "event", kind=record.about["kind"], name=metadata["name"],
            service=service_of(record.about), type=record.type, reason=record.reason,
            message=record.message,
        )  # fmt: skip

    def _deployment(self, before: Manifest | None, after: Manifest | None, now: Instant) -> None:
        if after is None or before is None:
            return
        name, service = after["metadata"]["name"], service_of(after)
        if before["spec"] is not after["spec"]:
            self._deployment_asked(name, service, before["spec"], after["spec"], now)
        was, is_ = _progress(before), _progress(after)
        if was != is_:
            if is_ == "NewReplicaSetAvailable":
                self._note(now, "deploy.done", name, service)
            elif is_ == "ProgressDeadlineExceeded":
                self._note(now, "deploy.stuck", name, service)

    def _deployment_asked(
        self, name: str, service: str, before: Manifest, after: Manifest, now: Instant
    ) -> None:
        """Another size, another template."""
        was, is_ = before.get("replicas"), after.get("replicas")
        if was != is_:
            self._note(now, "scaled", name, service, before=was, after=is_)
        if before.get("template") != after.get("template"):
            images = [c["image"] for c in after["template"]["spec"]["containers"]]
            self._note(now, "deploy.began", name, service, images=images)

    def _node(self, before: Manifest | None, after: Manifest | None, now: Instant) -> None:
        manifest = after if after is not None else before
        assert manifest is not None, "a write has a state before or after"
        name = manifest["metadata"]["name"]
        if before is None:
            self._observations.note(now, "node.added", node=name)
        elif after is None:
            self._observations.note(now, "node.gone", node=name)
        if after is not None:
            was = before is not None and is_true(before, "Ready")
            if is_true(after, "Ready") != was:
                word = "node.ready" if not was else "node.unready"
                self._observations.note(now, word, node=name)

    def _note(self, now: Instant, what: str, name: str, service: str, **fields: Any) -> None:
        self._observations.note(now, what, name=name, service=service, **fields)


def _progress(deployment: Manifest) -> str:
    for entry in get_in(deployment, "status", "conditions", default=[]):
        if entry["type"] == "Progressing":
            reason: str = entry.get("reason", "")
            return reason
    return ""
