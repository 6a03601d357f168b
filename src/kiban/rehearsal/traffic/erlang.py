"""Waiting in a queue with several servers: Erlang's formulas, and the same for many services.

Sources: A. K. Erlang's loss formula by its usual recursion; the delay formula from it. The
correction for arrivals and service times that are not exponential is Allen and Cunneen's.
"""

import numpy as np
from numpy.typing import NDArray

from kiban.rehearsal.traffic.exact import Vector

Indices = NDArray[np.int64]

# Between two of these utilisations the chance to wait is taken as a straight line.
POINTS = 512
# With more servers than this in one queue, nobody waits until all are busy for long.
MOST_SERVERS = 1024


def erlang_b(load: float, servers: int) -> float:
    """The share that finds all servers busy when nobody may wait; `load` in erlangs."""
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    return blocked


def erlang_c(load: float, servers: int) -> float:
    """The share that must wait when everybody may; 1 when the servers cannot keep up."""
    if load >= servers:
        return 1.0
    blocked = erlang_b(load, servers)
    return blocked / (1.0 - (load / servers) * (1.0 - blocked))


def mean_wait(load: float, servers: int, time: float, *, variation: float = 1.0) -> float:
    """Seconds in the queue on average. `variation` is the mean of the squared coefficients of
    variation of the times between arrivals and of the service times: 1 for M/M/c."""
    if load >= servers:
        return float("inf")
    return erlang_c(load, servers) * time / (servers - load) * variation


class DelayTable:
    """The chance to wait for many services at once, by number of servers and utilisation.

    A row is computed when a number of servers is met for the first time.
    """

    def __init__(self) -> None:
        self._rows: dict[int, int] = {}
        self._grid = np.arange(POINTS, dtype=np.float64) / POINTS
        # All rows behind each other: the value at a point, and the way from it to the next.
        self._low = np.zeros(0, dtype=np.float64)
        self._rise = np.zeros(0, dtype=np.float64)

    def rows(self, servers: Indices) -> Indices:
        """Where the rows of these numbers of servers begin, for `chance`."""
        wanted = np.minimum(np.maximum(servers, 1), MOST_SERVERS).tolist()
        for count in sorted(set(wanted) - self._rows.keys()):
            self._rows[count] = len(self._low)
            row = self._row(count)
            # At the end of the last interval everybody waits.
            self._low = np.concatenate([self._low, row])
            self._rise = np.concatenate([self._rise, np.diff(row, append=1.0)])
        return np.array([self._rows[count] for count in wanted], dtype=np.int64)

    def chance(self, rows: Indices, utilisation: Vector) -> Vector:
        """The share that must wait, for utilisations below 1."""
        scaled = utilisation * POINTS
        cell = scaled.astype(np.int64)
        part = scaled - cell
        place = rows + cell
        found: Vector = self._low.take(place)
        part *= self._rise.take(place)
        found += part
        return found

    def _row(self, servers: int) -> Vector:
        load = self._grid * servers
        blocked = np.ones(POINTS, dtype=np.float64)
        for k in range(1, servers + 1):
            offered = load * blocked
            blocked = offered / (k + offered)
        found: Vector = blocked / (1.0 - self._grid * (1.0 - blocked))
        return found
