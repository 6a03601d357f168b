"""How many requests come when: curves over time, as shares of a service's peak.

A curve knows nothing but the seconds since the start of the rehearsal. Curves of a day and a week
are told at which second of the week the rehearsal begins.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

HOUR = 3600.0
DAY = 24 * HOUR
WEEK = 7 * DAY

# A consumer service's day: low at four, a hump at noon, a higher one at half past eight.
DAY_BY_HOUR = (
    0.45, 0.33, 0.26, 0.22, 0.20, 0.22, 0.30, 0.45, 0.62, 0.72, 0.76, 0.85,
    0.95, 0.88, 0.78, 0.74, 0.75, 0.80, 0.88, 0.96, 1.00, 0.97, 0.82, 0.63,
)  # fmt: skip
# Monday to Sunday.
WEEK_BY_DAY = (0.90, 0.90, 0.91, 0.92, 0.96, 1.00, 0.98)


class Curve(Protocol):
    """Anything that says how much comes at a time."""

    def at(self, seconds: float) -> float: ...


@dataclass(frozen=True, slots=True)
class Constant:
    """Always the same."""

    share: float = 1.0

    def at(self, seconds: float) -> float:
        return self.share


@dataclass(frozen=True, slots=True)
class Daily:
    """The two humps of a day; `start` is the second of the day at which the rehearsal begins, and
    `floor` the least share at night."""

    start: float = 0.0
    floor: float = 0.2

    def at(self, seconds: float) -> float:
        hour = (self.start + seconds) % DAY / HOUR
        share = smooth(DAY_BY_HOUR, hour)
        lowest = min(DAY_BY_HOUR)
        return self.floor + (share - lowest) / (1.0 - lowest) * (1.0 - self.floor)


@dataclass(frozen=True, slots=True)
class Weekly:
    """A day's curve, with days of different weight; `start` is the second of the week, Monday
    first."""

    start: float = 0.0
    floor: float = 0.2

    def at(self, seconds: float) -> float:
        day = int((self.start + seconds) % WEEK / DAY)
        return Daily(self.start % DAY, self.floor).at(seconds) * WEEK_BY_DAY[day]


@dataclass(frozen=True, slots=True)
class Step:
    """From one share to another at a time."""

    at_seconds: float
    before: float
    after: float

    def at(self, seconds: float) -> float:
        return self.before if seconds < self.at_seconds else self.after


@dataclass(frozen=True, slots=True)
class Surge:
    """A factor that rises in a straight line, holds and falls: a campaign, or a flash crowd when
    the rise is short."""

    start: float
    factor: float
    rise: float = 60.0
    hold: float = 1800.0
    fall: float = 1800.0

    def at(self, seconds: float) -> float:
        t = seconds - self.start
        if t < 0 or t > self.rise + self.hold + self.fall:
            return 1.0
        if t < self.rise:
            part = t / self.rise
        elif t <= self.rise + self.hold:
            part = 1.0
        else:
            part = 1.0 - (t - self.rise - self.hold) / self.fall
        return 1.0 + (self.factor - 1.0) * part


@dataclass(frozen=True, slots=True)
class Replay:
    """What was recorded: values at ascending times, in straight lines between them, as they are
    (requests a second) or as shares when the recorder divided them."""

    times: Sequence[float]
    values: Sequence[float]

    def at(self, seconds: float) -> float:
        place = bisect_right(self.times, seconds)
        if place == 0:
            return self.values[0]
        if place == len(self.times):
            return self.values[-1]
        before, after = self.times[place - 1], self.times[place]
        part = (seconds - before) / (after - before)
        return self.values[place - 1] + (self.values[place] - self.values[place - 1]) * part


def smooth(points: Sequence[float], position: float) -> float:
    """A closed curve through equally spaced points (Catmull-Rom), from arithmetic alone."""
    index = int(position)
    t = position - index
    count = len(points)
    a, b, c, d = (points[(index + step) % count] for step in (-1, 0, 1, 2))
    return b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
