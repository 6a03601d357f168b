"""Points in time and spans between them, as plain numbers.

The core never reads a clock: it is told `now`. An `Instant` is a whole number of microseconds
since 1970 in UTC, so that a wall clock and a virtual clock give the same arithmetic and no
rounding differs between machines. Spans are seconds, as `float`.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)

MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SPAN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SPAN_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def later(instant: Instant, seconds: float) -> Instant:
    """The instant `seconds` after (before, when negative) the given one."""
    return Instant(instant + round(seconds * MICROSECONDS))


def seconds_between(start: Instant, end: Instant) -> float:
    """Seconds from `start` to `end`; negative when `end` is the earlier one."""
    return (end - start) / MICROSECONDS


def whole_second(instant: Instant) -> Instant:
    """The instant cut down to its second, which is all that `metav1.Time` can say."""
    return Instant(instant - instant % MICROSECONDS)


def rfc3339(instant: Instant) -> str:
    """`2026-11-21T12:00:00Z`: the form of `metav1.Time`; fractions are cut."""
    return _second(instant // MICROSECONDS)


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    moment = EPOCH + timedelta(seconds=seconds)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc3339_micro(instant: Instant) -> str:
    """`2026-11-21T12:00:00.000000Z`: the form of `metav1.MicroTime`."""
    seconds, micros = divmod(instant, 1_000_000)
    return f"{_second(seconds)[:-1]}.{micros:06d}Z"


@lru_cache(maxsize=16_384)
def parse_rfc3339(text: str) -> Instant:
    """Read either form, with any offset. Raises `ValueError` for anything else."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it with Z or an offset")
    return from_datetime(moment)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware `datetime`."""
    return Instant((moment - EPOCH) // timedelta(microseconds=1))


def to_datetime(instant: Instant) -> datetime:
    """The aware `datetime`, in UTC, of an instant."""
    return EPOCH + timedelta(microseconds=instant)


def parse_span(text: str) -> float:
    """Seconds of a span as people write it: `15s`, `1m30s`, `250ms`, `2h`, `7d`.

    Raises `ValueError` when the text is anything else.
    """
    parts = _SPAN.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is not a span of time; write it like 15s, 1m30s or 2h")
    return sum(float(number) * _SPAN_SECONDS[unit] for number, unit in parts)


def span(seconds: float) -> str:
    """A span in the shortest exact form that `parse_span` reads back: `90` gives `1m30s`."""
    if seconds < 0:
        raise ValueError("a span cannot be negative")
    left = round(seconds * 1000)
    text = ""
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, left = divmod(left, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"
