"""Which zones have machines of a type to give, and in which zone a group's next one goes.

A group spreads its machines evenly; where the emptiest zone has nothing to give, the next does
(EC2 Auto Scaling's balanced-best-effort).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kiban.cluster.autoscaling.provider import LaunchError
from kiban.rehearsal.cloud.estate import CloudMachine
from kiban.rehearsal.cloud.settings import GroupSettings

INSUFFICIENT = "InsufficientInstanceCapacity"
NO_ADDRESSES = "InsufficientFreeAddressesInSubnet"


@dataclass(slots=True)
class Capacity:
    """What is short: zones that are lost or out of addresses, and types (`*` for all) that a zone
    does not have."""

    lost: dict[str, None] = field(default_factory=dict)
    # Whether a zone's subnet has no address for another machine.
    is_full: Callable[[str], bool] = lambda zone: False
    short: dict[tuple[str, str, bool], None] = field(default_factory=dict)

    def exhaust(self, zone: str, instance: str = "*", *, is_spot: bool = False) -> None:
        self.short[zone, instance, is_spot] = None

    def replenish(self, zone: str, instance: str = "*", *, is_spot: bool = False) -> None:
        self.short.pop((zone, instance, is_spot), None)

    def has(self, zone: str, instance: str, *, is_spot: bool) -> bool:
        """Whether a machine of that type could be launched there now."""
        return self._has_machines(zone, instance, is_spot=is_spot) and not self.is_full(zone)

    def _has_machines(self, zone: str, instance: str, *, is_spot: bool) -> bool:
        if zone in self.lost:
            return False
        names = (instance, "*")
        return not any((zone, name, is_spot) in self.short for name in names)

    def zone_for(self, group: GroupSettings, machines: Sequence[CloudMachine]) -> str | LaunchError:
        """Where the next machine goes, or why there is none."""
        counts = dict.fromkeys(group.zones, 0)
        for machine in machines:
            counts[machine.zone] = counts.get(machine.zone, 0) + 1
        order = {zone: number for number, zone in enumerate(group.zones)}
        for zone in sorted(group.zones, key=lambda zone: (counts[zone], order[zone])):
            if self.has(zone, group.instance, is_spot=group.is_spot):
                return zone
        return self._why_none(group)

    def _why_none(self, group: GroupSettings) -> LaunchError:
        zones = ", ".join(group.zones)
        is_spot = group.is_spot
        if any(self._has_machines(zone, group.instance, is_spot=is_spot) for zone in group.zones):
            text = f"The subnets of {zones} have no free addresses"
            return LaunchError(NO_ADDRESSES, text)
        kind = "spot" if is_spot else "on-demand"
        text = f"There is no {kind} capacity for {group.instance} in {zones}"
        return LaunchError(INSUFFICIENT, text)
