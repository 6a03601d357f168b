"""The cluster as an autoscaler sees it: nodes, pods on them, and pods that find no place.

Changes are noted by key, cheaply, and taken in all at once before a decision, so that a pod that
changed ten times since the last look costs one look.
"""

from enum import IntEnum
from typing import Any

from kiban.cluster.autoscaling.simulation import Fitting, Trial
from kiban.cluster.scheduler.happenings import node_happenings
from kiban.cluster.scheduler.node_info import PodInfo, pod_info
from kiban.kube.objects import (
    DAEMON_SET,
    NAMESPACE,
    NODE,
    POD,
    POD_DISRUPTION_BUDGET,
    Key,
    Manifest,
    condition_of,
    get_in,
    is_deleting,
    is_true,
    key_of,
    labels_of,
)
from kiban.reconcile.controller import Change, Snapshot

WATCHED = frozenset({POD, NODE, NAMESPACE, DAEMON_SET, POD_DISRUPTION_BUDGET})


class Relevance(IntEnum):
    """What a change is to an autoscaler."""

    NONE = 0
    SOON = 1
    AT_ONCE = 2


class Picture:
    """Kept from one decision to the next. `pending` are the pods that the scheduler gave up on, as
    it reads them."""

    def __init__(self) -> None:
        self.trial = Trial()
        self.fitting = Fitting(self.trial)
        self.pending: dict[Key, PodInfo] = {}
        self.touched: dict[str, None] = {}
        self._dirty: dict[Key, None] = {}
        self._is_new = True

    def observe(self, change: Change) -> Relevance:
        """Note a change, and say how much it matters."""
        relevance = _relevance(change)
        if relevance:
            self._dirty[change.key] = None
        elif change.key in self.pending:
            self._read_again(change)
        return relevance

    def _read_again(self, change: Change) -> None:
        """A pod that goes on waiting may ask for something else."""
        before, after = change.before, change.after
        assert before is not None and after is not None, "its coming and going is relevant"
        if before["spec"] is not after["spec"] or labels_of(before) is not labels_of(after):
            self.pending[change.key] = pod_info(after)

    def waiting(self) -> list[PodInfo]:
        """The pods that wait, in the order in which they are helped."""
        return sorted(self.pending.values(), key=lambda pod: (-pod.priority, pod.key))

    @property
    def is_stale(self) -> bool:
        """Whether something has changed since it was last brought up to date."""
        return bool(self._dirty)

    def settle(self, snapshot: Snapshot) -> None:
        """Take in what has changed. `touched` names the nodes that differ since it was cleared."""
        self.fitting.snapshot = snapshot
        if self._is_new:
            self._is_new = False
            for kind in (NAMESPACE, NODE, POD):
                for manifest in snapshot.list(kind):
                    self._dirty[key_of(manifest)] = None
        dirty, self._dirty = self._dirty, {}
        for key in dirty:
            if key.group_kind == POD:
                self._take_pod(key, snapshot.get(key))
            elif key.group_kind == NODE:
                self._take_node(key, snapshot.get(key))
            elif key.group_kind == NAMESPACE:
                namespace = snapshot.get(key)
                self.trial.namespace_labels[key.name] = labels_of(namespace) if namespace else {}
                self.trial.renew()

    def _take_node(self, key: Key, node: Manifest | None) -> None:
        self.touched[key.name] = None
        if node is None:
            self.trial.drop_node(key.name)
        else:
            self.trial.put_node(node)

    def _take_pod(self, key: Key, pod: Manifest | None) -> None:
        self.pending.pop(key, None)
        before = self.trial.place_of(key)
        if before is not None:
            self.touched[before] = None
        if pod is None or get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
            self.trial.drop_pod(key)
            return
        node = pod["spec"].get("nodeName")
        if node:
            self.touched[node] = None
            self.trial.put_pod(pod_info(pod), node)
        elif is_unschedulable(pod):
            self.pending[key] = pod_info(pod)


def is_unschedulable(pod: Manifest) -> bool:
    """Whether the scheduler looked for a node for the pod and found none."""
    condition = condition_of(pod, "PodScheduled")
    return (
        condition is not None
        and condition.get("status") == "False"
        and condition.get("reason") == "Unschedulable"
        and not is_deleting(pod)
        and not pod["spec"].get("nodeName")
    )


def _relevance(change: Change) -> Relevance:
    kind = change.key.group_kind
    if kind == POD:
        return _pod_relevance(change.before, change.after)
    before, after = change.before, change.after
    if before is None or after is None:
        return Relevance.SOON
    if kind == NODE:
        differs = bool(node_happenings(before, after)) or is_true(before, "Ready") != is_true(
            after, "Ready"
        )
    elif kind == POD_DISRUPTION_BUDGET:
        differs = _budget(before) != _budget(after)
    elif kind == NAMESPACE:
        differs = labels_of(before) != labels_of(after)
    else:
        differs = before["spec"] != after["spec"]
    return Relevance.SOON if differs else Relevance.NONE


def _pod_relevance(before: Manifest | None, after: Manifest | None) -> Relevance:
    if after is None:
        return Relevance.SOON
    if not after["spec"].get("nodeName"):
        was_waiting = before is not None and is_unschedulable(before)
        if is_unschedulable(after):
            return Relevance.NONE if was_waiting else Relevance.AT_ONCE
        return Relevance.SOON if was_waiting else Relevance.NONE
    if before is None:
        return Relevance.SOON
    same = (
        (before["spec"] is after["spec"] or before["spec"] == after["spec"])
        and _phase(before) == _phase(after)
        and is_deleting(before) == is_deleting(after)
        and labels_of(before) == labels_of(after)
    )
    return Relevance.NONE if same else Relevance.SOON


def _phase(pod: Manifest) -> bool:
    return get_in(pod, "status", "phase") in ("Succeeded", "Failed")


def _budget(budget: Manifest) -> Any:
    return get_in(budget, "status", "disruptionsAllowed"), budget["spec"]
