"""How many instances of a service there are: the numbers that replicas, autoscaler and
disruption budget agree on."""

from kiban.compiler.volumes import disks
from kiban.spec import ServiceSpec

DISRUPTIBLE_SHARE = "25%"


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
    """Instances with disks of their own keep their names, and their disks, for ever."""
    return "StatefulSet" if disks(service) and service.kind != "job" else "Deployment"
