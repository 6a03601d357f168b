"""Which time of a schedule has come, and how many were missed before it."""

from dataclasses import dataclass

from kiban.kube.schedule_times import Schedule
from kiban.primitives.instants import Instant

# With more missed than this the controller warns of a clock that may be wrong.
MANY_MISSED = 100


@dataclass(frozen=True, slots=True)
class Missed:
    """The most recent time that has come, if any; from where it was counted; whether there were
    too many before it."""

    latest: Instant | None
    earliest: Instant
    too_many: bool = False


def missed_times(schedule: Schedule, earliest: Instant, now: Instant) -> Missed:
    """The latest time after `earliest` that is not after `now`.

    Source: mostRecentScheduleTime in pkg/controller/cronjob/utils.go. The number of missed ones is
    estimated from the first gap, so that a year of missed minutes is not walked through.
    """
    first = schedule.after(earliest)
    if first is None or now < first:
        return Missed(None, earliest)
    second = schedule.after(first)
    if second is None or now < second:
        return Missed(first, earliest)
    gap = max(second - first, 1)
    number = (now - first) // gap + 1
    start = Instant(first + (number - 2) * gap)
    latest = first
    following = schedule.after(start)
    while following is not None and following <= now:
        latest = following
        following = schedule.after(following)
    return Missed(latest, earliest, too_many=number > MANY_MISSED)
