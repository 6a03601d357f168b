"""How many calls to somebody else's API may be made, and when the next one.

A budget is refilled evenly, so that a burst is small and an hour never holds more than its share.
What the API says of its own limits is believed where it is stricter.
"""

from kiban.primitives.instants import Instant, later, seconds_between

# Of what an API allows, other programs of the same account need some too.
SHARE = 0.8
BURST = 20.0


class Budget:
    """Calls to one API. `take` before each, `learn` and `rest` from each answer."""

    def __init__(self, per_hour: float, now: Instant) -> None:
        self._usual = self._per_second = per_hour * SHARE / 3600
        self._burst = min(BURST, max(1.0, per_hour * SHARE / 10))
        self._left, self._at = self._burst, now
        self._closed_until = now

    def take(self, now: Instant) -> bool:
        """Whether a call may be made now; if so it counts as made."""
        refilled = self._left + seconds_between(self._at, now) * self._per_second
        self._left, self._at = min(self._burst, refilled), now
        if self._left < 1 or now < self._closed_until:
            return False
        self._left -= 1
        return True

    def learn(self, remaining: float, reset_seconds: float, now: Instant) -> None:
        """The API said how many calls are left until its window begins anew: they are spread over
        that time."""
        if remaining < 1:
            self.rest(reset_seconds, now)
        elif reset_seconds > 0:
            self._per_second = min(self._usual, remaining * SHARE / reset_seconds)

    def rest(self, seconds: float, now: Instant) -> None:
        """The API wants no call for so long."""
        self._closed_until = max(self._closed_until, later(now, seconds))
