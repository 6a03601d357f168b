"""Empties a node as `kubectl drain` does: cordon, evict what is no daemon, retry what a budget
refuses, wait until all are gone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kiban.cluster.api.failures import Failure
from kiban.kube.objects import (
    NODE,
    Key,
    Manifest,
    annotations_of,
    controller_of,
    get_in,
    is_deleting,
    key_of,
    uid_of,
)
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.settings import Times
from kiban.rehearsal.world import World

# Called with the pods that are left: none when the node is empty.
Ended = Callable[[Sequence[str], Instant], None]
TOO_MANY_REQUESTS = 429
EXCLUDED = "node.kubernetes.io/exclude-from-external-load-balancers"


def cordon(world: World, node: str, now: Instant, *, excludes: bool = False) -> None:
    """Keep new pods off a node; `excludes` also takes it out of load balancers."""
    key = Key(*NODE, "", node)
    if world.api.get(key) is None:
        return
    patch: Manifest = {"spec": {"unschedulable": True}}
    if excludes:
        patch["metadata"] = {"labels": {EXCLUDED: "true"}}
    world.api.patch(key, patch, now)


def uncordon(world: World, node: str, now: Instant) -> None:
    key = Key(*NODE, "", node)
    if world.api.get(key) is not None:
        labels = {"labels": {EXCLUDED: None}}
        world.api.patch(key, {"spec": {"unschedulable": None}, "metadata": labels}, now)


@dataclass(slots=True)
class Drain:
    """One node being emptied. Ends with what is left: when nothing is, or at the deadline."""

    world: World
    node: str
    times: Times
    ended: Ended
    deadline: Instant | None = None
    _asked: dict[str, Instant] = field(default_factory=dict)
    _is_over: bool = False

    def begin(self, now: Instant) -> None:
        cordon(self.world, self.node, now)
        self._look(now)

    def _look(self, now: Instant) -> None:
        if self._is_over:
            return
        left = leaving_pods(self.world, self.node)
        if not left or (self.deadline is not None and now >= self.deadline):
            self._is_over = True
            self.ended([pod["metadata"]["name"] for pod in left], now)
            return
        for pod in left:
            at = self._asked.get(uid_of(pod))
            is_due = at is None or now >= later(at, self.times.drain_retry)
            if is_due and not is_deleting(pod):
                self._asked[uid_of(pod)] = now
                self._evict(pod, now)
        self.world.at(later(now, self.times.drain_poll), self._look)

    def _evict(self, pod: Manifest, now: Instant) -> None:
        try:
            self.world.api.evict(key_of(pod), now)
        except Failure as failure:
            if failure.code == TOO_MANY_REQUESTS:
                self.world.observations.note(
                    now, "eviction.refused", node=self.node, name=pod["metadata"]["name"]
                )
            elif failure.code not in (404, 500):
                raise


def leaving_pods(world: World, node: str) -> list[Manifest]:
    """The pods that a drain makes leave."""
    return [pod for pod in world.cluster.store.on_node(node) if _leaves(pod)]


def _leaves(pod: Manifest) -> bool:
    if "kubernetes.io/config.mirror" in annotations_of(pod):
        return False
    if get_in(pod, "status", "phase") in ("Succeeded", "Failed"):
        return False
    owner = controller_of(pod)
    return owner is None or owner["kind"] != "DaemonSet"
