"""Which nodes the cluster could do without, since when, and which of them go now.

A node is unneeded when little of it is asked for and each of its pods finds a place elsewhere,
tried on the trial with the removals decided before. Source: core/scaledown/{eligibility,planner,
unneeded,unremovable} of kubernetes/autoscaler.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.cluster_autoscaler.drainability import Budgets, fate
from kiban.cluster.autoscaling.cluster_autoscaler.registry import (
    Registry,
    has_taint,
    is_ready,
)
from kiban.cluster.autoscaling.cluster_autoscaler.settings import (
    SCALE_DOWN_DISABLED,
    TO_BE_DELETED,
    ScaleDown,
)
from kiban.cluster.autoscaling.simulation import Fitting, Hints
from kiban.cluster.scheduler.node_info import NodeInfo, PodInfo
from kiban.kube.objects import POD_DISRUPTION_BUDGET, Manifest, annotations_of, controller_of
from kiban.primitives.instants import MICROSECONDS, Instant, later, seconds_between
from kiban.reconcile.controller import Snapshot


@dataclass(frozen=True, slots=True)
class Unneeded:
    """A node that could go; `pods` would have to move."""

    node: str
    since: Instant
    pods: tuple[PodInfo, ...]
    is_ready: bool

    def due(self, settings: ScaleDown) -> Instant:
        return later(self.since, settings.unneeded_time if self.is_ready else settings.unready_time)


@dataclass(frozen=True, slots=True)
class Kept:
    """A node that is little used and must stay all the same, until it is looked at again."""

    why: str
    again: Instant


@dataclass(slots=True)
class Planner:
    """Kept from one scan to the next."""

    registry: Registry
    fitting: Fitting
    unneeded: dict[str, Unneeded] = field(default_factory=dict)
    kept: dict[str, Kept] = field(default_factory=dict)
    hints: Hints = field(init=False)
    _eligible: dict[str, None] = field(default_factory=dict)
    _budgets: Budgets = field(default_factory=Budgets)

    def __post_init__(self) -> None:
        self.hints = Hints(self.fitting)

    @property
    def settings(self) -> ScaleDown:
        return self.registry.settings.scale_down

    def update(self, snapshot: Snapshot, leaving: Mapping[str, object], now: Instant) -> None:
        """Look at all nodes again. `leaving` are those that are being taken away already."""
        trial = self.fitting.trial
        candidates = self._candidates(leaving, snapshot, now)
        before, self.unneeded = self.unneeded, {}
        if not candidates:
            return
        budgets = self._budgets
        budgets.renew(snapshot.list(POD_DISRUPTION_BUDGET))
        gone: dict[str, None] = dict.fromkeys(leaving)
        with_pods = 0
        trial.fork()
        try:
            for name in candidates:
                is_full = with_pods >= self.settings.non_empty_candidates
                if is_full and not _is_empty(trial.info(name), snapshot):
                    continue
                moved = self._removal(name, budgets, gone, snapshot)
                if isinstance(moved, str):
                    self.kept[name] = Kept(moved, later(now, self.settings.recheck_unremovable))
                    continue
                gone[name] = None
                with_pods += bool(moved)
                since = before[name].since if name in before else now
                info = trial.info(name)
                node = info.node if info is not None else None
                serves = node is not None and is_ready(node)
                self.unneeded[name] = Unneeded(name, since, tuple(moved), serves)
        finally:
            trial.revert()

    def pass_over(self, last: Instant, now: Instant, beat: int) -> None:
        """Scans between two were left out because nothing had changed: nodes that had to stay
        would have been looked at in them, and stayed."""
        latest = last + (max(now - last, 1) - 1) // beat * beat
        again = int(self.settings.recheck_unremovable * MICROSECONDS)
        for name, kept in self.kept.items():
            at = kept.again
            while at <= latest:
                at = Instant(last + max(-(-(at - last) // beat), 1) * beat + again)
            if at != kept.again:
                self.kept[name] = Kept(kept.why, at)

    def renew(self, touched: Iterable[str]) -> None:
        """Judge again how much of these nodes is used."""
        for name in touched:
            info = self.fitting.trial.info(name)
            if info is not None and self._is_eligible(info):
                self._eligible[name] = None
            else:
                self._eligible.pop(name, None)

    def _candidates(
        self, leaving: Mapping[str, object], snapshot: Snapshot, now: Instant
    ) -> list[str]:
        """Nodes that are little used and whose group may shrink: empty ones first, then those
        that were unneeded before."""
        for name, kept in list(self.kept.items()):
            if kept.again <= now or name not in self._eligible:
                del self.kept[name]
        found = []
        for name in self._eligible:
            group = self.registry.groups.get(self.registry.group_of_node.get(name, ""))
            if group is None or group.target <= group.min:
                continue
            if name in leaving or name in self.kept:
                continue
            is_empty = _is_empty(self.fitting.trial.info(name), snapshot)
            found.append((not is_empty, name not in self.unneeded, name))
        return [name for _, _, name in sorted(found)]

    def _is_eligible(self, info: NodeInfo) -> bool:
        node = info.node
        if node is None:
            return False
        if annotations_of(node).get(SCALE_DOWN_DISABLED) == "true":
            return False
        if has_taint(node, TO_BE_DELETED):
            return False
        return not is_ready(node) or (utilization(info) < self.settings.utilization_threshold)

    def _removal(
        self, name: str, budgets: Budgets, gone: Mapping[str, object], snapshot: Snapshot
    ) -> list[PodInfo] | str:
        """Move the node's pods on the trial; the pods, or why the node must stay."""
        trial = self.fitting.trial
        movers: list[PodInfo] = []
        manifests: list[Manifest] = []
        info = trial.info(name)
        assert info is not None
        for pod in list(info.pods.values()):
            manifest = snapshot.get(pod.key)
            if manifest is None or manifest["spec"].get("nodeName") != name:
                # Moved here by the simulation, from a node that goes before.
                movers.append(pod)
                continue
            decided = fate(manifest, budgets, self.settings)
            if decided == "moves":
                movers.append(pod)
                manifests.append(manifest)
            elif decided != "stays":
                return decided
        if not budgets.allow(manifests):
            return "NotEnoughPdb"
        trial.fork()
        for pod in movers:
            trial.drop_pod(pod.key)
        movers.sort(key=lambda pod: (-pod.priority, pod.key))
        _, left = self.hints.place(
            movers,
            lambda node: node != name and node not in gone,
            stops_at_failure=True,
        )
        if left:
            trial.revert()
            return "NoPlaceToMovePods"
        trial.commit()
        budgets.spend(manifests)
        return movers

    # What goes now

    def removable(self, now: Instant, under_way: Mapping[str, int]) -> list[Unneeded]:
        """Nodes that have been unneeded for long enough and whose group may shrink. `under_way`
        counts removals by group."""
        taken = dict(under_way)
        found = []
        for entry in sorted(
            self.unneeded.values(), key=lambda entry: (bool(entry.pods), entry.node)
        ):
            if entry.due(self.settings) > now:
                continue
            group = self.registry.group_of_node.get(entry.node)
            if group is None:
                continue
            details = self.registry.groups[group]
            if details.target - taken.get(group, 0) <= details.min:
                continue
            taken[group] = taken.get(group, 0) + 1
            found.append(entry)
        return found

    def next_due(self, changed_at: Instant, now: Instant) -> Instant | None:
        """When time alone may change what this says: a node becomes removable, or one that had
        to stay is looked at again after something has changed."""
        dues = [entry.due(self.settings) for entry in self.unneeded.values()]
        dues += [
            kept.again
            for kept in self.kept.values()
            if later(kept.again, -self.settings.recheck_unremovable) < changed_at
        ]
        return min((due for due in dues if due > now), default=None)

    def oldest(self, now: Instant) -> float:
        """For how long the node has been unneeded that has been so the longest."""
        return max(
            (seconds_between(entry.since, now) for entry in self.unneeded.values()), default=0.0
        )


def utilization(info: NodeInfo) -> float:
    """The larger of the fractions of cores and memory that pods ask for, daemons included."""
    return max(
        (
            info.requested.get(name, 0) / info.allocatable[name]
            for name in ("cpu", "memory")
            if info.allocatable.get(name)
        ),
        default=0.0,
    )


def _is_empty(info: NodeInfo | None, snapshot: Snapshot) -> bool:
    """Whether nothing but daemons runs there."""
    for pod in info.pods.values() if info is not None else ():
        manifest = snapshot.get(pod.key)
        owner = controller_of(manifest) if manifest is not None else None
        if owner is None or owner["kind"] != "DaemonSet":
            return False
    return True
