"""Figures that the autoscaler gets from outside, as late as they come in life, or not at all.

A source measures at fixed times; what it measured can be seen some while later. CloudWatch figures
read through Datadog are ten to twelve minutes old (datadog-agent #3005).
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence

from kiban.primitives.instants import MICROSECONDS, Instant, later
from kiban.rehearsal.traffic.flow import Flow
from kiban.rehearsal.traffic.parameters import ExternalMetric

# Samples older than the latest visible one by more than this are forgotten.
_KEPT = 4096


class Sources:
    """The external metrics by name, fed span by span."""

    def __init__(
        self, metrics: Mapping[str, ExternalMetric], services: Sequence[str], zero: Instant
    ) -> None:
        index = {name: number for number, name in enumerate(services)}
        self._sources = {
            name: _Source(metric, index[metric.service], zero)
            for name, metric in sorted(metrics.items())
            if metric.service in index
        }

    def feed(self, flow: Flow, until: Instant) -> None:
        """Let every source measure that is due in the span that ended."""
        for source in self._sources.values():
            source.feed(flow, until)

    def seen(self, name: str, now: Instant) -> int | None:
        """The latest value that can be seen, in thousandths; None when there is none."""
        source = self._sources.get(name)
        return source.seen(now) if source is not None else None

    def age(self, name: str, now: Instant) -> float | None:
        """How old that value is, in seconds."""
        source = self._sources.get(name)
        return source.age(now) if source is not None else None


class _Source:
    """One metric's samples, oldest first."""

    def __init__(self, metric: ExternalMetric, service: int, zero: Instant) -> None:
        self._metric = metric
        self._service = service
        self._zero = zero
        # Sources measured before anybody looked.
        self._due: Instant | None = None
        self._times: list[Instant] = []
        self._values: list[int] = []

    def feed(self, flow: Flow, until: Instant) -> None:
        if self._metric.absent or (self._due is not None and until < self._due):
            return
        every = max(int(self._metric.every * MICROSECONDS), 1)
        self._due = Instant(until + every - (until - self._zero) % every)
        self._times.append(until)
        self._values.append(round(self._figure(flow) * self._metric.factor * 1000))
        if len(self._times) > 2 * _KEPT:
            del self._times[:_KEPT], self._values[:_KEPT]

    def seen(self, now: Instant) -> int | None:
        place = self._place(now)
        return self._values[place] if place >= 0 else None

    def age(self, now: Instant) -> float | None:
        place = self._place(now)
        return (now - self._times[place]) / MICROSECONDS if place >= 0 else None

    def _place(self, now: Instant) -> int:
        return bisect_right(self._times, later(now, -self._metric.late)) - 1

    def _figure(self, flow: Flow) -> float:
        figures = {
            "backlog": flow.waiting,
            "requests": flow.arrivals,
            "in-flight": flow.in_flight,
            "latency": flow.mean,
        }
        return float(figures[self._metric.figure][self._service])
