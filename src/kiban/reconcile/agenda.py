"""What is due when: one entry per item, always at the earliest time asked for.

Plain deduplication would hold an urgent change behind an earlier wish to be called in an hour.
Items due at the same instant come out in the order in which they were first asked for.
"""

import heapq
from typing import Generic, TypeVar

from kiban.primitives.instants import Instant

Item = TypeVar("Item")


class Agenda(Generic[Item]):
    """A queue of items by due instant."""

    def __init__(self) -> None:
        self._due: dict[Item, tuple[Instant, int]] = {}
        self._heap: list[tuple[Instant, int, Item]] = []
        self._sequence = 0

    def __len__(self) -> int:
        return len(self._due)

    def __contains__(self, item: Item) -> bool:
        return item in self._due

    def add(self, item: Item, at: Instant) -> None:
        """Have the item come out at `at`, unless it comes out earlier already."""
        present = self._due.get(item)
        if present is not None and present[0] <= at:
            return
        self._sequence += 1
        self._due[item] = (at, self._sequence)
        heapq.heappush(self._heap, (at, self._sequence, item))

    def discard(self, item: Item) -> None:
        """Forget the item, if it is there."""
        self._due.pop(item, None)

    def next_due(self) -> Instant | None:
        """When the first item is due, or None when there is none."""
        self._drop_stale()
        return self._heap[0][0] if self._heap else None

    def pop(self, now: Instant) -> Item | None:
        """The first item that is due, taken out; None when nothing is due yet."""
        self._drop_stale()
        if not self._heap or self._heap[0][0] > now:
            return None
        _, _, item = heapq.heappop(self._heap)
        del self._due[item]
        return item

    def _drop_stale(self) -> None:
        while self._heap:
            at, sequence, item = self._heap[0]
            if self._due.get(item) == (at, sequence):
                return
            heapq.heappop(self._heap)
