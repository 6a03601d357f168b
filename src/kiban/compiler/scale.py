"""How many instances of a service there are, and in which workloads: the numbers that replicas,
autoscaler and disruption budget agree on.

A service is one workload, unless its first instances are to be on demand and the rest on spot
capacity: nothing tells a scheduler which pods of one workload are the first, so these are two
(docs/decisions/0027-first-on-demand.md).
"""

from dataclasses import dataclass
from typing import Literal

from kiban.compiler.volumes import disks
from kiban.spec import ServiceSpec

DISRUPTIBLE_SHARE = "25%"
Capacity = Literal["", "on-demand", "spot"]
PART_CAPACITIES: tuple[Capacity, ...] = ("on-demand", "spot")


@dataclass(frozen=True, slots=True)
class Part:
    """One workload of a service: its name, how many instances it has, and which capacity it must
    have, if that is what makes it a part."""

    name: str
    minimum: int
    maximum: int
    capacity: Capacity = ""

    @property
    def autoscales(self) -> bool:
        return self.maximum > self.minimum


def parts(service: ServiceSpec) -> tuple[Part, ...]:
    """The workloads of a service. What is on demand has a fixed number of instances; the
    autoscaler owns the rest."""
    least, most, name = minimum(service), maximum(service), service.service
    if service.scale.spot_from is None:
        return (Part(name, least, most),)
    first = service.scale.spot_from - 1
    on_demand, spot = (f"{name}-{capacity}" for capacity in PART_CAPACITIES)
    if most <= first:
        return (Part(on_demand, least, most, "on-demand"),)
    # An autoscaler cannot start from none (spec/service_checks.py asks for one on spot).
    rest = Part(spot, max(1, least - first), most - first, "spot")
    return (Part(on_demand, first, first, "on-demand"), rest)


def minimum(service: ServiceSpec) -> int:
    """Two, or one for each zone, unless the service says otherwise."""
    if service.scale.min is not None:
        return service.scale.min
    zones = service.availability.zones if service.availability else 0
    wanted = max(2, zones)
    return min(wanted, service.scale.max) if service.scale.max is not None else wanted


def maximum(service: ServiceSpec) -> int:
    return max(minimum(service), service.scale.max or 0)


def autoscales(service: ServiceSpec) -> bool:
    return service.kind != "job" and maximum(service) > minimum(service)


def disruptible(service: ServiceSpec) -> int | str:
    """How many instances may be away at once: always one, so that no drain is blocked, and of an
    autoscaled service a share, so that it keeps up with the two minutes of spot machines however
    many instances there are. Budgets round shares up."""
    return DISRUPTIBLE_SHARE if autoscales(service) else max(1, minimum(service) // 4)


def workload_kind(service: ServiceSpec) -> str:
    """Instances that are named, or have disks of their own, keep their names, and their disks, for
    ever."""
    is_named = bool(disks(service) or service.instances)
    return "StatefulSet" if is_named and service.kind != "job" else "Deployment"
