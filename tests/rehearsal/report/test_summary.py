import math

from tests.rehearsal.report.rehearsals import rehearsal, run

from kiban.rehearsal.comparing import compared
from kiban.rehearsal.results import worst
from kiban.rehearsal.summary import Range, summarised


def test_an_expectation_is_as_good_as_its_worst_run() -> None:
    summary = summarised(rehearsal(run(1), run(2, keeps_budget=False), run(3)))

    (tally,) = summary.tallies
    assert tally.answer == "fail"
    assert tally.counts == {"pass": 2, "fail": 1, "unknown": 0}
    assert (tally.seed, tally.verdict.found) == (2, "99.2 %")


def test_unknown_never_passes() -> None:
    assert worst(["pass", "unknown"]) == "unknown"
    assert worst(["unknown", "fail"]) == "fail"
    assert worst([]) == "unknown"


def test_a_figure_is_the_median_of_the_runs_between_the_least_and_the_greatest() -> None:
    spread = summarised(rehearsal(run(1), run(2), run(6))).spreads["requests", ""]

    assert spread.median[1] == 112.0
    assert (spread.low[1], spread.high[1]) == (111.0, 116.0)


def test_what_no_run_measured_stays_unmeasured() -> None:
    spread = summarised(rehearsal(run(1), run(2))).spreads["replicas", "api"]

    assert math.isnan(spread.median[2])
    assert spread.median[3] == 1.0


def test_findings_are_counted_once_a_run() -> None:
    (seen,) = summarised(rehearsal(run(1), run(2))).seen

    assert seen.runs == 2


def test_losses_are_medians_with_their_range() -> None:
    summary = summarised(rehearsal(run(1, failed=1.0), run(2, failed=5.0), run(3, failed=2.0)))

    assert summary.losses == {("web", "no drain"): Range(2.0, 1.0, 5.0)}


def test_a_change_within_the_noise_of_the_dice_is_none() -> None:
    before = summarised(rehearsal(run(1, failed=1.0), run(2, failed=5.0), run(3, failed=3.0)))
    noise = summarised(rehearsal(run(1, failed=2.0), run(2, failed=5.0), run(3, failed=4.0)))
    worse = summarised(rehearsal(run(1, failed=9.0), run(2, failed=8.0), run(3, failed=7.0)))

    assert [each.is_real for each in compared(before, noise).changes if each.name == "failed"] == [
        False
    ]
    assert [each.is_real for each in compared(before, worse).changes if each.name == "failed"] == [
        True
    ]


def test_a_comparison_names_the_answers_that_turned() -> None:
    before = summarised(rehearsal(run(1)))
    after = summarised(rehearsal(run(1, keeps_budget=False)))

    (turned,) = compared(before, after).turned
    assert (turned.subject, turned.before, turned.after) == ("web", "pass", "fail")
    assert compared(before, after).new == []
