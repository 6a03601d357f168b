"""What services were asked between two readings of the gateway's counters, as figures to scale by.

The names of the figures are in `cluster/usage/measurements.py`; all are thousandths.
"""

from collections.abc import Iterable, Mapping

from kiban.adapters.gateway.statistics import PortStatistics, growth, latency_ms
from kiban.cluster.usage.measurements import DURATIONS, ERRORS, REQUESTS, ServiceLoad
from kiban.kube.objects import Manifest, get_in

Statistics = Mapping[str, PortStatistics]


def service_loads(
    services: Iterable[Manifest], before: Statistics, after: Statistics, seconds: float
) -> tuple[ServiceLoad, ...]:
    """The figures of every service that the gateway knew at both times."""
    grown: dict[tuple[str, str], list[PortStatistics]] = {}
    for id_ in sorted(before.keys() & after.keys()):
        namespace, name, _ = id_.split("/")
        grown.setdefault((namespace, name), []).append(growth(before[id_], after[id_]))
    loads = []
    for service in services:
        namespace, name = service["metadata"]["namespace"], service["metadata"]["name"]
        ports = grown.get((namespace, name))
        if ports and seconds > 0:
            selector = get_in(service, "spec", "selector") or {}
            loads.append(ServiceLoad(namespace, name, selector, _figures(ports, seconds)))
    return tuple(loads)


def _figures(ports: Iterable[PortStatistics], seconds: float) -> dict[str, int]:
    requests = errors = 0
    buckets: dict[float, int] = {}
    for port in ports:
        requests += port.requests
        errors += port.server_errors
        for bound, count in port.latency_buckets.items():
            buckets[bound] = buckets.get(bound, 0) + count
    # Milliseconds are thousandths of seconds.
    durations = {name: round(latency_ms(buckets, share)) for name, share in DURATIONS.items()}
    return {
        REQUESTS: round(requests * 1000 / seconds),
        ERRORS: round(errors * 1000 / seconds),
        **durations,
    }
