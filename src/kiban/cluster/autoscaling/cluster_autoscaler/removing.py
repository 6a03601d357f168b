"""Takes nodes away: taint, wait, evict what must move, wait until it is gone, end the machine.

A pod that may not be evicted is tried again for two minutes; then the node is given back. Source:
core/scaledown/actuation/{actuator,drain,delete_in_batch}.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.cluster_autoscaler.registry import Registry, has_taint
from kiban.cluster.autoscaling.cluster_autoscaler.settings import TO_BE_DELETED, ScaleDown
from kiban.cluster.autoscaling.cluster_autoscaler.unneeded import Unneeded
from kiban.cluster.autoscaling.provider import ProviderRefusal
from kiban.cluster.controllers.writing import change, event, warning
from kiban.kube.objects import NODE, Key, Manifest, get_in, is_deleting, uid_of
from kiban.primitives.instants import MICROSECONDS, Instant, later, seconds_between
from kiban.reconcile.commands import Command, Evict
from kiban.reconcile.controller import NOTHING, Outcome, Snapshot


@dataclass(slots=True)
class Removal:
    """A node on its way out."""

    node: str
    group: str
    provider_id: str
    pods: tuple[tuple[Key, str], ...]
    started: Instant
    next_try: Instant
    gone_by: Instant | None = None


def removal_key(node: str) -> Key:
    return Key("", "NodeRemoval", "", node)


@dataclass(slots=True)
class Remover:
    """All removals under way."""

    registry: Registry
    removals: dict[str, Removal] = field(default_factory=dict)
    last_failure: Instant | None = None
    last_deletion: Instant | None = None

    @property
    def settings(self) -> ScaleDown:
        return self.registry.settings.scale_down

    def room(self, unneeded: Sequence[Unneeded]) -> list[Unneeded]:
        """Of those that could go, the ones that may now: so many at once, so many with pods."""
        total = len(self.removals)
        draining = sum(bool(removal.pods) for removal in self.removals.values())
        found = []
        for entry in unneeded:
            if total >= self.settings.parallelism:
                break
            if entry.pods:
                if draining >= self.settings.drain_parallelism:
                    continue
                draining += 1
            total += 1
            found.append(entry)
        return found

    def by_group(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for removal in self.removals.values():
            counts[removal.group] = counts.get(removal.group, 0) + 1
        return counts

    def begin(
        self, entry: Unneeded, status: Manifest, snapshot: Snapshot, now: Instant
    ) -> list[Command]:
        """Taint the node; what follows comes with `reconcile`."""
        node = snapshot.get(Key(*NODE, "", entry.node))
        if node is None:
            return []
        pods = tuple((pod.key, pod.uid) for pod in entry.pods)
        self.removals[entry.node] = Removal(
            entry.node,
            self.registry.group_of_node[entry.node],
            get_in(node, "spec", "providerID", default=""),
            pods,
            now,
            later(now, self.settings.taint_delay),
        )
        taint = {
            "key": TO_BE_DELETED,
            "value": str(now // MICROSECONDS),
            "effect": "NoSchedule",
        }
        taints = [*get_in(node, "spec", "taints", default=[]), taint]
        if pods:
            names = ",".join(key.name for key, _ in pods)
            text = f"Scale-down: removing node {entry.node}, pods to reschedule: {names}"
            told = event(status, "ScaleDown", text)
        else:
            told = event(status, "ScaleDownEmpty", f"Scale-down: removing empty node {entry.node}")
        marked = "marked the node as toBeDeleted/unschedulable"
        return [
            told,
            change(node, {"spec": {"taints": taints}}),
            event(node, "ScaleDown", marked, after_success=True),
        ]

    def reconcile(self, name: str, snapshot: Snapshot, now: Instant) -> Outcome:
        """Take a removal a step further."""
        removal = self.removals.get(name)
        node = snapshot.get(Key(*NODE, "", name))
        if removal is None:
            return NOTHING
        if node is None:
            del self.removals[name]
            return NOTHING
        left = [pod for pod in (_live(pod, snapshot) for pod in removal.pods) if pod is not None]
        if now < removal.next_try and (left or seconds_between(removal.started, now) < 5):
            return Outcome(wake_after=seconds_between(now, removal.next_try))
        if not left:
            return self._end(removal, node, now)
        return self._drain(removal, node, left, now)

    def _drain(
        self, removal: Removal, node: Manifest, left: Sequence[Manifest], now: Instant
    ) -> Outcome:
        settings = self.settings
        staying = [pod for pod in left if not is_deleting(pod)]
        evicting_since = later(removal.started, settings.taint_delay)
        if staying and seconds_between(evicting_since, now) > settings.eviction_time:
            return self._give_up(removal, node, staying, now)
        if removal.gone_by is not None and now >= removal.gone_by and not staying:
            return self._give_up(removal, node, left, now)
        commands: list[Command] = []
        for pod in staying:
            grace = min(_grace(pod), settings.max_grace)
            commands.append(Evict(_key(pod), int(grace)))
            text = "deleting pod for node scale down"
            commands.append(event(pod, "ScaleDown", text, after_success=True))
            gone_by = later(now, grace + settings.eviction_headroom)
            removal.gone_by = max(removal.gone_by or gone_by, gone_by)
        if staying:
            removal.next_try = later(now, settings.eviction_retry)
            return Outcome(tuple(commands), settings.eviction_retry)
        due = removal.gone_by or later(now, settings.eviction_headroom)
        removal.next_try = now
        return Outcome(tuple(commands), max(seconds_between(now, due), 0.001))

    def _end(self, removal: Removal, node: Manifest, now: Instant) -> Outcome:
        try:
            self.registry.provider.delete(removal.group, [removal.provider_id], now)
        except ProviderRefusal:
            return self._give_up(removal, node, (), now)
        del self.removals[removal.node]
        self.last_deletion = now
        return Outcome((event(node, "ScaleDown", "node removed by cluster autoscaler"),))

    def _give_up(
        self, removal: Removal, node: Manifest, pods: Sequence[Manifest], now: Instant
    ) -> Outcome:
        del self.removals[removal.node]
        self.last_failure = now
        verb = "drain the node, aborting ScaleDown" if pods else "delete empty node"
        return Outcome(
            (
                *(
                    warning(pod, "ScaleDownFailed", "failed to delete pod for ScaleDown")
                    for pod in pods
                ),
                without_taint(node, TO_BE_DELETED),
                warning(node, "ScaleDownFailed", f"failed to {verb}"),
            )
        )


def without_taint(node: Manifest, key: str) -> Command:
    """The command that takes a taint off a node."""
    assert has_taint(node, key), f"{node['metadata']['name']} has no taint {key}"
    taints = [taint for taint in get_in(node, "spec", "taints", default=[]) if taint["key"] != key]
    return change(node, {"spec": {"taints": taints or None}})


def _live(pod: tuple[Key, str], snapshot: Snapshot) -> Manifest | None:
    found = snapshot.get(pod[0])
    if found is None or uid_of(found) != pod[1]:
        return None
    return None if get_in(found, "status", "phase") in ("Succeeded", "Failed") else found


def _key(pod: Manifest) -> Key:
    return Key("", "Pod", pod["metadata"].get("namespace", ""), pod["metadata"]["name"])


def _grace(pod: Manifest) -> float:
    return float(get_in(pod, "spec", "terminationGracePeriodSeconds", default=30))
