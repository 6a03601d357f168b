"""Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer.

Source: pkg/controller/tainteviction/taint_eviction.go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.conditions import Claim, condition_from, with_condition
from kiban.cluster.controllers.writing import event
from kiban.cluster.scheduler.taints import tolerates
from kiban.kube.objects import NODE, POD, Key, Manifest, get_in, is_deleting, key_of, uid_of
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.reconcile.commands import Command, Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

Taint = dict[str, Any]

REASON = "TaintManagerEviction"
FOREVER = -1.0


@dataclass(frozen=True, slots=True)
class _Pending:
    """A pod that is to go: since when it has to, and when it does."""

    since: Instant
    at: Instant


class TaintEvictionController:
    """The controller of pods on tainted nodes."""

    name = "taint-eviction-controller"
    watches = frozenset({NODE, POD})

    def __init__(self) -> None:
        self._pending: dict[str, _Pending] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == NODE:
            if _driving(change.before) == _driving(change.after):
                return ()
            return [key_of(pod) for pod in snapshot.on_node(change.key.name)]
        if change.after is None:
            self._pending.pop(uid_of(change.object), None)
            return ()
        if _said(change.before) == _said(change.after):
            return ()
        node = snapshot.get(Key(*NODE, "", change.after["spec"].get("nodeName", "")))
        return [change.key] if _driving(node) else ()

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        pod = snapshot.get(key)
        if pod is None or is_deleting(pod) or not pod["spec"].get("nodeName"):
            return NOTHING
        uid = uid_of(pod)
        taints = _driving(snapshot.get(Key(*NODE, "", pod["spec"]["nodeName"])))
        patience = _patience(pod, taints)
        if patience == FOREVER:
            cancelled = self._pending.pop(uid, None) is not None
            return Outcome((_cancelled(pod),)) if cancelled else NOTHING
        pending = self._pending.get(uid)
        since = pending.since if pending is not None else now
        at = later(since, patience)
        if pending is not None and pending.at < at:
            at = pending.at
        if at <= now:
            self._pending.pop(uid, None)
            return Outcome(_evicted(pod, now))
        self._pending[uid] = _Pending(since, at)
        return Outcome(wake_after=seconds_between(now, at))


def _driving(node: Manifest | None) -> list[Taint]:
    """The taints that drive pods away, whenever they came."""
    taints = get_in(node, "spec", "taints", default=[])
    return [
        {name: value for name, value in taint.items() if name != "timeAdded"}
        for taint in taints
        if taint["effect"] == "NoExecute"
    ]


def _said(pod: Manifest | None) -> object:
    return (pod["spec"].get("nodeName"), pod["spec"].get("tolerations")) if pod else None


def _patience(pod: Manifest, taints: Sequence[Taint]) -> float:
    """Seconds for which the pod bears all of the taints."""
    shortest = FOREVER
    for taint in taints:
        bearing = [
            toleration
            for toleration in pod["spec"].get("tolerations") or ()
            if tolerates(toleration, taint)
        ]
        if not bearing:
            return 0.0
        for seconds in (toleration.get("tolerationSeconds") for toleration in bearing):
            if seconds is not None:
                limit = float(max(seconds, 0))
                shortest = limit if shortest == FOREVER else min(shortest, limit)
    return shortest


def _name(pod: Manifest) -> str:
    return f"{pod['metadata'].get('namespace', '')}/{pod['metadata']['name']}"


def _cancelled(pod: Manifest) -> Command:
    return event(pod, REASON, f"Cancelling deletion of Pod {_name(pod)}")


def _evicted(pod: Manifest, now: Instant) -> tuple[Command, ...]:
    text = "Taint manager: deleting due to NoExecute taint"
    claim = Claim("DisruptionTarget", "True", "DeletionByTaintManager", text)
    condition = condition_from(claim, now, ["lastTransitionTime"])
    conditions = with_condition(get_in(pod, "status", "conditions", default=[]), condition)
    return (
        event(pod, REASON, f"Marking for deletion Pod {_name(pod)}"),
        Patch(key_of(pod), {"status": {"conditions": conditions}}, "status", uid_of(pod)),
        Delete(key_of(pod), uid=uid_of(pod)),
    )
