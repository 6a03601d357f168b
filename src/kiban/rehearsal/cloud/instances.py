"""The cloud behind Karpenter's port: any type in any zone, on demand or spot, one by one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kiban.cluster.autoscaling.karpenter import Launched, Offering
from kiban.cluster.autoscaling.provider import ProviderRefusal
from kiban.kube.objects import Manifest, labels_of, replaced
from kiban.primitives.instants import Instant
from kiban.rehearsal.cloud.capacity import INSUFFICIENT
from kiban.rehearsal.cloud.estate import machine_manifest
from kiban.rehearsal.cloud.settings import DEFAULT_ZONES, GroupSettings

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud

# What is offered where nobody says what: the common families of one architecture.
FAMILIES = ("c5", "c6i", "m5", "m6i", "r5", "r6i")
SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge")
COMMON_TYPES = tuple(f"{family}.{size}" for family in FAMILIES for size in SIZES)


class InstanceProvider:
    """A `LaunchProvider`. The machines of a pool count as those of the group `<pool>-pool`."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._all: list[Offering] = []

    def offerings(self, now: Instant) -> Sequence[Offering]:
        if not self._all:
            self._all = sorted(
                self._priced(), key=lambda o: (o.price, o.instance, o.zone, o.capacity_type)
            )
        has = self._cloud.capacity.has
        return [
            offer
            for offer in self._all
            if has(offer.zone, offer.instance, is_spot=offer.capacity_type == "spot")
        ]

    def _priced(self) -> list[Offering]:
        groups = self._cloud.settings.groups
        zones = list(dict.fromkeys(zone for group in groups for zone in group.zones))
        named = [name for group in groups for name in (group.instances or COMMON_TYPES)]
        found = []
        for name in dict.fromkeys(named or COMMON_TYPES):
            for zone in zones or DEFAULT_ZONES:
                for is_spot in (False, True):
                    found.append(self._offering(name, zone, is_spot=is_spot))
        return found

    def _offering(self, name: str, zone: str, *, is_spot: bool) -> Offering:
        like = GroupSettings("", name, (zone,), is_spot=is_spot)
        node = machine_manifest(like, zone, 1, 0, self._cloud.settings.addresses)
        labels = {
            key: value
            for key, value in labels_of(node).items()
            if key not in ("kubernetes.io/hostname", "eks.amazonaws.com/nodegroup")
        }
        return Offering(
            name,
            zone,
            "spot" if is_spot else "on-demand",
            self._cloud.price_of(name, is_spot=is_spot),
            labels,
            node["status"]["capacity"],
            node["status"]["allocatable"],
        )

    def launch(
        self, pool: str, choices: Sequence[Offering], node: Manifest, now: Instant
    ) -> Launched:
        if not choices:
            raise ProviderRefusal(f"{INSUFFICIENT}: no offering has capacity")
        offer = choices[0]
        group = GroupSettings(
            f"{pool}-pool", offer.instance, (offer.zone,), is_spot=offer.capacity_type == "spot"
        )
        machine = self._cloud.launch(group, offer.zone, now)
        labels = {**offer.labels, **labels_of(node), **_hostname(machine.manifest)}
        manifest = replaced(machine.manifest, ("metadata", "labels"), labels)
        machine.manifest = replaced(manifest, ("spec", "taints"), node["spec"]["taints"])
        return Launched(machine.provider_id, machine.name, offer)

    def terminate(self, provider_id: str, now: Instant) -> None:
        machine = self._cloud.estate.by_provider_id(provider_id)
        if machine is not None:
            self._cloud.end(machine, now)

    def exists(self, provider_id: str) -> bool:
        return self._cloud.estate.by_provider_id(provider_id) is not None


def _hostname(node: Manifest) -> dict[str, str]:
    name = "kubernetes.io/hostname"
    return {name: labels_of(node)[name]}
