"""The times of a schedule: five cron fields, `@daily` and its like, or `@every 90s`.

`cronsim` does the arithmetic of the fields, summer time included; nobody else imports it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from kiban.primitives.instants import (
    Instant,
    from_datetime,
    later,
    parse_span,
    to_datetime,
    whole_second,
)

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "


class ScheduleError(ValueError):
    """A schedule or a time zone that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """`after` gives the first time of the schedule after an instant; None when there is none."""

    after: Callable[[Instant], Instant | None]


def parse_schedule(text: str, zone: tzinfo = UTC) -> Schedule:
    """Read a schedule. Raises `ScheduleError`."""
    if text.startswith(_EVERY):
        return _every(text.removeprefix(_EVERY))
    fields = _MACROS.get(text.strip(), text).replace("?", "*")
    if len(fields.split()) != 5:
        raise ScheduleError(f"expected exactly 5 fields, found {len(fields.split())}: {text}")
    try:
        CronSim(fields, to_datetime(Instant(0)).astimezone(zone))
    except CronSimError as error:
        raise ScheduleError(f"{error}: {text}") from error

    def after(instant: Instant) -> Instant | None:
        moment = to_datetime(instant).astimezone(zone)
        following = next(CronSim(fields, moment), None)
        return from_datetime(following) if following is not None else None

    return Schedule(after)


def _every(span: str) -> Schedule:
    try:
        seconds = max(1, int(parse_span(span)))
    except ValueError as error:
        raise ScheduleError(str(error)) from error
    return Schedule(lambda instant: later(whole_second(instant), seconds))


def parse_zone(name: str | None) -> tzinfo:
    """The time zone of that name. Raises `ScheduleError`."""
    if not name:
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ScheduleError(f"unknown time zone {name}") from error
