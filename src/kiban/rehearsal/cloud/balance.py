"""Brings a group that hangs to one side back over its zones, one machine at a time.

EC2 Auto Scaling launches in the emptiest zone first and ends a machine of the fullest one when
the new one serves; EKS drains it before. Source: EC2 Auto Scaling user guide, rebalancing.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kiban.kube.objects import NODE, Key, is_true
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.draining import Drain
from kiban.rehearsal.cloud.estate import CloudMachine, GroupState

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud

# How long after a zone can give machines again the balance is looked at, and how often then.
LOOK_SECONDS = 120.0
POLL_SECONDS = 10.0
DRAIN_SECONDS = 900.0


class Balance:
    """The balance of all groups of a cloud."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._moving: dict[str, None] = {}

    def look_soon(self, now: Instant) -> None:
        """A zone has capacity again."""
        at = later(now, LOOK_SECONDS)
        self._cloud.world.at(at, self._look)

    def _look(self, now: Instant) -> None:
        for group in self._cloud.groups.values():
            self._weigh(group, now)

    def _weigh(self, group: GroupState, now: Instant) -> None:
        """Move one machine where the zones differ by two or more."""
        if group.name in self._moving or len(group.settings.zones) < 2:
            return
        machines = self._cloud.estate.of_group(group.name)
        zones = {
            zone: [machine for machine in machines if machine.zone == zone]
            for zone in group.settings.zones
        }
        settings = group.settings
        open_ = [
            zone
            for zone in zones
            if self._cloud.capacity.has(zone, settings.instance, is_spot=settings.is_spot)
        ]
        if not open_:
            return
        emptiest = min(open_, key=lambda zone: (len(zones[zone]), zone))
        fullest = max(zones, key=lambda zone: (len(zones[zone]), zone))
        if len(zones[fullest]) - len(zones[emptiest]) < 2:
            return
        old = zones[fullest][0]
        self._moving[group.name] = None
        self._cloud.note(now, "zone.rebalance", group=group.name, node=old.name, zone=emptiest)
        new = self._cloud.launch(settings, emptiest, now)
        new.version = group.version
        self._follow(group, old, new, now)

    def _follow(
        self, group: GroupState, old: CloudMachine, new: CloudMachine, now: Instant
    ) -> None:
        world = self._cloud.world
        if old.state != "running" or new.state == "gone":
            self._done(group, now)
            return
        node = world.api.get(Key(*NODE, "", new.name))
        if node is None or not is_true(node, "Ready"):
            world.at(later(now, POLL_SECONDS), lambda at: self._follow(group, old, new, at))
            return
        old.is_leaving = True

        def over(left: Sequence[str], at: Instant) -> None:
            self._cloud.end(old, at)
            self._done(group, at)

        deadline = later(now, DRAIN_SECONDS)
        Drain(world, old.name, self._cloud.settings.times, over, deadline).begin(now)

    def _done(self, group: GroupState, now: Instant) -> None:
        self._moving.pop(group.name, None)
        self._weigh(group, now)
