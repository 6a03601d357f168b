"""Which group grows for the pods that wait, and by how much; or why none can.

Source: core/scaleup/orchestrator/orchestrator.go.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.cluster_autoscaler.estimating import (
    Option,
    Waiting,
    alike,
    estimate,
)
from kiban.cluster.autoscaling.cluster_autoscaler.expanders import Choice, choose
from kiban.cluster.autoscaling.cluster_autoscaler.registry import Registry
from kiban.cluster.autoscaling.provider import Group, ProviderRefusal
from kiban.cluster.autoscaling.simulation import Fitting
from kiban.cluster.autoscaling.templates import put_template
from kiban.cluster.scheduler.node_info import PodInfo
from kiban.cluster.scheduler.requests import amounts
from kiban.kube.objects import get_in
from kiban.primitives.instants import Instant
from kiban.reconcile.controller import Snapshot

GIB = 1024**3


@dataclass(slots=True)
class ScaleUp:
    """What was done: the groups that grow (from, to), the pods this helps, and for the others the
    reasons by group."""

    grown: list[tuple[Group, int, int]] = field(default_factory=list)
    helped: list[PodInfo] = field(default_factory=list)
    reasons: dict[tuple[object, ...], list[str]] = field(default_factory=dict)
    failure: str = ""


@dataclass(slots=True)
class Orchestrator:
    """Decides about scale-ups on the registry and trial it is given."""

    registry: Registry
    fitting: Fitting

    def scale_up(
        self,
        pods: Sequence[Waiting],
        snapshot: Snapshot,
        priorities: Mapping[int, Sequence[str]],
        now: Instant,
    ) -> ScaleUp:
        """Grow the best group, if any helps."""
        done = ScaleUp()
        kinds = alike(pods)
        options = self._options(pods, kinds, snapshot, now, done)
        settings = self.registry.settings
        choice = Choice(len(self.fitting.trial.index), priorities)
        best = choose(options, settings.expanders, choice, snapshot.chance)
        if best is None:
            return done
        self._grow(best, done, now)
        if not done.failure:
            done.helped = list(best.pods)
        return done

    def _options(
        self,
        pods: Sequence[Waiting],
        kinds: Sequence[Sequence[PodInfo]],
        snapshot: Snapshot,
        now: Instant,
        done: ScaleUp,
    ) -> list[Option]:
        found = []
        names = [pod.kind for pod in _firsts(pods)]
        for group in self.registry.groups.values():
            room, reason = self.room(group, now)
            if room <= 0:
                for name in names:
                    done.reasons.setdefault(name, []).append(reason)
                continue
            helped = self._helped(group, kinds, names, snapshot, done)
            if not helped:
                continue
            option = estimate(group, helped, self.fitting, snapshot, room)
            if option.count and option.pods:
                found.append(option)
        return found

    def _helped(
        self,
        group: Group,
        kinds: Sequence[Sequence[PodInfo]],
        names: Sequence[tuple[object, ...]],
        snapshot: Snapshot,
        done: ScaleUp,
    ) -> list[Sequence[PodInfo]]:
        """The kinds of pods of which one would fit on an empty machine of the group."""
        trial = self.fitting.trial
        found = []
        trial.fork()
        node = put_template(trial, group.template, f"template-{group.name}", snapshot)
        for pods, name in zip(kinds, names, strict=True):
            rejection = self.fitting.rejection(pods[0], node)
            if rejection is None:
                found.append(pods)
            else:
                done.reasons.setdefault(name, []).extend(rejection.reasons)
        trial.revert()
        return found

    def room(self, group: Group, now: Instant) -> tuple[int, str]:
        """How many machines a group may get now; the reason when it is none."""
        registry, limits = self.registry, self.registry.settings.limits
        if not registry.is_group_healthy(group.name):
            return 0, "unhealthy node group"
        if registry.backoff.until(group.name, now) is not None:
            return 0, "in backoff after failed scale-up"
        if group.target >= group.max:
            return 0, "max node group size reached"
        room = min(group.max - group.target, registry.settings.max_nodes_per_scale_up)
        total = sum(entry.target for entry in registry.groups.values())
        if limits.max_nodes is not None:
            room = min(room, limits.max_nodes - total)
        for most, name, unit in (
            (limits.max_cores, "cpu", 1000),
            (limits.max_memory_gib, "memory", GIB),
        ):
            if most is not None:
                used = sum(_size(entry, name) * entry.target for entry in registry.groups.values())
                own = _size(group, name)
                room = min(room, (most * unit - used) // own if own else room)
        return (room, "") if room > 0 else (0, "max cluster cpu, memory or node limit reached")

    def _grow(self, option: Option, done: ScaleUp, now: Instant) -> None:
        for group, count in self._shares(option, now):
            try:
                self.registry.provider.increase(group.name, count, now)
            except ProviderRefusal as refusal:
                self.registry.backoff.failed(group.name, now)
                done.failure = f"failed to increase node group size: {refusal}"
                return
            self.registry.requested(group.name, count, now)
            done.grown.append((group, group.target, group.target + count))

    def _shares(self, option: Option, now: Instant) -> list[tuple[Group, int]]:
        """The groups that grow: the one chosen, or those like it, the smallest first."""
        if not self.registry.settings.balances_similar_groups:
            return [(option.group, option.count)]
        groups = [
            group
            for group in self.registry.groups.values()
            if group.name == option.group.name
            or (is_similar(group, option.group) and self.room(group, now)[0] > 0)
        ]
        sizes = {group.name: group.target for group in groups}
        for _ in range(option.count):
            open_ = [group for group in groups if sizes[group.name] < group.max]
            if not open_:
                break
            smallest = min(open_, key=lambda group: (sizes[group.name], group.name))
            sizes[smallest.name] += 1
        grown = [(group, sizes[group.name] - group.target) for group in groups]
        return [(group, more) for group, more in grown if more]


# Labels by which groups that are otherwise alike differ.
_OWN_LABELS = frozenset(
    {
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
        "topology.kubernetes.io/region",
        "eks.amazonaws.com/nodegroup",
        "eks.amazonaws.com/nodegroup-image",
        "topology.ebs.csi.aws.com/zone",
    }
)


def is_similar(one: Group, other: Group) -> bool:
    """Whether machines of two groups differ only in where they are
    (processors/nodegroupset/compare_nodegroups.go; memory within 1.5 %)."""
    if _labels(one) != _labels(other) or _size(one, "cpu") != _size(other, "cpu"):
        return False
    larger = max(_size(one, "memory"), _size(other, "memory"))
    return abs(_size(one, "memory") - _size(other, "memory")) <= 0.015 * larger


def _labels(group: Group) -> dict[str, str]:
    labels = get_in(group.template, "metadata", "labels", default={})
    return {name: value for name, value in labels.items() if name not in _OWN_LABELS}


def _size(group: Group, name: str) -> int:
    return amounts(get_in(group.template, "status", "capacity", default={})).get(name, 0)


def _firsts(pods: Sequence[Waiting]) -> list[Waiting]:
    found: dict[tuple[object, ...], Waiting] = {}
    for pod in pods:
        found.setdefault(pod.kind, pod)
    return list(found.values())
