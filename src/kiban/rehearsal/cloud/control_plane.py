"""The control plane's own addresses, and the upgrade that needs five more of them.

EKS keeps two to four network interfaces in the cluster's subnets. An upgrade makes new ones before
the old ones go, and fails when the subnets have fewer than five addresses left between them.
Source: EKS user guide, network-reqs and update-cluster.
"""

from typing import TYPE_CHECKING

from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.subnets import Subnet
from kiban.rehearsal.cloud.upgrade import Renewal

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud

CONTROL_PLANE = "controlPlane"
UPGRADE_ADDRESSES = 5
MOST_INTERFACES = 4
NO_ADDRESSES = "InsufficientFreeAddresses"
Held = list[tuple[Subnet, list[int]]]


class ControlPlaneUpgrade(Renewal):
    """One upgrade of the control plane: done after a while, or failed at once."""

    def __init__(self, cloud: "Cloud") -> None:
        super().__init__()
        self._cloud = cloud

    def begin(self, now: Instant) -> None:
        self._note(now, "upgrade.began")
        held = take_interfaces(self._cloud.addresses.subnets, UPGRADE_ADDRESSES)
        if held is None:
            self.phase, self.error = "failed", NO_ADDRESSES
            self._note(now, "upgrade.failed", error=NO_ADDRESSES, pods=[])
            return
        self.phase = "upgrade"
        at = later(now, self._cloud.settings.times.control_plane_upgrade)
        self._cloud.world.at(at, lambda at: self._finish(held, at))

    def _finish(self, held: Held, now: Instant) -> None:
        for subnet, blocks in held:
            subnet.give_back(blocks)
        self.phase = "done"
        self._note(now, "upgrade.done")

    def _note(self, now: Instant, what: str, **fields: object) -> None:
        self._cloud.note(now, what, group=CONTROL_PLANE, **fields)


def take_interfaces(subnets: dict[str, Subnet], count: int) -> Held | None:
    """So many addresses, each from the subnet that has most left; None when there are too few.
    Without subnets there is no end of addresses."""
    if not subnets:
        return []
    if sum(subnet.free for subnet in subnets.values()) < count:
        return None
    held: Held = []
    for _ in range(count):
        zone = max(sorted(subnets), key=lambda zone: subnets[zone].free)
        held.append((subnets[zone], subnets[zone].take(1) or []))
    return held
