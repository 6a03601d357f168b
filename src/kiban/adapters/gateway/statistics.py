"""What the gateway counted, per service port, for autoscaling, objectives and the dashboard.

Counters only grow (until Envoy is restarted): whoever wants a rate keeps the last reading.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_FIGURES = {
    "upstream_rq_completed": "requests",
    "upstream_rq_5xx": "server_errors",
    "upstream_rq_4xx": "client_errors",
    "upstream_rq_active": "active",
    "upstream_rq_retry": "retries",
    "upstream_cx_none_healthy": "without_endpoint",
    "upstream_cx_connect_fail": "connect_failures",
    "upstream_cx_total": "connections",
    "upstream_cx_active": "active_connections",
}
_PORT = r"(?P<id>[^./]+/[^./]+/\d+)"
# Counters of clusters, and latencies of the routes that lead there (see `stat_prefix`).
_COUNTER = re.compile(rf"^cluster\.{_PORT}\.(?P<figure>{'|'.join(_FIGURES)})$")
_LATENCY = re.compile(rf"^vhost\..+\.route\.{_PORT}\.upstream_rq_time$")
PATTERN = "|".join(
    one.pattern.replace("?P<id>", "").replace("?P<figure>", "") for one in (_COUNTER, _LATENCY)
)


@dataclass(slots=True)
class PortStatistics:
    """The figures of one service port since Envoy started.

    `requests` are those answered, whatever the answer, also by the gateway on the service's
    behalf. `latency_buckets` maps an upper bound in milliseconds to the number of requests that
    took at most so long.
    """

    requests: int = 0
    server_errors: int = 0
    client_errors: int = 0
    active: int = 0
    retries: int = 0
    without_endpoint: int = 0
    connect_failures: int = 0
    connections: int = 0
    active_connections: int = 0
    latency_buckets: Mapping[float, int] = field(default_factory=dict)

    def latency_ms(self, quantile: float) -> float:
        """The bound below which this share of requests was answered; 0 without requests."""
        return latency_ms(self.latency_buckets, quantile)


def latency_ms(buckets: Mapping[float, int], quantile: float) -> float:
    """The upper bound of the bucket that holds the quantile. Buckets of a span of time are the
    difference of two readings."""
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0
    if not total:
        return 0.0
    index = bisect_left(bounds, quantile * total, key=lambda bound: buckets[bound])
    return bounds[min(index, len(bounds) - 1)]


def percentile_ms(buckets: Mapping[float, int], quantile: float) -> float:
    """Like `latency_ms`, but taking the requests of a bucket to be spread evenly in it."""
    wanted, below, lower = quantile * max(buckets.values(), default=0), 0, 0.0
    for bound in sorted(buckets):
        inside = buckets[bound] - below
        if inside > 0 and buckets[bound] >= wanted:
            return lower + (bound - lower) * max(0.0, wanted - below) / inside
        below, lower = buckets[bound], bound
    return lower


def mean_ms(buckets: Mapping[float, int]) -> float:
    """The mean, taking the requests of a bucket to be spread evenly in it; 0 without requests."""
    total, below, lower = 0.0, 0, 0.0
    for bound in sorted(buckets):
        total += (buckets[bound] - below) * (lower + bound) / 2
        below, lower = buckets[bound], bound
    return total / below if below else 0.0


def growth(before: PortStatistics, after: PortStatistics) -> PortStatistics:
    """What was added; a counter that fell began anew with Envoy."""
    if after.requests < before.requests:
        before = PortStatistics()
    return PortStatistics(
        requests=after.requests - before.requests,
        server_errors=max(0, after.server_errors - before.server_errors),
        latency_buckets={
            bound: max(0, count - before.latency_buckets.get(bound, 0))
            for bound, count in after.latency_buckets.items()
        },
    )


def statistics_of(stats: Iterable[Mapping[str, Any]]) -> dict[str, PortStatistics]:
    """Envoy's JSON statistics, by service port (`namespace/service/port`)."""
    found: dict[str, PortStatistics] = {}
    for stat in stats:
        for histogram in stat.get("histograms", ()):
            if match := _LATENCY.match(histogram["name"]):
                port = found.setdefault(match["id"], PortStatistics())
                port.latency_buckets = _added(port.latency_buckets, histogram["buckets"])
        if match := _COUNTER.match(stat.get("name", "")):
            port = found.setdefault(match["id"], PortStatistics())
            setattr(port, _FIGURES[match["figure"]], stat["value"])
    return {id_: found[id_] for id_ in sorted(found)}


def _added(buckets: Mapping[float, int], more: Iterable[Mapping[str, Any]]) -> Mapping[float, int]:
    """One service may be reached by several routes."""
    sums = dict(buckets)
    for bucket in more:
        bound = float(bucket["upper_bound"])
        sums[bound] = sums.get(bound, 0) + int(bucket["cumulative"])
    return sums
