"""The tour's verdict."""

from dataclasses import replace

import pytest

from kiban.operations.tour import Facts, Phase, judge, lines_of

GOOD = Facts(
    requests=6000,
    failed=3,
    rate_per_second=219.7,
    commit_to_serving_seconds=4.2,
    kill_to_ready_seconds=1.1,
    delete_to_restored_seconds=0.2,
    thaw_to_whole_seconds=1.5,
    old_version_answers_after_release=0,
    answered_while_backend_down=400,
    gates_to_promoted_seconds=6.0,
    bad_release_to_rollback_seconds=3.0,
    bad_release_promotions=0,
    other_failures_of_bad_release=0,
    bad_answers_after_rollback=0,
)
STEADY = Phase("steady", True, 900, 0, 0, 5.0, 20.0, 40.0)
KILL = Phase("kill", False, 300, 3, 0, 5.0, 20.0, 40.0)


def test_what_a_crash_costs_is_shown_and_does_not_break_the_promise() -> None:
    report = judge([STEADY, KILL], GOOD)
    assert report.held
    assert report.as_data()["phases"][1]["failed"] == 3


def test_one_request_lost_by_a_planned_change_breaks_it() -> None:
    report = judge([replace(STEADY, failed=1), KILL], GOOD)
    assert not report.held
    [broken] = [entry for entry in report.expectations if entry.answer != "pass"]
    assert broken.name == "requests lost by planned changes (steady)"
    assert (broken.expected, broken.measured) == ("0", "1")


def test_too_many_defaults_in_planned_changes_breaks_it_too() -> None:
    assert judge([replace(STEADY, defaulted=45)], GOOD).held
    assert not judge([replace(STEADY, defaulted=46)], GOOD).held


def test_the_report_reads_line_by_line() -> None:
    lines = lines_of(judge([STEADY], GOOD))
    assert "  steady         900 requests    0 failed     0 with defaults" in "\n".join(lines)
    assert "  ✓ a killed pod is replaced: 1.1 s (expected within 15 s)" in lines


@pytest.mark.parametrize(
    "facts",
    [
        replace(GOOD, requests=4999),
        replace(GOOD, rate_per_second=199.0),
        replace(GOOD, commit_to_serving_seconds=None),
        replace(GOOD, kill_to_ready_seconds=60.0),
        replace(GOOD, answered_while_backend_down=0),
        replace(GOOD, old_version_answers_after_release=1),
        replace(GOOD, gates_to_promoted_seconds=None),
        replace(GOOD, bad_release_to_rollback_seconds=31.0),
        replace(GOOD, bad_release_promotions=1),
        replace(GOOD, other_failures_of_bad_release=1),
        replace(GOOD, bad_answers_after_rollback=None),
    ],
)
def test_what_is_missed_or_not_measured_does_not_pass(facts: Facts) -> None:
    assert not judge([STEADY], facts).held
