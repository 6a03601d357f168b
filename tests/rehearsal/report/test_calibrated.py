import json
from math import nan
from pathlib import Path

import pytest

from kiban.rehearsal.calibration import Calibration, Comparison
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
    "web": Recording(TIMES, {"requests": (10.0, 20.0, 30.0), "cpu": (0.1, nan, 0.3)}),
}
ANSWER = Modelled(
    (0.0, 20.0), {("web", "requests"): (10.0, 40.0), ("web", "cpu"): (0.2, 0.4)}
)  # fmt: skip
FOUND = Calibration(
    (Comparison("web", "cpu", 0.005, 0.01, 0.04, 12, True),), {}
)  # fmt: skip


def test_a_figure_is_compared_where_both_have_it() -> None:
    found = {pair.figure: pair for pair in pairs(MEASURED, ANSWER)}

    assert found.keys() == {"requests", "cpu"}
    assert (found["requests"].measured, found["requests"].modelled) == (20.0, 25.0)
    assert found["cpu"].ratio == pytest.approx(1.5)


def test_the_text_sets_model_beside_measurement() -> None:
    lines = side_by_side(FOUND, MEASURED, ANSWER).splitlines()

    assert "web      cpu        0.005    0.01    4%" in lines
    assert "web      requests  20/s       25/s       1.25" in lines


def test_page_and_document_hold_the_same() -> None:
    html = calibration_page(FOUND, MEASURED, ANSWER)
    plain = json.loads(json.dumps(calibration_document(FOUND, MEASURED, ANSWER), allow_nan=False))

    assert "<svg" in html
    assert "1.25" in html
    assert [each["figure"] for each in plain["figures"]] == ["requests", "cpu"]


def test_only_the_load_that_was_sent_comes_to_the_model() -> None:
    case = Case(read_directory(ARCADE), "dev", ("day",))

    answer = modelled(case, {"stamp": ((0.0, 120.0), (30.0, 30.0))}, 120.0)

    assert max(answer.at("web", "requests", TIMES)) == 0.0
    assert answer.at("stamp", "requests", (100.0,))[0] == pytest.approx(30.0, rel=0.1)
    assert answer.at("stamp", "cpu", (100.0,))[0] > 0.0
