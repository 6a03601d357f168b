"""One measurement of a whole cluster, and the place where the latest one is found.

Whoever measures replaces `MetricsView.latest`; the autoscaler and the API read it. Nothing in the
cluster asks for a measurement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kiban.primitives.instants import Instant, seconds_between

# metrics-server's --metric-resolution.
RESOLUTION_SECONDS = 15.0
# What is older says nothing any more: the measuring has stopped.
STALE_SECONDS = 4 * RESOLUTION_SECONDS

# Figures of a service, under these names as metrics of pods, of the Service and from outside.
REQUESTS = "http_requests_per_second"
ERRORS = "http_errors_per_second"
DURATIONS: Mapping[str, float] = {
    "http_request_duration_p50_seconds": 0.5,
    "http_request_duration_p95_seconds": 0.95,
    "http_request_duration_p99_seconds": 0.99,
}


@dataclass(frozen=True, slots=True)
class ContainerUsage:
    """The processor time of a container, in billionths of a core, and its resident memory."""

    cpu_nano: int
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class PodUsage:
    """What a pod's containers used on average over the window that ended at `at`."""

    containers: Mapping[str, ContainerUsage]
    at: Instant
    window_seconds: float


@dataclass(frozen=True, slots=True)
class ServiceLoad:
    """The figures of one Service in thousandths, by metric, and the labels of the pods behind, of
    which there were so many; 0 when nobody counted them."""

    namespace: str
    name: str
    selector: Mapping[str, str]
    figures: Mapping[str, int]
    pods: int = 0


@dataclass(frozen=True, slots=True)
class Measurements:
    """What was measured at one time: pods by uid, and services."""

    at: Instant
    window_seconds: float = RESOLUTION_SECONDS
    pods: Mapping[str, PodUsage] = field(default_factory=dict)
    services: Sequence[ServiceLoad] = ()


@dataclass(frozen=True, slots=True)
class OutsideFigure:
    """A figure that somebody else told, in thousandths, for the pods of a namespace."""

    namespace: str
    metric: str
    labels: Mapping[str, str]
    value: int
    at: Instant


@dataclass(slots=True)
class MetricsView:
    """Holds the latest measurement, if there is one, and what was told from outside."""

    latest: Measurements | None = None
    outside: Sequence[OutsideFigure] = ()

    def told(self, now: Instant) -> Sequence[OutsideFigure]:
        """What was told from outside lately."""
        return [one for one in self.outside if seconds_between(one.at, now) <= STALE_SECONDS]

    def fresh(self, now: Instant) -> Measurements | None:
        """The latest measurement, unless it is too old to mean anything."""
        latest = self.latest
        if latest is None or seconds_between(latest.at, now) > STALE_SECONDS:
            return None
        return latest
