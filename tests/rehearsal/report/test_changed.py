"""What another revision changes, as rows of a table."""

from tests.rehearsal.report.rehearsals import rehearsal, run

from kiban.rehearsal.comparing import compared
from kiban.rehearsal.report.changed import Row, differences
from kiban.rehearsal.report.page import page
from kiban.rehearsal.summary import Summary, summarised


def both() -> tuple[Summary, Summary]:
    before = summarised(rehearsal(run(1)))
    return before, summarised(rehearsal(run(1, failed=90.0, keeps_budget=False)))


def test_what_got_worse_is_red_and_what_got_better_green() -> None:
    before, after = both()
    assert differences(compared(before, after)) == [
        Row("web: keeps its error budget", "passed", "failed", "fail"),
        Row("failed requests", "3", "90", "fail"),
    ]
    assert [row.answer for row in differences(compared(after, before))] == ["pass", "pass"]


def test_the_page_says_what_changed_or_that_nothing_did() -> None:
    before, after = both()
    assert "keeps its error budget</td>" in page(after, before)
    assert "Nothing, beyond what the dice do." in page(before, before)
    assert "What changed" not in page(after)
