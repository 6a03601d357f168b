"""Problems."""

import pytest

from kiban.primitives.problems import Exit, KibanError, Place, Problem, nearest


def test_a_problem_says_what_where_why_and_what_to_do() -> None:
    problem = Problem(
        "spec/unknown-field",
        "unknown field replcas",
        Place("services/stamp.yaml", 3, 5),
        why="a misspelt field would be ignored silently",
        fix="write scale",
    )
    assert str(problem) == (
        "services/stamp.yaml:3:5: unknown field replcas [spec/unknown-field]\n"
        "  why: a misspelt field would be ignored silently\n"
        "  fix: write scale"
    )
    assert problem.as_data()["line"] == 3


def test_an_error_carries_all_problems() -> None:
    problems = [Problem("a/b", "one"), Problem("a/c", "two", Place(thing="Deployment/x"))]
    error = KibanError(problems, Exit.REFUSED)
    assert str(error) == "one [a/b]\nDeployment/x: two [a/c]"
    assert error.exit_code == 3


def test_an_error_needs_a_problem() -> None:
    with pytest.raises(AssertionError):
        KibanError([])


def test_nearest_finds_the_word_that_was_meant() -> None:
    assert nearest("replcas", {"replicas", "scale"}) == "replicas"
    assert nearest("zzz", {"replicas"}) == ""
