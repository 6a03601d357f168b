import json
from math import nan
from pathlib import Path

import pytest

from kiban.rehearsal.calibration import Calibration, Comparison, Missing
from kiban.rehearsal.modelling import Modelled, modelled
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.report.calibrated import (
    calibration_document,
    calibration_page,
    pairs,
    side_by_side,
)
from kiban.rehearsal.running import Case
from kiban.spec import read_directory

ARCADE = Path(__file__).parents[3] / "examples" / "arcade"
TIMES = (0.0, 10.0, 20.0)
MEASURED = {
    "web": Recording(
        TIMES,
        {"requests": (10.0, 20.0, 30.0), "cpu": (0.1, nan, 0.3), "p50": (0.01, 0.01, 1.0)},
    ),
}
ANSWER = Modelled(
    {("web", "requests"): (10.0, 25.0, 40.0), ("web", "cpu"): (0.2, 0.3, 0.4),
     ("web", "p50"): (0.01, 0.01, 0.01)}
)  # fmt: skip
FOUND = Calibration(
    (Comparison("web", "cpu", 0.005, 0.01, 0.04, 12, True),
     Comparison("mail", "takes web", 0.5, 0.25, 0.4, 12, False, True)),
    {},
    (Missing("web", "start", 5.0, "no starts were recorded"),
     Missing("mail", "start", 5.0, "no starts were recorded")),
)  # fmt: skip


def test_a_figure_is_compared_where_both_have_it() -> None:
    found = {pair.figure: pair for pair in pairs(MEASURED, ANSWER)}

    assert found.keys() == {"requests", "cpu", "p50"}
    assert (found["requests"].measured, found["requests"].modelled) == (20.0, 25.0)
    assert found["cpu"].ratio == pytest.approx(1.5)
    # One sample in a burst of noise does not count for all.
    assert found["p50"].ratio == 1.0


def test_the_text_sets_model_beside_measurement() -> None:
    lines = side_by_side(FOUND, MEASURED, ANSWER).splitlines()

    assert "web   cpu        5 ms            10 ms   4%           yes" in lines
    assert (
        "mail  takes web  0.5 (declared)  0.25    40%          no: it explains too little" in lines
    )
    assert "  start of web, mail: no starts were recorded" in lines
    assert "web      requests  20/s      25/s   1.25" in lines
    said = "the model says 1.25 to 1.25 times what was measured, over 1 service"
    assert f"Requests: {said}" in lines


def test_page_and_document_hold_the_same() -> None:
    html = calibration_page(FOUND, MEASURED, ANSWER)
    plain = json.loads(json.dumps(calibration_document(FOUND, MEASURED, ANSWER), allow_nan=False))

    assert "<svg" in html
    assert "1.25" in html
    assert [each["figure"] for each in plain["figures"]] == ["requests", "cpu", "p50"]
    assert [each["declared"] for each in plain["parameters"]] == [False, True]
    assert plain["unfitted"][0]["why"] == "no starts were recorded"


def test_only_the_load_that_was_sent_comes_to_the_model() -> None:
    case = Case(read_directory(ARCADE), "dev", ("day",))

    answer = modelled(case, {"stamp": (30.0, 60.0)})

    assert answer.of("web", "requests") == [0.0, 0.0]
    assert answer.of("stamp", "requests") == pytest.approx([30.0, 60.0], rel=0.001)
    assert answer.of("stamp", "cpu")[1] > answer.of("stamp", "cpu")[0] > 0.0
    assert answer.of("nobody", "cpu") == ()
