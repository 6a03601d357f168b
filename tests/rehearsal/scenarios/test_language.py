"""Scenarios as people write them, and several as one."""

import pytest
from tests.rehearsal.scenarios.towns import files

from kiban.primitives.located import Located
from kiban.primitives.problems import KibanError
from kiban.rehearsal.assumptions import assume
from kiban.rehearsal.scenarios import chosen, known_scenarios, together
from kiban.spec import load_platform

ALL = (
    "day peak campaign deploy bad-deploy zone-loss spot-sweep node-upgrade dependency-down "
    "mass-jobs subnet-full wake"
)


def written(scenario: str) -> dict[str, Located]:
    found = files(scenario)
    return dict(assume(load_platform(found), "prod", found).scenarios)


def test_everybody_has_the_scenarios_of_the_book() -> None:
    known = known_scenarios()
    assert sorted(known) == sorted(ALL.split())
    assert all(one.description and one.expect.model_fields_set for one in known.values())


def test_times_are_of_the_day_or_since_the_start() -> None:
    text = "{from: 23:00, duration: 3h, acts: [{at: 90m, wake: true}, {at: 00:15, sleep: true}]}"
    found = chosen(["played"], written(text))
    assert (found.begin, found.seconds) == (23 * 3600.0, 3 * 3600.0)
    assert [(act.at, act.verb) for act in found.acts] == [(4500.0, "sleep"), (5400.0, "wake")]


def test_scenarios_together_span_the_day_and_keep_their_times() -> None:
    both = chosen(["zone-loss", "campaign"])
    assert both.name == "zone-loss campaign"
    assert [(act.verb, both.begin + act.at) for act in both.acts] == [
        ("surge", 12 * 3600.0),
        ("lose_zone", 12.5 * 3600.0),
    ]
    day = chosen(["day", "zone-loss", "deploy"])
    assert (day.begin, day.seconds) == (0.0, 86_400.0)
    assert day.expect.recovers == 300.0 and day.expect.lost == 0
    # What the day may use of its budgets must not be forbidden by the deploy.
    assert day.expect.error_budget == 100.0


def test_without_a_name_it_is_the_day() -> None:
    assert chosen([]).name == "day"
    assert together([chosen(["day"])]) == chosen(["day"])


def test_a_scenario_of_the_repo_counts_before_everybodys() -> None:
    text = files()["rehearsal.yaml"].replace("played", "day")
    found = files(rehearsal=text)
    known = assume(load_platform(found), "prod", found).scenarios
    assert chosen(["day"], known).seconds == 60.0


def test_an_unknown_name_says_what_was_meant() -> None:
    with pytest.raises(KibanError, match="did you mean 'zone-loss'"):
        chosen(["zone-lost"])


@pytest.mark.parametrize(
    ("scenario", "message"),
    [
        ("{acts: [{at: 1h}]}", "the act has no verb"),
        ("{acts: [{at: 1h, wake: true, surge: 2}]}", "more than one verb: surge, wake"),
        ("{acts: [{at: 1h, wake: true, errors: 5%}]}", "`errors` does not belong to `wake`"),
        ("{acts: [{at: soon, wake: true}]}", "'soon' is neither a time of day"),
        ("{acts: [{at: 1h, deplyo: web}]}", "did you mean `deploy`"),
        ("{from: 25:00}", "not a time of day"),
        ("{duration: 1h, acts: [{at: 1h, wake: true}]}", "1h is not within the scenario"),
        ("{from: 08:00, duration: 2h, acts: [{at: 07:00, wake: true}]}", "from 08:00 to 10:00"),
        ("{expect: {errorBudget: most}}", "write it like 10% or 300%"),
        ("{expect: {errorBudgets: 5%}}", "did you mean `errorBudget`"),
    ],
)
def test_mistakes_are_told_with_their_places(scenario: str, message: str) -> None:
    with pytest.raises(KibanError, match=message) as caught:
        known_scenarios(written(scenario))
    assert caught.value.problems[0].place.file == "rehearsal.yaml"
    assert caught.value.problems[0].place.line == 6
