"""The cloud of a cluster as platform.yaml describes it."""

from collections.abc import Sequence
from dataclasses import replace

from kiban.rehearsal.cloud.settings import (
    DEFAULT_ZONES,
    AddressSettings,
    CloudSettings,
    GroupSettings,
    SubnetSettings,
)
from kiban.rehearsal.results import Assumption
from kiban.spec.nouns import Cluster, NodeGroup


def cloud_settings(cluster: Cluster) -> CloudSettings:
    """Groups, subnets, addresses and autoscaler. What the file does not say is assumed as
    `CloudSettings` does; a cluster without node groups gets three to nine m5.xlarge. Under
    Karpenter all machines are its own, so groups have none to begin with."""
    zones = tuple(cluster.zones) or DEFAULT_ZONES
    groups = tuple(_group(name, group, zones) for name, group in sorted(cluster.nodes.items()))
    groups = groups or (GroupSettings("base", "m5.xlarge", zones, min=3, max=9),)
    if cluster.autoscaler == "karpenter":
        groups = tuple(replace(group, min=0) for group in groups)
    subnets = tuple(
        SubnetSettings(f"{zone} {subnet.cidr}", zone, subnet.cidr, subnet.taken)
        for zone, subnet in sorted(cluster.subnets.items())
    )
    wanted = cluster.addresses
    addresses = AddressSettings(
        wanted.mode,
        wanted.warm_eni_target,
        wanted.warm_prefix_target,
        wanted.warm_ip_target,
        wanted.minimum_ip_target,
    )
    return CloudSettings(
        region=cluster.region,
        groups=groups,
        subnets=subnets or usual_subnets(zones),
        addresses=addresses,
        autoscaler=cluster.autoscaler,
    )


def usual_subnets(zones: Sequence[str]) -> tuple[SubnetSettings, ...]:
    """A range of 4,096 addresses for each zone, as large as AWS makes those of a default VPC."""
    return tuple(
        SubnetSettings(f"{zone} {cidr}", zone, cidr)
        for number, zone in enumerate(sorted(zones))
        for cidr in [f"10.{number // 16}.{number % 16 * 16}.0/20"]
    )


def assumed_of_cloud(cluster: Cluster | None) -> list[Assumption]:
    """What is taken for granted of a cluster's cloud, because platform.yaml does not say it; of an
    environment that names no cluster, all."""
    found = []
    if cluster is None:
        cluster = Cluster()
        why = "assumed: the environment names no cluster"
        found.append(Assumption("", "zones", ", ".join(DEFAULT_ZONES), why))
    if not cluster.subnets:
        why = "assumed: platform.yaml says nothing of `subnets`; a default VPC's are as large"
        subnets = usual_subnets(tuple(cluster.zones) or DEFAULT_ZONES)
        found += [Assumption(one.zone, "subnet", one.cidr, why) for one in subnets]
    if not cluster.nodes:
        why = "assumed: platform.yaml says nothing of `nodes`"
        found.append(Assumption("base", "nodes", "3 to 9 m5.xlarge", why))
    return found


def _group(name: str, group: NodeGroup, zones: tuple[str, ...]) -> GroupSettings:
    return GroupSettings(
        name,
        group.instance,
        tuple(group.zones) or zones,
        group.min,
        max(group.min, group.max),
        group.spot,
        tuple(sorted(group.labels.items())),
        instances=tuple(group.instances),
    )
