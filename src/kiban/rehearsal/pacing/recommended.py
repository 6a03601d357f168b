"""What the autoscalers of one beat have recommended lately: a row for each time, a column for each.

The rows that count are one block of a larger matrix, so that all of them are looked at in one
operation; when its end is reached they move to the beginning.
"""

import numpy as np
from numpy.typing import NDArray

from kiban.primitives.instants import Instant

Counts = NDArray[np.int64]
# A recommendation that was not made.
NONE = -1
_ROWS_AT_FIRST = 64


class Recommended:
    """Recommendations by instant and lane; several rows may be of one instant."""

    def __init__(self) -> None:
        self._matrix: Counts = np.full((_ROWS_AT_FIRST, 0), NONE, dtype=np.int64)
        self._instants: Counts = np.zeros(_ROWS_AT_FIRST, dtype=np.int64)
        self._first = self._end = 0

    @property
    def rows(self) -> Counts:
        """The rows that are remembered, oldest first."""
        return self._matrix[self._first : self._end]

    @property
    def instants(self) -> Counts:
        return self._instants[self._first : self._end]

    def add_lane(self) -> None:
        """One more autoscaler, which has recommended nothing yet."""
        column = np.full((len(self._matrix), 1), NONE, dtype=np.int64)
        self._matrix = np.concatenate((self._matrix, column), axis=1)

    def row_for(self, lane: int, now: Instant) -> Counts:
        """A row of this instant in which this lane has no recommendation yet."""
        for number in range(self._end - 1, self._first - 1, -1):
            if self._instants[number] != now:
                break
            if self._matrix[number, lane] == NONE:
                row: Counts = self._matrix[number]
                return row
        return self.new_row(now)

    def new_row(self, now: Instant) -> Counts:
        """A row of this instant without any recommendation."""
        if self._end == len(self._matrix):
            self._make_room()
        row: Counts = self._matrix[self._end]
        row[:] = NONE
        self._instants[self._end] = now
        self._end += 1
        return row

    def _make_room(self) -> None:
        rows, instants = self.rows, self.instants
        count, lanes = rows.shape
        size = max(_ROWS_AT_FIRST, 2 * count)
        matrix = np.full((size, lanes), NONE, dtype=np.int64)
        times = np.zeros(size, dtype=np.int64)
        matrix[:count], times[:count] = rows, instants
        self._matrix, self._instants = matrix, times
        self._first, self._end = 0, count

    def forget(self, cutoff: int) -> None:
        """Drop the rows from before an instant."""
        self._first += int(self.instants.searchsorted(cutoff, "left"))

    def of(self, lane: int, after: Instant) -> list[tuple[Instant, int]]:
        """What a lane has recommended after an instant."""
        start = self._first + int(self.instants.searchsorted(after, "right"))
        column = self._matrix[start : self._end, lane].tolist()
        times = self._instants[start : self._end].tolist()
        return [
            (Instant(at), value) for at, value in zip(times, column, strict=True) if value != NONE
        ]
