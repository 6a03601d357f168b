"""Spans of time as kubectl writes them: `45s`, `5m10s`, `3h20m`, `2d4h`, `400d`, `2y30d`.

Source: k8s.io/apimachinery/pkg/util/duration/duration.go.
"""

from typing import Any

from kiban.primitives.instants import Instant, parse_rfc3339, seconds_between

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def human_duration(seconds: float) -> str:
    """At most two units; the second one only while it matters."""
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    whole = int(seconds)
    if whole < 2 * _MINUTE:
        return f"{whole}s"
    if whole < 10 * _MINUTE:
        return _two(whole, (_MINUTE, "m"), (1, "s"))
    if whole < 3 * _HOUR:
        return f"{whole // _MINUTE}m"
    if whole < 8 * _HOUR:
        return _two(whole, (_HOUR, "h"), (_MINUTE, "m"))
    if whole < 2 * _DAY:
        return f"{whole // _HOUR}h"
    if whole < 8 * _DAY:
        return _two(whole, (_DAY, "d"), (_HOUR, "h"))
    if whole < 2 * _YEAR:
        return f"{whole // _DAY}d"
    if whole < 8 * _YEAR:
        return _two(whole, (_YEAR, "y"), (_DAY, "d"))
    return f"{whole // _YEAR}y"


def _two(seconds: int, large: tuple[int, str], small: tuple[int, str]) -> str:
    count, rest = divmod(seconds, large[0])
    minor = rest // small[0]
    return f"{count}{large[1]}" + (f"{minor}{small[1]}" if minor else "")


def age(timestamp: Any, now: Instant) -> str:
    """The time since an RFC 3339 timestamp; `<unknown>` when there is none."""
    if not timestamp:
        return "<unknown>"
    return human_duration(seconds_between(parse_rfc3339(timestamp), now))
