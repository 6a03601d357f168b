"""The Cluster Autoscaler as a controller: one key for its scan, one for every node it removes.

It scans every ten seconds, at once when a pod has just been found unschedulable, and not at all
while nothing has changed and no time of its own has come: such a scan would decide what the last
one did. Source: core/static_autoscaler.go.
"""

from collections.abc import Iterable, Mapping, Sequence

from kiban.cluster.autoscaling.cluster_autoscaler.estimating import Waiting, owner_of
from kiban.cluster.autoscaling.cluster_autoscaler.priorities import priorities_in
from kiban.cluster.autoscaling.cluster_autoscaler.registry import Registry
from kiban.cluster.autoscaling.cluster_autoscaler.removing import (
    Remover,
    removal_key,
    without_taint,
)
from kiban.cluster.autoscaling.cluster_autoscaler.scale_up import Orchestrator, ScaleUp
from kiban.cluster.autoscaling.cluster_autoscaler.settings import (
    DELETION_CANDIDATE,
    Settings,
)
from kiban.cluster.autoscaling.cluster_autoscaler.status import Status, status_map
from kiban.cluster.autoscaling.cluster_autoscaler.unneeded import Planner
from kiban.cluster.autoscaling.picture import WATCHED, Picture, Relevance
from kiban.cluster.autoscaling.provider import NodeProvider
from kiban.cluster.autoscaling.simulation import Hints
from kiban.cluster.autoscaling.templates import put_template
from kiban.cluster.controllers.pods import created_at
from kiban.cluster.controllers.writing import change, event, warning
from kiban.kube.objects import NODE, POD, Key, Manifest, get_in
from kiban.primitives.instants import MICROSECONDS, Instant, later, seconds_between
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import Change, Outcome, Snapshot

NAME = "cluster-autoscaler"
SCAN = Key("", "ClusterAutoscaler", "", "scan")
_DEFAULTS = Settings()


class ClusterAutoscaler:
    """Grows and shrinks the groups of a provider."""

    name = NAME
    watches = WATCHED

    def __init__(self, provider: NodeProvider, settings: Settings = _DEFAULTS) -> None:
        self.settings = settings
        self.picture = Picture()
        self.registry = Registry(provider, settings)
        self.planner = Planner(self.registry, self.picture.fitting)
        self.remover = Remover(self.registry)
        self._orchestrator = Orchestrator(self.registry, self.picture.fitting)
        self._hints = Hints(self.picture.fitting)
        self._status = Status(self.registry)
        self._last_scan: Instant | None = None
        self._changed_at = Instant(0)
        self._is_urgent = False
        self._is_armed = False

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        relevance = self.picture.observe(change)
        keys = self._removals_of(change) if self.remover.removals else []
        if relevance == Relevance.AT_ONCE:
            self._is_urgent = True
        if relevance and (self._is_urgent or not self._is_armed):
            self._is_armed = True
            keys.append(SCAN)
        return keys

    def _removals_of(self, change: Change) -> list[Key]:
        kind = change.key.group_kind
        if kind == NODE:
            name = change.key.name
        elif kind == POD:
            name = get_in(change.object, "spec", "nodeName", default="")
        else:
            return []
        return [removal_key(name)] if name in self.remover.removals else []

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        if key != SCAN:
            return self.remover.reconcile(key.name, snapshot, now)
        due = self._next_scan(now)
        if now < due and not self._is_urgent:
            self._is_armed = True
            return Outcome(wake_after=seconds_between(now, due))
        self._is_urgent = False
        if self._last_scan is not None:
            beat = int(self.settings.scan_interval * MICROSECONDS)
            self.planner.pass_over(self._last_scan, now, beat)
        self._last_scan = now
        commands, did_something = self._scan(snapshot, now)
        wake = self._wake(now, did_something=did_something)
        # One that is to be made later must not hide a change that comes before.
        self._is_armed = wake is not None and wake <= self.settings.scan_interval
        return Outcome(tuple(commands), wake)

    def _next_scan(self, now: Instant) -> Instant:
        """The next beat of the scans, on or after now."""
        if self._last_scan is None:
            return now
        passed = max(now - self._last_scan, 1)
        beat = int(self.settings.scan_interval * MICROSECONDS)
        return Instant(self._last_scan + -(-passed // beat) * beat)

    def _wake(self, now: Instant, *, did_something: bool) -> float | None:
        """When to scan again though nothing may have changed by then."""
        if did_something:
            return 0
        interval = self.settings.scan_interval
        is_busy = self.registry.is_waiting or self._is_young(now)
        if is_busy or not self.settings.skips_quiet_scans:
            return interval
        dues = [
            self.registry.backoff.next_end(now) if self.picture.pending else None,
            self.planner.next_due(self._changed_at, now),
            self._cooled_down_at(now) if self.planner.unneeded else None,
        ]
        due = min((at for at in dues if at is not None), default=None)
        if due is None:
            return None
        beats = -(-max(due - now, 1) // int(interval * MICROSECONDS))
        return beats * interval

    # One scan

    def _scan(self, snapshot: Snapshot, now: Instant) -> tuple[list[Command], bool]:
        if self.picture.is_stale:
            self._changed_at = now
        self.picture.settle(snapshot)
        commands: list[Command] = []
        status = status_map(snapshot)
        for failure in self.registry.look(snapshot.list(NODE), now):
            commands.append(warning(status, failure.reason, failure.message))
        self._renew_planner()
        if not self.registry.is_healthy():
            total = self.registry.total
            text = f"Cluster has {total.unready} unready nodes of {total.registered}"
            commands.append(warning(status, "ClusterUnhealthy", text))
            return [*commands, *self._status.written((), snapshot, now)], False
        waiting = self._waiting(snapshot, now)
        done = self._scale_up(waiting, snapshot, commands, now)
        if not done.grown and self.settings.scale_down.enabled:
            self._scale_down(snapshot, commands, now)
        names = [] if done.grown else list(self.planner.unneeded)
        commands += self._status.written(names, snapshot, now)
        return commands, bool(done.grown)

    def _renew_planner(self) -> None:
        touched, self.picture.touched = self.picture.touched, {}
        self.planner.renew(touched)

    def _waiting(self, snapshot: Snapshot, now: Instant) -> list[Waiting]:
        """The pods that wait and that neither the nodes there are nor those on their way help."""
        least = self.settings.expendable_below
        pods = [pod for pod in self.picture.waiting() if pod.priority >= least]
        if not pods:
            return []
        trial = self.picture.trial
        trial.fork()
        self._put_upcoming(snapshot)
        left = self._hints.left_over(pods)
        trial.revert()
        return [
            Waiting(info, owner_of(pod))
            for info in left
            if (pod := snapshot.get(info.key)) is not None
        ]

    def _put_upcoming(self, snapshot: Snapshot) -> None:
        for name, group in self.registry.groups.items():
            for number in range(self.registry.upcoming(name)):
                node = f"template-upcoming-{name}-{number}"
                put_template(self.picture.trial, group.template, node, snapshot)

    def _scale_up(
        self,
        waiting: Sequence[Waiting],
        snapshot: Snapshot,
        commands: list[Command],
        now: Instant,
    ) -> ScaleUp:
        if not waiting or self._are_all_new(waiting, snapshot, now):
            return ScaleUp()
        done = self._orchestrator.scale_up(waiting, snapshot, self._priorities(snapshot), now)
        status = status_map(snapshot)
        if done.failure:
            commands.append(warning(status, "FailedToScaleUpGroup", done.failure))
        for group, before, after in done.grown:
            text = f"Scale-up: setting group {group.name} size to {after} instead of {before}"
            commands.append(event(status, "ScaledUpGroup", f"{text} (max: {group.max})"))
        commands += _told_pods(waiting, done, snapshot)
        return done

    def _priorities(self, snapshot: Snapshot) -> Mapping[int, Sequence[str]]:
        if "priority" not in self.settings.expanders:
            return {}
        return priorities_in(snapshot) or self.settings.priorities

    def _are_all_new(self, waiting: Sequence[Waiting], snapshot: Snapshot, now: Instant) -> bool:
        created = [created_at(pod) for entry in waiting if (pod := snapshot.get(entry.info.key))]
        return bool(created) and later(min(created), self.settings.new_pod_buffer) > now

    def _is_young(self, now: Instant) -> bool:
        """Whether there are waiting pods that no scan has looked at for long enough."""
        return bool(self.picture.pending) and self._changed_at == now

    # Scale-down

    def _scale_down(self, snapshot: Snapshot, commands: list[Command], now: Instant) -> None:
        self.planner.update(snapshot, self.remover.removals, now)
        if self._cooled_down_at(now) is not None:
            return
        removable = self.planner.removable(now, self.remover.by_group())
        status = status_map(snapshot)
        going = self.remover.room(removable)
        for entry in going:
            commands += self.remover.begin(entry, status, snapshot, now)
            self.planner.unneeded.pop(entry.node, None)
        if not going:
            commands += self._soft_taints(snapshot, now)

    def _cooled_down_at(self, now: Instant) -> Instant | None:
        """Until when no node is taken away; None when one may be."""
        settings = self.settings.scale_down
        ends = [
            later(at, seconds)
            for at, seconds in (
                (self.registry.last_scale_up, settings.delay_after_add),
                (self.remover.last_failure, settings.delay_after_failure),
                (self.remover.last_deletion, settings.delay_after_delete),
            )
            if at is not None
        ]
        return max((end for end in ends if end > now), default=None)

    def _soft_taints(self, snapshot: Snapshot, now: Instant) -> list[Command]:
        """Ask the scheduler to prefer other nodes to those that may go soon."""
        commands: list[Command] = []
        most = self.settings.scale_down.soft_taints
        tainted = dict.fromkeys(self.registry.candidates())
        # Only these nodes can differ from what is wanted.
        for name in sorted({*tainted, *self.planner.unneeded}):
            node = self._node(name, snapshot)
            if node is None or len(commands) >= most:
                continue
            is_tainted, is_unneeded = name in tainted, name in self.planner.unneeded
            if is_unneeded and not is_tainted:
                taint = {
                    "key": DELETION_CANDIDATE,
                    "value": str(now // MICROSECONDS),
                    "effect": "PreferNoSchedule",
                }
                taints = [*get_in(node, "spec", "taints", default=[]), taint]
                commands.append(change(node, {"spec": {"taints": taints}}))
            elif is_tainted and not is_unneeded:
                commands.append(without_taint(node, DELETION_CANDIDATE))
        return commands

    def _node(self, name: str, snapshot: Snapshot) -> Manifest | None:
        return snapshot.get(Key(*NODE, "", name))


def _namespace(pod: Manifest) -> str:
    namespace: str = pod["metadata"].get("namespace", "")
    return namespace


def _told_pods(waiting: Sequence[Waiting], done: ScaleUp, snapshot: Snapshot) -> list[Command]:
    """Tell every pod what was done for it, or why nothing was."""
    grown = ", ".join(
        f"{g.name} {before}->{after} (max: {g.max})" for g, before, after in done.grown
    )
    helped = {pod.key: None for pod in done.helped}
    commands: list[Command] = []
    for entry in waiting:
        pod = snapshot.get(entry.info.key)
        if pod is None:
            continue
        if entry.info.key in helped:
            text = f"pod triggered scale-up: [{grown}]"
            commands.append(event(pod, "TriggeredScaleUp", text))
        elif not done.grown:
            counts: dict[str, int] = {}
            for reason in done.reasons.get(entry.kind, ()):
                counts[reason] = counts.get(reason, 0) + 1
            why = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
            text = f"pod didn't trigger scale-up: {why}" if why else "pod didn't trigger scale-up"
            commands.append(event(pod, "NotTriggerScaleUp", text))
    return commands
