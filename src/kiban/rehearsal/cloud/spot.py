"""Spot capacity: when machines are taken back, who is told before, and what EKS does then.

Two minutes before the end comes the notice: the node is drained as far as that goes. Often a
recommendation to rebalance comes earlier: then a replacement is launched first, and the node is
drained when it is Ready. Source: EKS user guide, managed-node-groups (Spot capacity).
"""

from typing import TYPE_CHECKING

from kiban.kube.objects import NODE, Key, is_true
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.draining import Drain
from kiban.rehearsal.cloud.estate import CloudMachine

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud

POLL_SECONDS = 5.0
# Interruptions further away than this are not planned: no rehearsal lasts so long.
HORIZON_SECONDS = 40 * 24 * 3600.0


class Spot:
    """All spot machines of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._noticed: dict[str, None] = {}

    def began(self, machine: CloudMachine, now: Instant) -> None:
        """A spot machine was launched: draw when it is taken back."""
        rate = self._cloud.settings.spot_interruptions_per_hour
        if rate <= 0:
            return
        stream = self._cloud.world.cluster.store.chance.stream("spot")
        seconds = float(round(stream.expovariate(rate / 3600)))
        if seconds > HORIZON_SECONDS:
            return
        self._plan(machine, later(now, max(seconds, 120.0)))

    def sweep(self, share: float, now: Instant, *, zone: str = "") -> list[str]:
        """Notice of interruption to this share of the spot machines, by lot."""
        machines = [
            machine
            for machine in self._cloud.estate.machines.values()
            if machine.is_spot
            and machine.state == "running"
            and machine.name not in self._noticed
            and zone in ("", machine.zone)
        ]
        stream = self._cloud.world.cluster.store.chance.stream("spot")
        chosen = stream.sample(machines, k=min(len(machines), round(len(machines) * share)))
        for machine in chosen:
            self.notice(machine, now)
        return sorted(machine.name for machine in chosen)

    def _plan(self, machine: CloudMachine, end: Instant) -> None:
        settings, world = self._cloud.settings, self._cloud.world
        stream = world.cluster.store.chance.stream("spot")
        notice = later(end, -settings.times.spot_notice)
        if stream.random() < settings.rebalance_chance:
            lead = round(stream.random() * settings.times.rebalance_lead, 3)
            world.at(later(notice, -lead), lambda at: self.recommend(machine, at))
        world.at(notice, lambda at: self.notice(machine, at))

    def recommend(self, machine: CloudMachine, now: Instant) -> None:
        """The machine is at risk: launch another one, then empty this one."""
        if machine.state != "running" or machine.is_leaving:
            return
        machine.is_leaving = True
        cloud = self._cloud
        cloud.note(now, "spot.rebalance", node=machine.name, group=machine.group)
        group = cloud.groups.get(machine.group)
        if group is None:
            return
        zone = cloud.capacity.zone_for(group.settings, cloud.estate.of_group(group.name))
        if isinstance(zone, str):
            replacement = cloud.launch(group.settings, zone, now)
            replacement.version = group.version
            cloud.world.at(
                later(now, POLL_SECONDS), lambda at: self._follow(machine, replacement, at)
            )

    def _follow(self, machine: CloudMachine, replacement: CloudMachine, now: Instant) -> None:
        """Drain the old machine when its replacement is Ready."""
        if machine.state != "running" or replacement.state == "gone":
            return
        node = self._cloud.world.api.get(Key(*NODE, "", replacement.name))
        if node is None or not is_true(node, "Ready"):
            self._cloud.world.at(
                later(now, POLL_SECONDS), lambda at: self._follow(machine, replacement, at)
            )
            return
        self._drain(machine, now, ends=True)

    def notice(self, machine: CloudMachine, now: Instant) -> None:
        """Two minutes are left."""
        if machine.state != "running" or machine.name in self._noticed:
            return
        cloud = self._cloud
        self._noticed[machine.name] = None
        cloud.note(now, "spot.notice", node=machine.name, group=machine.group)
        was_leaving, machine.is_leaving = machine.is_leaving, True
        if machine.group in cloud.groups:
            self._drain(machine, now, ends=False)
            if not was_leaving:
                self._replace(machine, now)
        cloud.told_of_interruption(machine, now)
        end = later(now, cloud.settings.times.spot_notice)
        cloud.world.at(end, lambda at: self._take(machine, at))

    def _replace(self, machine: CloudMachine, now: Instant) -> None:
        """The group counts the machine no more and launches another one at once."""
        cloud, group = self._cloud, self._cloud.groups[machine.group]
        zone = cloud.capacity.zone_for(group.settings, cloud.estate.of_group(group.name))
        if isinstance(zone, str):
            cloud.launch(group.settings, zone, now).version = group.version

    def _drain(self, machine: CloudMachine, now: Instant, *, ends: bool) -> None:
        def over(left: object, at: Instant) -> None:
            if ends and not left:
                self._take(machine, at)

        times = self._cloud.settings.times
        Drain(self._cloud.world, machine.name, times, over).begin(now)

    def _take(self, machine: CloudMachine, now: Instant) -> None:
        if machine.state == "gone":
            return
        pods = len(self._cloud.world.cluster.store.on_node(machine.name))
        self._cloud.note(now, "spot.taken", node=machine.name, pods=pods)
        self._cloud.end(machine, now)
