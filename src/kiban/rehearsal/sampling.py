"""A run's figures over time, thinned to what a chart can show: from the world's series, which has
every tick, and from what is looked at once a sample."""

from math import nan

import numpy as np
from numpy.typing import NDArray

from kiban.primitives.instants import Instant, later
from kiban.rehearsal.results import Track
from kiban.rehearsal.scenarios.stage import Stage

# A day by the minute: more than a chart has pixels.
MOST_SAMPLES = 1440
# Figures of which the worst moment counts; of all others it is the mean.
_WORST = frozenset({"latency_p50", "latency_p95", "latency_p99", "queue", "utilisation"})
UNITS = {
    "requests": "/s",
    "failed": "/s",
    "latency_p50": "s",
    "latency_p95": "s",
    "latency_p99": "s",
    "cost": "$/h",
    "memory": "B",
    "cpu": "cores",
}
Samples = NDArray[np.float64]


class Sampler:
    """Looks at a stage at equal intervals; `tracks` is called when the run is over."""

    def __init__(self, stage: Stage, seconds: float) -> None:
        tick = stage.world.settings.tick_seconds
        ticks = max(1, round(seconds / tick))
        self._step = tick * -(-ticks // MOST_SAMPLES)
        self._stage = stage
        self._looks: dict[tuple[str, str], list[float]] = {}
        self._taken = 0
        self.times = [self._step * n for n in range(1, int(seconds / self._step) + 1)]
        start = stage.world.settings.start
        for at in self.times:
            stage.world.at(later(start, at), self._look)

    def tracks(self) -> list[Track]:
        """Every figure of every service, and of the whole platform."""
        looked = [
            Track(figure, subject, UNITS.get(figure, ""), values)
            for (figure, subject), values in sorted(self._looks.items())
        ]
        return [*self._platform(), *self._services(), *looked]

    def _look(self, now: Instant) -> None:
        found: dict[tuple[str, str], float] = {}
        fleet = self._stage.world.fleet
        for name, ready, starting in zip(
            fleet.services, fleet.ready.tolist(), fleet.starting.tolist(), strict=True
        ):
            found["ready", name] = ready
            found["replicas", name] = ready + starting
        found["pending", ""] = float(self._stage.watch.count)
        if self._stage.cloud is not None:
            found |= self._stage.cloud.figures()
        for key, value in found.items():
            row = self._looks.setdefault(key, [nan] * self._taken)
            row.append(float(value))
        self._taken += 1
        for row in self._looks.values():
            if len(row) < self._taken:
                row.append(nan)

    def _services(self) -> list[Track]:
        series = self._stage.world.series
        taking = self._only_taking()
        return [
            Track(name, service, UNITS.get(name, ""), self._thinned(name, column).tolist())
            for name in ("requests", "failed", "latency_p99", "utilisation", "queue")
            for service, column in zip(series.services, self._table(name).T, strict=True)
            if name != "latency_p99" or service not in taking
        ]

    def _only_taking(self) -> dict[str, None]:
        """The services for which nobody waits: they take messages from a queue. How old these are
        is nobody's latency."""
        models = self._stage.models.services
        calls = [call for traits in models.values() for call in traits.calls]
        waited_for = {call.to for call in calls if not call.queued}
        return {
            call.to: None
            for call in calls
            if call.queued and call.to not in waited_for and not models[call.to].peak
        }

    def _platform(self) -> list[Track]:
        """What people outside see: the services that they ask."""
        models = self._stage.models.services
        entries = [
            number
            for number, name in enumerate(self._stage.world.series.services)
            if name in models and models[name].peak > 0
        ]
        found = []
        for name in ("requests", "failed", "latency_p50", "latency_p99", "queue"):
            columns = self._table(name)[:, entries]
            if not columns.size:
                continue
            whole = columns.max(axis=1) if name in _WORST else columns.sum(axis=1)
            found.append(Track(name, "", UNITS.get(name, ""), self._thinned(name, whole).tolist()))
        return found

    def _table(self, name: str) -> Samples:
        """All samples of a figure: a row a tick, a column a service."""
        return self._stage.world.series.table(name)

    def _thinned(self, name: str, values: Samples) -> Samples:
        """One value for each of `times`: what the ticks since the one before come to."""
        found = np.full(len(self.times), nan)
        marks = np.searchsorted(self._stage.world.series.times(name), self.times, side="right")
        begin = 0
        for number, end in enumerate(marks.tolist()):
            if end > begin:
                part = values[begin:end]
                found[number] = part.max() if name in _WORST else part.mean()
            begin = end
        return found
