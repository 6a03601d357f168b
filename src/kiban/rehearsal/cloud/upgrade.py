"""The renewal of a managed node group's machines, step by step as EKS does it.

Scale up by the larger of twice the zones and maxUnavailable; when every zone has a new Ready node,
cordon the old ones; drain some at a time for at most fifteen minutes, wait a minute, end them;
then scale down again. Without force, a drain that does not end fails the whole with
PodEvictionFailure. Source: EKS user guide, managed-node-update-behavior.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal

from kiban.kube.objects import NODE, Key, is_true
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.draining import Drain, cordon
from kiban.rehearsal.cloud.estate import CloudMachine, GroupState

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud

POLL_SECONDS = 10.0
# A group that cannot get its new machines in this time fails to upgrade.
SCALE_UP_SECONDS = 1800.0
EVICTION_FAILURE = "PodEvictionFailure"
CREATION_FAILURE = "NodeCreationFailure"
Phase = Literal["scale-up", "upgrade", "scale-down", "done", "failed"]


class Renewal:
    """How far the renewal of some machines has come. `error` and `blocked` say why it failed and
    which pods stayed."""

    def __init__(self) -> None:
        self.phase: Phase = "scale-up"
        self.error = ""
        self.blocked: tuple[str, ...] = ()


class Upgrade(Renewal):
    """One upgrade of one group."""

    def __init__(self, cloud: "Cloud", group: GroupState, *, forces: bool = False) -> None:
        super().__init__()
        self._cloud, self._group, self._forces = cloud, group, forces
        self._before = group.desired
        self._max_before = group.max
        self._deadline = Instant(0)
        self._draining = 0

    def begin(self, now: Instant) -> None:
        settings, group = self._group.settings, self._group
        step = max(2 * len(settings.zones), settings.max_unavailable)
        group.version += 1
        group.max += step
        self._note(now, "upgrade.began", surge=step)
        self._deadline = later(now, SCALE_UP_SECONDS)
        self._cloud.set_desired(group.name, group.desired + step, now)
        self._after(POLL_SECONDS, self._await_new, now)

    def _await_new(self, now: Instant) -> None:
        if self._zones_without_new():
            if now >= self._deadline:
                self._fail(CREATION_FAILURE, (), now)
            else:
                self._after(POLL_SECONDS, self._await_new, now)
            return
        self.phase = "upgrade"
        for machine in self._old():
            cordon(self._cloud.world, machine.name, now, excludes=True)
        self._next(now)

    def _zones_without_new(self) -> list[str]:
        ready = {m.zone: None for m in self._machines() if self._is_new(m) and self._is_ready(m)}
        return [zone for zone in self._group.settings.zones if zone not in ready]

    def _next(self, now: Instant) -> None:
        """Drain the next machines, drawn by lot."""
        old = self._old()
        if not old:
            self.phase = "scale-down"
            self._scale_down(now)
            return
        stream = self._cloud.world.cluster.store.chance.stream("upgrade")
        chosen = stream.sample(old, k=min(self._group.settings.max_unavailable, len(old)))
        self._draining = len(chosen)
        times = self._cloud.settings.times
        for machine in chosen:
            deadline = later(now, times.upgrade_drain)
            Drain(self._cloud.world, machine.name, times, self._drained(machine), deadline).begin(
                now
            )

    def _drained(self, machine: CloudMachine) -> Callable[[Sequence[str], Instant], None]:
        def over(left: Sequence[str], now: Instant) -> None:
            if self.phase == "failed":
                return
            if left and not self._forces:
                self._fail(EVICTION_FAILURE, left, now)
                return
            self._note(now, "upgrade.drained", node=machine.name, left=len(left))
            wait = self._cloud.settings.times.upgrade_wait
            self._after(wait, lambda at: self._end(machine, at), now)

        return over

    def _end(self, machine: CloudMachine, now: Instant) -> None:
        self._cloud.end(machine, now)
        self._draining -= 1
        if not self._draining:
            self._next(now)

    def _scale_down(self, now: Instant) -> None:
        """One machine fewer at a time until the group is as large as before: one of the fullest
        zone, by lot, whatever runs on it. What the autoscaler has removed meanwhile counts."""
        group = self._group
        if group.desired <= self._before:
            group.max = self._max_before
            self.phase = "done"
            self._note(now, "upgrade.done")
            return
        machines = [machine for machine in self._machines() if not machine.is_leaving]
        if not machines:
            self._after(POLL_SECONDS, self._scale_down, now)
            return
        stream = self._cloud.world.cluster.store.chance.stream("upgrade")
        counts = [sum(m.zone == machine.zone for m in machines) for machine in machines]
        fullest = [m for m, count in zip(machines, counts, strict=True) if count == max(counts)]
        chosen = fullest[stream.randrange(len(fullest))]
        chosen.is_leaving = True
        times = self._cloud.settings.times

        def over(left: Sequence[str], at: Instant) -> None:
            self._cloud.end(chosen, at, shrinks=True)
            self._scale_down(at)

        deadline = later(now, times.upgrade_drain)
        Drain(self._cloud.world, chosen.name, times, over, deadline).begin(now)

    def _fail(self, error: str, left: Sequence[str], now: Instant) -> None:
        """The upgrade stops where it is: old machines that are left stay cordoned."""
        self.phase, self.error, self.blocked = "failed", error, tuple(left)
        self._group.max = max(self._max_before, self._group.desired)
        self._note(now, "upgrade.failed", error=error, pods=sorted(left))

    # Reading

    def _machines(self) -> list[CloudMachine]:
        return self._cloud.estate.of_group(self._group.name)

    def _old(self) -> list[CloudMachine]:
        return [machine for machine in self._machines() if not self._is_new(machine)]

    def _is_new(self, machine: CloudMachine) -> bool:
        return machine.version >= self._group.version

    def _is_ready(self, machine: CloudMachine) -> bool:
        node = self._cloud.world.api.get(Key(*NODE, "", machine.name))
        return node is not None and is_true(node, "Ready")

    def _after(self, seconds: float, act: Callable[[Instant], None], now: Instant) -> None:
        self._cloud.world.at(later(now, seconds), act)

    def _note(self, now: Instant, what: str, **fields: object) -> None:
        self._cloud.note(now, what, group=self._group.name, **fields)
