"""What instances use, averaged over windows as a metrics server does: every fifteen seconds it
looks, and what it tells is the mean since it looked before.

The sums over a window are exact however the model's steps fall.
"""

import numpy as np

from kiban.primitives.instants import MICROSECONDS, Instant
from kiban.rehearsal.ports import Usage
from kiban.rehearsal.traffic.exact import Vector

WINDOW_SECONDS = 15.0
_WINDOW = int(WINDOW_SECONDS * MICROSECONDS)
ROWS = 5
# From this row on it is memory, of which the last look counts and not the mean.
_HELD = 3


class UsageWindow:
    """The use of one ready and one starting instance of each service. The means over whole
    windows count; a window begins at a multiple of its length after `zero`."""

    def __init__(self, services: int, zero: Instant) -> None:
        self._zero = zero
        self._sums: Vector = np.zeros((ROWS, services), dtype=np.float64)
        self._seconds = 0.0
        self._latest: Vector = np.zeros((ROWS, services), dtype=np.float64)
        self.at: Instant | None = None

    def add(self, rows: Vector, since: Instant, until: Instant) -> None:
        """What was used from `since` to `until`, row by row: CPU of ready and of
        starting ones in cores, requests a second of a serving one, memory of both in bytes."""
        while since < until:
            end = min(until, Instant(self._end_of_window(since)))
            seconds = (end - since) / MICROSECONDS
            self._sums += rows * seconds
            self._seconds += seconds
            if (end - self._zero) % _WINDOW == 0:
                self._close(rows, end)
            since = end

    def usage(self) -> Usage:
        """The means over the last whole window, in whole millicores and bytes."""
        cpu = np.ceil(self._latest[:2] * 1000.0 - 1e-6).astype(np.int64)
        memory = np.rint(self._latest[_HELD:]).astype(np.int64)
        return Usage(cpu[0], cpu[1], memory[0], memory[1])

    def requests(self, service: int) -> int:
        """Thousandths of a request a second that one instance got in the last whole window."""
        return round(float(self._latest[2, service]) * 1000)

    def _close(self, rows: Vector, end: Instant) -> None:
        self._latest = self._sums / self._seconds
        self._latest[_HELD:] = rows[_HELD:]
        self._sums = np.zeros_like(self._sums)
        self._seconds = 0.0
        self.at = end

    def _end_of_window(self, since: Instant) -> int:
        return since + _WINDOW - (since - self._zero) % _WINDOW
