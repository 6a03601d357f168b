"""Removes pods that nobody else would: on nodes that are gone, without a node while terminating,
on nodes out of service, and finished ones beyond a number.

It looks every 20 s, at suspects only: nodes that went away and pods that are terminating or
finished are noted as changes are seen. Source: pkg/controller/podgc/gc_controller.go.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.controllers.conditions import Claim, condition_from, with_condition
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.pod_state import state_of
from kiban.cluster.controllers.pods import created_at, is_terminal
from kiban.kube.objects import (
    NODE,
    POD,
    Key,
    Manifest,
    get_in,
    is_deleting,
    is_true,
    key_of,
    uid_of,
)
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.reconcile.commands import Command, Delete, Patch
from kiban.reconcile.controller import Change, Only, Outcome, Snapshot, Watched

PERIOD_SECONDS = 20.0
# A node that is missing may only be late in the cache.
QUARANTINE_SECONDS = 40.0
# --terminated-pod-gc-threshold.
FINISHED_LIMIT = 12_500
OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"
ROUND = Key("", "PodGarbageCollection", "", "pods")


class PodGarbageCollector:
    """The controller of pods that were left behind."""

    name = "pod-garbage-collector-controller"
    watches: Watched = frozenset({NODE, Only(POD, is_more_than_waiting)})

    def __init__(self) -> None:
        self._began: Instant | None = None
        self._is_planned = False
        self._last_round = -1
        self._lost_nodes: dict[str, Instant | None] = {}
        self._terminating: dict[Key, None] = {}
        self._finished: dict[Key, None] = {}

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == NODE:
            if change.after is None:
                self._lost_nodes.setdefault(change.key.name, None)
            else:
                self._lost_nodes.pop(change.key.name, None)
        else:
            self._note(change, snapshot)
        if not self._is_planned and (self._began is None or self._has_suspects()):
            return [ROUND]
        return ()

    def _note(self, change: Change, snapshot: Snapshot) -> None:
        key, pod = change.key, change.after
        self._terminating.pop(key, None)
        self._finished.pop(key, None)
        if pod is None:
            return
        state = state_of(pod)
        if state.is_deleting:
            self._terminating[key] = None
        if state.is_terminal:
            self._finished[key] = None
        if state.node and snapshot.get(Key(*NODE, "", state.node)) is None:
            self._lost_nodes.setdefault(state.node, None)

    def _has_suspects(self) -> bool:
        return bool(self._lost_nodes or self._terminating) or len(self._finished) > FINISHED_LIMIT

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        if self._began is None:
            self._began = now
        passed = seconds_between(self._began, now)
        rounds = int(passed / PERIOD_SECONDS + 1e-9)
        left = (rounds + 1) * PERIOD_SECONDS - passed
        # Pods that come back at once are a matter for the next round.
        if passed - rounds * PERIOD_SECONDS > 1e-6 or rounds == self._last_round:
            return self._next_round((), left)
        self._last_round = rounds
        commands = [
            *self._excess(snapshot),
            *self._orphans(snapshot, now),
            *self._stuck(snapshot, now),
        ]
        return self._next_round(tuple(commands), left)

    def _next_round(self, commands: tuple[Command, ...], seconds: float) -> Outcome:
        self._is_planned = self._has_suspects()
        return Outcome(commands, seconds if self._is_planned else None)

    def _excess(self, snapshot: Snapshot) -> list[Command]:
        """The oldest finished pods, beyond what is kept."""
        count = len(self._finished) - FINISHED_LIMIT
        if count <= 0:
            return []
        pods = [pod for key in sorted(self._finished) if (pod := snapshot.get(key)) is not None]
        pods.sort(key=lambda pod: (created_at(pod), key_of(pod)))
        return [_deleted(pod) for pod in pods[:count] if not is_deleting(pod)]

    def _orphans(self, snapshot: Snapshot, now: Instant) -> list[Command]:
        """Pods on nodes that have been gone for long enough."""
        commands: list[Command] = []
        for node in sorted(self._lost_nodes):
            pods = snapshot.on_node(node)
            if not pods or snapshot.get(Key(*NODE, "", node)) is not None:
                del self._lost_nodes[node]
                continue
            since = self._lost_nodes[node]
            if since is None:
                self._lost_nodes[node] = now
            elif now >= later(since, QUARANTINE_SECONDS):
                for pod in pods:
                    commands += _failed(pod, "PodGC: node no longer exists", now)
        return commands

    def _stuck(self, snapshot: Snapshot, now: Instant) -> list[Command]:
        """Terminating pods that no kubelet will end."""
        commands: list[Command] = []
        for key in sorted(self._terminating):
            pod = snapshot.get(key)
            if pod is None:
                continue
            name = get_in(pod, "spec", "nodeName", default="")
            if not name:
                commands.append(_deleted(pod))
                continue
            node = snapshot.get(Key(*NODE, "", name))
            if node is not None and not is_true(node, "Ready") and _is_out_of_service(node):
                commands += _failed(pod, "PodGC: node is out of service", now)
        return commands


def _is_out_of_service(node: Manifest) -> bool:
    return any(taint["key"] == OUT_OF_SERVICE for taint in node["spec"].get("taints") or ())


def _failed(pod: Manifest, why: str, now: Instant) -> Sequence[Command]:
    """The pod ends as failed, then it is removed."""
    if is_terminal(pod):
        return (_deleted(pod),)
    claim = Claim("DisruptionTarget", "True", "DeletionByPodGC", why)
    condition = condition_from(claim, now, ["lastTransitionTime"])
    conditions = with_condition(get_in(pod, "status", "conditions", default=[]), condition)
    status = {"status": {"phase": "Failed", "conditions": conditions}}
    return Patch(key_of(pod), status, "status", uid_of(pod)), _deleted(pod)


def _deleted(pod: Manifest) -> Delete:
    return Delete(key_of(pod), uid=uid_of(pod), grace_seconds=0)
