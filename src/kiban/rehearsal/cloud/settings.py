"""What a rehearsal assumes of the cloud: groups, subnets, times, chances and prices."""

from dataclasses import dataclass, field
from typing import Literal

from kiban.rehearsal.cloud.catalogue import CONTROL_PLANE_PRICE, SPOT_SHARE

AddressMode = Literal["boundless", "secondary", "prefix"]
Autoscaler = Literal["cluster-autoscaler", "karpenter", "none"]
DEFAULT_ZONES = ("ap-northeast-1a", "ap-northeast-1c", "ap-northeast-1d")


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """One managed node group. It starts with `desired` machines, or its least number."""

    name: str
    instance: str = "m5.large"
    zones: tuple[str, ...] = DEFAULT_ZONES
    min: int = 1
    max: int = 3
    is_spot: bool = False
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()
    desired: int | None = None
    max_unavailable: int = 1
    # What Karpenter may launch instead of `instance`; all types that are priced when empty.
    instances: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubnetSettings:
    """The subnet in which a zone's nodes and pods have their addresses. `taken` of them belong to
    others, scattered over the subnet."""

    name: str
    zone: str
    cidr: str
    taken: int = 0


@dataclass(frozen=True, slots=True)
class AddressSettings:
    """How the VPC CNI gives addresses to pods; the names are those of its variables."""

    mode: AddressMode = "boundless"
    warm_eni_target: int = 1
    warm_prefix_target: int = 1
    warm_ip_target: int | None = None
    minimum_ip_target: int | None = None


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds. A machine registers `launch` (shortest, usual, longest) after it was asked for and
    is Ready `ready` later; the cloud finds a dead machine after `health_check` and asks again for
    capacity it did not get after `launch_retry`."""

    launch: tuple[float, float, float] = (25.0, 40.0, 90.0)
    ready: tuple[float, float, float] = (5.0, 12.0, 30.0)
    health_check: float = 300.0
    launch_retry: float = 60.0
    spot_notice: float = 120.0
    # How much earlier than the notice a recommendation to rebalance comes, when one does.
    rebalance_lead: float = 600.0
    drain_retry: float = 5.0
    drain_poll: float = 1.0
    upgrade_drain: float = 900.0
    upgrade_wait: float = 60.0
    control_plane_upgrade: float = 600.0
    node_check: float = 5.0


@dataclass(frozen=True, slots=True)
class CloudSettings:
    """The whole cloud of one cluster."""

    region: str = "ap-northeast-1"
    groups: tuple[GroupSettings, ...] = ()
    subnets: tuple[SubnetSettings, ...] = ()
    addresses: AddressSettings = AddressSettings()
    autoscaler: Autoscaler = "cluster-autoscaler"
    times: Times = field(default_factory=Times)
    spot_share: float = SPOT_SHARE
    # One machine in ten a month.
    spot_interruptions_per_hour: float = 0.00014
    rebalance_chance: float = 0.5
    control_plane_price: float = CONTROL_PLANE_PRICE
