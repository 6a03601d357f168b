"""Completion indexes and back-off of Jobs."""

import pytest

from kiban.cluster.controllers.job.backoff import Failures, failures_after
from kiban.cluster.controllers.job.indexes import format_indexes, parse_indexes
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, later, parse_rfc3339, rfc3339

NOW = parse_rfc3339("2026-01-01T00:00:00Z")


def ended(seconds: float) -> Manifest:
    at = rfc3339(later(NOW, seconds))
    state = {"terminated": {"exitCode": 1, "finishedAt": at}}
    return {"metadata": {}, "status": {"containerStatuses": [{"name": "app", "state": state}]}}


def test_indexes_are_written_as_runs() -> None:
    assert format_indexes([0, 1, 2, 3, 5, 7, 8]) == "0-3,5,7,8"
    assert parse_indexes("0-3,5,7,8,20", 10) == [0, 1, 2, 3, 5, 7, 8]


@pytest.mark.parametrize(
    ("count", "expected"), [(1, 10), (2, 20), (3, 40), (6, 320), (7, 600), (50, 600)]
)
def test_the_delay_doubles_up_to_ten_minutes(count: int, expected: float) -> None:
    assert Failures(count, NOW).remaining_seconds(NOW) == expected


def test_a_success_forgets_the_failures_before_it_and_of_its_own_second() -> None:
    before = Failures(3, Instant(NOW - 1))
    after = failures_after(before, [ended(4.7)], [ended(4.9), ended(6)], NOW)
    assert after == Failures(1, later(NOW, 6))


def test_failures_are_remembered_with_the_time_of_the_last() -> None:
    assert failures_after(Failures(), [], [ended(2), ended(1)], NOW) == Failures(2, later(NOW, 2))
