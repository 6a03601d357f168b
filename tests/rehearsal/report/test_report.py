import json

from tests.rehearsal.report.rehearsals import rehearsal, run

from kiban.rehearsal.comparing import compared
from kiban.rehearsal.report.document import document
from kiban.rehearsal.report.markup import element
from kiban.rehearsal.report.page import page
from kiban.rehearsal.report.scale import clock, short, thinned, ticks, time_ticks
from kiban.rehearsal.report.text import comparison_text, text
from kiban.rehearsal.summary import summarised

TEXT = """\
FAIL  arcade prod, day: 2 seeds of 3 min at 1a2b3c
0 of 1 expectations hold

✗ web: keeps its error budget: 99.2 %  [1 of 2]
    because pods ended without a drain

  requests         25.8k
  failed requests      6  (3 – 9)
  cost in 3 min    $1.25

Requests that failed (median of the runs):
  web  6  no drain

Findings:
! web: turned round 9 times (09:01)  [2 of 2]

Rests on 1 parameters: 1 assumed
"""


def test_the_text_says_the_verdict_first_and_why() -> None:
    summary = summarised(rehearsal(run(1), run(2, failed=9.0, keeps_budget=False)))

    assert text(summary) == TEXT


def test_a_comparison_says_only_what_differs() -> None:
    before, after = rehearsal(run(1)), rehearsal(run(1, failed=90.0, keeps_budget=False))

    said = comparison_text(compared(summarised(before), summarised(after)))

    assert said == (
        "Against the other revision:\n"
        "✗ web: keeps its error budget: pass before, fail now\n"
        "  failed: 3 before, 90 now\n"
    )
    assert comparison_text(compared(summarised(before), summarised(before))) == ""


def test_the_page_needs_nothing_from_anywhere() -> None:
    html = page(summarised(rehearsal(run(1), run(2))), command="kiban rehearse day")

    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "<svg" in html
    assert "<title>zone a lost" not in html
    assert "zone a lost" in html


def test_what_people_name_cannot_break_the_page() -> None:
    assert element("p", "<b>&", title='"x"') == '<p title="&quot;x&quot;">&lt;b&gt;&amp;</p>'


def test_the_document_is_json_that_any_reader_takes() -> None:
    first = summarised(rehearsal(run(1), run(2)))
    plain = json.loads(json.dumps(document(first, compared(first, first)), allow_nan=False))

    replicas = next(each for each in plain["tracks"] if each["subject"] == "api")
    assert replicas["median"] == [1.0, 1.0, None, 1.0]
    assert plain["answer"] == "pass"
    assert plain["comparison"]["new"] == []


def test_thinning_loses_no_spike() -> None:
    values = [0.0] * 10_000
    values[4321] = 7.0

    kept = thinned(values, 100)

    assert len(kept) <= 102
    assert 4321 in kept


def test_scales_are_round() -> None:
    assert ticks(9.0) == [0.0, 5.0, 10.0]
    assert ticks(0.0) == [0.0, 1.0]
    assert ticks(20_000.0, unit="s") == [0.0, 7200.0, 14400.0, 21600.0]
    assert time_ticks(0.0, 86400.0)[1] == 10800.0
    assert clock(90061.0) == "01:01:01 +1d"


def test_numbers_are_said_as_people_do() -> None:
    said = [short(0.25, "s"), short(7200.0, "s"), short(1_250_000), short(42.0, "/s")]

    assert said == ["250 ms", "2 h", "1.25M", "42/s"]
