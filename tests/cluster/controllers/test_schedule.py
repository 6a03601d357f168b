"""The times of a schedule, and which of them were missed."""

from datetime import tzinfo

import pytest

from kiban.cluster.controllers.cron_job.missed import missed_times
from kiban.kube.schedule_times import ScheduleError, parse_schedule, parse_zone
from kiban.primitives.instants import Instant, parse_rfc3339, rfc3339

NOON = parse_rfc3339("2026-01-15T12:00:00Z")


def after(text: str, instant: Instant, zone: tzinfo | None = None) -> str:
    schedule = parse_schedule(text, zone or parse_zone(""))
    found = schedule.after(instant)
    assert found is not None
    return rfc3339(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*/5 * * * *", "2026-01-15T12:05:00Z"),
        ("@hourly", "2026-01-15T13:00:00Z"),
        ("@daily", "2026-01-16T00:00:00Z"),
        ("@every 90s", "2026-01-15T12:01:30Z"),
        ("0 9 * * MON", "2026-01-19T09:00:00Z"),
    ],
)
def test_the_next_time_of_a_schedule(text: str, expected: str) -> None:
    assert after(text, NOON) == expected


def test_a_time_zone_moves_the_hour() -> None:
    assert after("0 9 * * *", NOON, parse_zone("Asia/Tokyo")) == "2026-01-16T00:00:00Z"


def test_only_the_latest_missed_time_counts_and_many_are_told() -> None:
    missed = missed_times(parse_schedule("* * * * *"), NOON, Instant(NOON + 7_230_000_000))
    assert missed.latest is not None
    assert (rfc3339(missed.latest), missed.too_many) == ("2026-01-15T14:00:00Z", True)


@pytest.mark.parametrize("text", ["* * * *", "61 * * * *", "@every soon", "hello"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ScheduleError):
        parse_schedule(text)
