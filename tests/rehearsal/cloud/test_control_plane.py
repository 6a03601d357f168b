"""The control plane's own addresses."""

from tests.rehearsal.cloud.scene import ZONES, times, world

from kiban.primitives.chance import Chance
from kiban.rehearsal.cloud import AddressSettings, CloudSettings, GroupSettings, SubnetSettings
from kiban.rehearsal.cloud.control_plane import CONTROL_PLANE, take_interfaces
from kiban.rehearsal.cloud.subnets import Subnet


def settings(taken: int) -> CloudSettings:
    # Of 27 addresses, the node takes eleven with its spare interface, and the control plane two.
    subnets = tuple(
        SubnetSettings(zone, zone, f"10.0.{number}.0/27", taken)
        for number, zone in enumerate(ZONES[:2])
    )
    groups = (GroupSettings("base", "m5.large", ZONES[:1], min=1, max=1),)
    return CloudSettings(groups=groups, subnets=subnets, addresses=AddressSettings("secondary"))


def test_an_upgrade_of_the_control_plane_holds_five_addresses_for_ten_minutes() -> None:
    scene, cloud = world(settings(taken=0))
    free = sum(cloud.addresses.free().values())
    scene.after(100, lambda now: cloud.upgrade(CONTROL_PLANE, now))
    scene.run_for(300)
    assert sum(cloud.addresses.free().values()) == free - 5
    scene.run_for(800)
    assert sum(cloud.addresses.free().values()) == free
    assert times(scene, "upgrade.done") == [700.0]
    assert cloud.upgrades[CONTROL_PLANE].phase == "done"


def test_an_upgrade_fails_where_fewer_than_five_addresses_are_left() -> None:
    scene, cloud = world(settings(taken=0))
    left = sum(cloud.addresses.free().values())
    for subnet in cloud.addresses.subnets.values():
        subnet.take(subnet.free - (2 if subnet.free > 2 else 0))
    assert left > 5 > sum(cloud.addresses.free().values())
    scene.after(100, lambda now: cloud.upgrade(CONTROL_PLANE, now))
    scene.run_for(300)
    upgrade = cloud.upgrades[CONTROL_PLANE]
    assert (upgrade.phase, upgrade.error) == ("failed", "InsufficientFreeAddresses")


def test_interfaces_come_from_the_subnets_with_most_room() -> None:
    subnets = {name: Subnet(name, cidr, Chance(1)) for name, cidr in
               (("a", "10.0.0.0/28"), ("b", "10.0.1.0/27"))}  # fmt: skip
    held = take_interfaces(subnets, 3)
    assert held is not None and [subnet.name for subnet, _ in held] == ["b", "b", "b"]
    assert take_interfaces(subnets, 100) is None
    assert take_interfaces({}, 100) == []
