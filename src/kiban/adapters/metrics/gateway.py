"""The embedded gateway's own counters as figures of a span: kept readings, and what grew between
two of them.

Readings of the last minutes are kept close together and older ones apart, so that the time before
a release can be compared with the time after it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from kiban.adapters.gateway import PortStatistics
from kiban.adapters.gateway.statistics import growth, percentile_ms
from kiban.operations.gates import Measured, Question
from kiban.primitives.instants import Instant, seconds_between

Statistics = Mapping[str, PortStatistics]
Read = Callable[[], Awaitable[Statistics]]

EVERY_SECONDS = 2.0
CLOSE_SECONDS = 120.0
APART_SECONDS = 15.0
KEPT_SECONDS = 7_200.0


@dataclass(frozen=True, slots=True)
class Reading:
    at: Instant
    statistics: Statistics


class GatewayFigures:
    """Follows one gateway. `run` reads for as long as it is not cancelled."""

    def __init__(self, read: Read, clock: Callable[[], Instant]) -> None:
        self._read, self._clock = read, clock
        self._readings: list[Reading] = []

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Read once. A gateway that is being restarted says nothing."""
        if found := await self._read():
            self._readings.append(Reading(self._clock(), found))
            self._readings = thinned(self._readings)

    async def measure(self, question: Question) -> Measured:
        """What the service was asked in the span, as far as readings tell."""
        if not self._readings or self._readings[-1].at < question.until:
            await self.look()
        first, last = self._reading_at(question.since), self._reading_at(question.until)
        if first is None or last is None or first.at >= last.at:
            return Measured(None, fault="the gateway was not read then")
        prefix = f"{question.subject.namespace}/"
        prefix += f"{question.subject.workload or question.subject.service}/"
        grown = [
            growth(first.statistics.get(port, PortStatistics()), after)
            for port, after in last.statistics.items()
            if port.startswith(prefix)
        ]
        return figure(question.indicator, grown, seconds_between(first.at, last.at))

    def _reading_at(self, instant: Instant) -> Reading | None:
        """The last reading that is not later; before all, the first."""
        found = None
        for reading in self._readings:
            if reading.at > instant and found is not None:
                break
            found = reading
        return found


def figure(indicator: str, ports: list[PortStatistics], seconds: float) -> Measured:
    """One indicator of what some ports counted."""
    requests = sum(port.requests for port in ports)
    if indicator == "requests":
        return Measured(requests / seconds, requests)
    if not requests:
        return Measured(None, 0)
    if indicator == "errors":
        return Measured(sum(port.server_errors for port in ports) / requests, requests)
    buckets: dict[float, int] = {}
    for port in ports:
        for bound, count in port.latency_buckets.items():
            buckets[bound] = buckets.get(bound, 0) + count
    timed = max(buckets.values(), default=0)
    value = percentile_ms(buckets, int(indicator[1:]) / 100) / 1000 if timed else None
    return Measured(value, timed)


def thinned(readings: list[Reading]) -> list[Reading]:
    """The readings worth keeping: all of the last minutes, and one in a while before."""
    newest = readings[-1].at
    kept: list[Reading] = []
    for reading in readings:
        age = seconds_between(reading.at, newest)
        is_near = bool(kept) and seconds_between(kept[-1].at, reading.at) < APART_SECONDS
        if age <= CLOSE_SECONDS or (age <= KEPT_SECONDS and not is_near):
            kept.append(reading)
    return kept
