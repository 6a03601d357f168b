"""What instances use, averaged over windows as a metrics server does: every fifteen seconds it
looks, and what it tells is the mean since it looked before.

The sums over a window are exact however the model's steps fall.
"""

import numpy as np

from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.rehearsal.ports import Counts, Usage
from kiban.rehearsal.traffic.exact import Vector

WINDOW_SECONDS = 15.0
_WINDOW = int(WINDOW_SECONDS * MICROSECONDS)
Latest = tuple[Vector, Vector, Vector]


class UsageWindow:
    """The use of one ready instance of each service; what starting ones use does not change. The
    means over whole windows count; one begins at every multiple of its length after `zero`."""

    def __init__(self, start_cpu: Vector, start_memory: Vector, zero: Instant) -> None:
        self._zero = zero
        self._starting = (_millicores(start_cpu), np.rint(start_memory).astype(np.int64))
        self._none: Vector = np.zeros(len(start_cpu), dtype=np.float64)
        self._sums: tuple[Vector, Vector] | None = None
        self._seconds = 0.0
        self._latest: Latest = (self._none, self._none, self._none)
        self.at: Instant | None = None

    def add(self, latest: Latest, since: Instant, until: Instant) -> None:
        """What one ready instance used from `since` to `until`: CPU in cores, requests a second,
        and the memory it held in bytes."""
        while since < until:
            left = _WINDOW - (since - self._zero) % _WINDOW
            end = min(until, Instant(since + left))
            if end - since == _WINDOW:
                self._latest, self.at = latest, end
            else:
                self._add_part(latest, (end - since) / MICROSECONDS)
                if end - since == left:
                    self._close(latest[2], end)
            since = end

    def usage(self) -> Usage:
        """The means over the last whole window, in whole millicores and bytes."""
        cpu, _, memory = self._latest
        return Usage(
            _millicores(cpu), self._starting[0], np.rint(memory).astype(np.int64), self._starting[1]
        )

    def requests(self, service: int) -> int:
        """Thousandths of a request a second that one instance got in the last whole window."""
        return round(float(self._latest[1][service]) * 1000)

    def _add_part(self, latest: Latest, seconds: float) -> None:
        cpu, requests = self._sums or (self._none, self._none)
        self._sums = (cpu + latest[0] * seconds, requests + latest[1] * seconds)
        self._seconds += seconds

    def _close(self, memory: Vector, end: Instant) -> None:
        # Memory is what is held now; processor time is what is averaged.
        assert self._sums is not None
        cpu, requests = self._sums
        self._latest = (cpu / self._seconds, requests / self._seconds, memory)
        self._sums, self._seconds = None, 0.0
        self.at = end


def _millicores(cores: Vector) -> Counts:
    found: Counts = np.ceil(cores * 1000.0 - 1e-6).astype(np.int64)
    return found
