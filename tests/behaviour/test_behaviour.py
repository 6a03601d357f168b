"""The recorded timelines as tests: every case that has passed before passes now."""

import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from run import played  # noqa: E402
from states import fold  # noqa: E402

PASSING = (HERE / "passing.txt").read_text().split()


@pytest.mark.parametrize("name", PASSING)
def test_the_controllers_do_what_the_real_ones_did(name: str) -> None:
    _, found = played(json.loads((HERE / "cases" / f"{name}.json").read_text()))
    assert found == []


def test_a_recording_passes_through_its_own_settled_states() -> None:
    case = json.loads((HERE / "cases" / "deploy-rolling-4-25-25.json").read_text())
    states = fold(case["timeline"])
    for wanted in case["settled"]:
        assert any(state.says(wanted["pods"], wanted["objects"]) for state in states)


def test_two_runs_of_a_case_give_the_same_timeline() -> None:
    case = json.loads((HERE / "cases" / "deploy-rolling-3-1-0.json").read_text())
    assert played(case)[0] == played(case)[0]
