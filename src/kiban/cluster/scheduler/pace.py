"""How quickly a scheduler can tell the API server what it decided.

kube-scheduler's client sends at most so many requests a second, after a burst (`clientConnection`
of KubeSchedulerConfiguration: `qps: 50`, `burst: 100`). Each placement is one, and so is each new
reason why a pod waits. Where a zone is lost that is what takes the time, not the search for nodes.
"""

from kiban.primitives.instants import Instant, seconds_between

# The defaults of kube-scheduler.
REQUESTS_A_SECOND = 50.0
BURST = 100
LEAST_WAIT = 0.001


class Pace:
    """A bucket of requests that may be sent; it fills with time. None in it means to wait."""

    def __init__(self, rate: float = REQUESTS_A_SECOND, burst: int = BURST) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._left = float(burst)
        self._at: Instant | None = None

    def left(self, now: Instant) -> int:
        """The requests that may be sent now."""
        if self._at is not None:
            filled = self._left + seconds_between(self._at, now) * self._rate
            self._left = min(filled, self._burst)
        self._at = now
        return int(self._left)

    def take(self, requests: int) -> None:
        """Send so many; more than there are left is made up for by waiting longer."""
        self._left -= requests

    def wait(self) -> float:
        """Seconds until the next may be sent, as of the last look."""
        if self._left >= 1.0:
            return 0.0
        # So long that time passes, whatever the rounding.
        return max((1.0 - self._left) / self._rate, LEAST_WAIT)
