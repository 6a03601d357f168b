"""Deletes pods from nodes whose NoExecute taints they do not tolerate, or no longer.

Source: pkg/controller/tainteviction/taint_eviction.go.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from kiban.cluster.controllers.conditions import Claim, condition_from, with_condition
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.writing import event
from kiban.cluster.scheduler.taints import tolerates
from kiban.kube.objects import NODE, POD, Key, Manifest, get_in, is_deleting, key_of, uid_of
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.reconcile.commands import Command, Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

Taint = dict[str, Any]

REASON = "TaintManagerEviction"
FOREVER = -1.0


class TaintEvictionController:
    """The controller of pods on tainted nodes."""

    name = "taint-eviction-controller"
    watches: Watched = frozenset({NODE, Only(POD, is_more_than_waiting)})

    def __init__(self) -> None:
        # When pods go, by uid.
        self._pending: dict[str, Instant] = {}

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
        if patience is None or patience == FOREVER:
            cancelled = (_cancelled(pod),) if self._pending.pop(uid, None) is not None else ()
            return Outcome(cancelled if patience else (*cancelled, *_evicted(pod, now)))
        # A time once set stands, whatever other taint comes that is borne for a while.
        at = self._pending.setdefault(uid, later(now, patience))
        if at <= now:
            del self._pending[uid]
            return Outcome(_evicted(pod, now))
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


def _patience(pod: Manifest, taints: Sequence[Taint]) -> float | None:
    """Seconds for which the pod bears all of the taints; None when it does not bear one."""
    shortest = FOREVER
    for taint in taints:
        bearing = [
            toleration
            for toleration in pod["spec"].get("tolerations") or ()
            if tolerates(toleration, taint)
        ]
        if not bearing:
            return None
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
