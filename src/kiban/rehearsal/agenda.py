"""What is going to happen outside of the controllers, in order of time and of being planned."""

import heapq
from collections.abc import Callable

from kiban.primitives.instants import Instant

Act = Callable[[Instant], None]


class Agenda:
    """Acts by instant; those of one instant in the order in which they were added."""

    def __init__(self) -> None:
        self._heap: list[tuple[Instant, int, Act]] = []
        self._sequence = 0

    def add(self, at: Instant, act: Act) -> None:
        self._sequence += 1
        heapq.heappush(self._heap, (at, self._sequence, act))

    def next_due(self) -> Instant | None:
        return self._heap[0][0] if self._heap else None

    def pop(self, now: Instant) -> Act | None:
        """The first act that is due; None when nothing is due yet."""
        if not self._heap or self._heap[0][0] > now:
            return None
        return heapq.heappop(self._heap)[2]
