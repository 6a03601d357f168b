"""How much one client, and all of them, may ask of the server at a time.

A light form of API Priority and Fairness: each user has a bucket of requests that fills up again,
and a number of requests and watches under way. Whoever takes more is told to come again in a
second; the others do not notice. Administrators are exempt, but for the watches of all. Source:
k8s.io/apiserver/pkg/{endpoints/filters/priority-and-fairness,server/config}.go.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import too_many_requests
from kiban.cluster.authorization.rights import ADMINISTRATORS, ANONYMOUS

_LATER = "Too many requests, please try again later."
# Users remembered; those with nothing under way are forgotten first.
_USERS = 2_000


@dataclass(frozen=True, slots=True)
class Limits:
    """Far above what any client does that is not broken: client-go asks 5 to 50 times a second."""

    # Of one user: requests a second in the long run, at once after a rest, and under way.
    per_second: float = 500.0
    burst: float = 1_000.0
    in_flight: int = 200
    user_watches: int = 1_000
    # Of all: each holds a connection, of the some 10,000 that a process may have.
    watches: int = 4_000
    # Denials of strangers that the audit log takes up, so that no stranger can wash it out.
    strangers_per_second: float = 1.0
    strangers_burst: float = 100.0
    # Requests without credentials under way: what they send is read before it is refused.
    strangers_in_flight: int = 10
    # How long a watch's client may take no bytes, although there are some, before it is closed.
    # What it has not seen waits in the history, not in memory of its own.
    slow_reader_seconds: float = 30.0
    # How long a client may take over a request's body, and sit on a connection without a request.
    body_seconds: float = 60.0
    idle_seconds: float = 75.0
    # Clients send about ten; no server needs to keep and search any number of them.
    headers: int = 100


class Bucket:
    """Tokens that come back with time: so many at once, so many a second in the long run."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second, self._burst = per_second, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        filled = self._left + (now - self._at) * self._per_second
        self._left, self._at = min(filled, self._burst), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class _Share:
    """What one user has under way."""

    __slots__ = ("bucket", "in_flight", "watches")

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.in_flight = self.watches = 0


class Crowd:
    """Everybody who asks, with what each has under way."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._shares: dict[str, _Share] = {}
        self._strangers = Bucket(limits.strangers_per_second, limits.strangers_burst, clock())
        self.watches = 0

    @contextmanager
    def request(self, user: User) -> Iterator[None]:
        """A request's place. Raises `Failure` when the user has taken too much."""
        if ADMINISTRATORS in user.groups:
            yield
            return
        share, limits = self._share(user), self._limits
        most = limits.strangers_in_flight if user is ANONYMOUS else limits.in_flight
        if share.in_flight >= most or not share.bucket.take(self._clock()):
            raise too_many_requests(_LATER, retry_seconds=1)
        share.in_flight += 1
        try:
            yield
        finally:
            share.in_flight -= 1

    def check_watch(self, user: User) -> None:
        """Raises `Failure` when there is no place for another watch, log or tunnel."""
        if self.watches >= self._limits.watches:
            text = f"there are {self._limits.watches} watches already"
            raise too_many_requests(text, retry_seconds=1)
        exempt = ADMINISTRATORS in user.groups
        if not exempt and self._share(user).watches >= self._limits.user_watches:
            text = f"{user.name} has {self._limits.user_watches} watches already"
            raise too_many_requests(text, retry_seconds=1)

    def is_noted(self) -> bool:
        """Whether another denial of somebody unknown is to be recorded."""
        return self._strangers.take(self._clock())

    @contextmanager
    def watch(self, user: User) -> Iterator[None]:
        """A watch's place, which was found free before."""
        share = self._share(user)
        self.watches += 1
        share.watches += 1
        try:
            yield
        finally:
            self.watches -= 1
            share.watches -= 1

    def _share(self, user: User) -> _Share:
        found = self._shares.get(user.name)
        if found is None:
            if len(self._shares) >= _USERS:
                self._forget()
            bucket = Bucket(self._limits.per_second, self._limits.burst, self._clock())
            found = self._shares[user.name] = _Share(bucket)
        return found

    def _forget(self) -> None:
        busy = {name: s for name, s in self._shares.items() if s.in_flight or s.watches}
        self._shares = busy
