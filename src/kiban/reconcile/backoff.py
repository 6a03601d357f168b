"""How long to wait after the n-th failure in a row: doubling, with a ceiling."""

from collections.abc import Hashable
from dataclasses import dataclass, field

# client-go's default rate limiter of a work queue: 5 ms doubling to 1,000 s.
FIRST_SECONDS = 0.005
LONGEST_SECONDS = 1000.0


@dataclass(slots=True)
class Backoff:
    """Failures in a row by item."""

    first_seconds: float = FIRST_SECONDS
    longest_seconds: float = LONGEST_SECONDS
    _failures: dict[Hashable, int] = field(default_factory=dict)

    def failed(self, item: Hashable) -> float:
        """Count a failure; seconds to wait before the next try."""
        count = self._failures.get(item, 0)
        self._failures[item] = count + 1
        return min(self.first_seconds * 2.0 ** min(count, 60), self.longest_seconds)

    def succeeded(self, item: Hashable) -> None:
        """Forget the failures of an item."""
        self._failures.pop(item, None)
