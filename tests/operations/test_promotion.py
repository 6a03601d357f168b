"""The gates between environments."""

from dataclasses import replace

import pytest

from kiban.operations.promotion import (
    APPROVED,
    LIFTED,
    QUARANTINED,
    Candidate,
    Facts,
    Quarantine,
    approvals,
    candidates,
    quarantines,
    readings,
)
from kiban.plans import Event
from kiban.plans.records import Entry
from kiban.primitives.instants import Instant, later, parse_rfc3339
from kiban.spec.nouns import Environment, Freeze
from kiban.telemetry import Deployment

NOW = parse_rfc3339("2026-11-20T12:00:00Z")  # a Friday
WEB = Candidate("web", "v2", "v1")


def delivered(tag: str, seconds_ago: float, **fields: object) -> Deployment:
    ended = later(NOW, -seconds_ago)
    deployment = Deployment(
        "arcade/dev@local", tag, "", "", ended, None, ended,
        outcome="delivered", images={"web": f"registry.example/web:{tag}"},
    )  # fmt: skip
    return replace(deployment, **fields)  # type: ignore[arg-type]


def facts(*deployments: Deployment, **fields: object) -> Facts:
    return replace(Facts(deployments, {}, {}), **fields)  # type: ignore[arg-type]


def answers(known: Facts, **environment: object) -> dict[str, str]:
    into = Environment.model_validate(environment)
    return {each.gate: each.answer for each in readings(WEB, "prod", into, known, NOW)}


def test_only_what_differs_is_a_candidate() -> None:
    source = {"web": "v2", "api": "v1", "new": "v1"}

    found = candidates(source, {"web": "v1", "api": "v1"})

    assert found == [Candidate("new", "v1"), Candidate("web", "v2", "v1")]
    assert candidates(source, {}, ["api"]) == [Candidate("api", "v1")]


def test_a_release_goes_on_only_from_where_it_runs_well() -> None:
    failing = delivered("v2", 60, outcome="failing", reason="web crashes")

    assert answers(facts(delivered("v2", 60)))["runs well"] == "pass"
    assert answers(facts(delivered("v2", 90), failing))["runs well"] == "fail"
    assert answers(facts(delivered("v1", 60)))["runs well"] == "unknown"
    assert answers(facts())["runs well"] == "unknown"


def test_what_gave_way_before_it_ran_says_nothing() -> None:
    passed_over = delivered("v3", 30, outcome="superseded")

    assert answers(facts(delivered("v2", 60), passed_over))["runs well"] == "pass"


def test_on_several_clusters_it_must_run_well_on_each() -> None:
    other = "arcade/dev@other"
    both = facts(delivered("v2", 5000), delivered("v2", 60, subject=other))
    half = facts(delivered("v1", 5000, subject=other), delivered("v2", 5000))

    assert answers(both)["runs well"] == "pass"
    assert answers(both, soak=3600.0)["soak"] == "fail"
    assert answers(half)["runs well"] == "unknown"


@pytest.mark.parametrize(("ago", "answer"), [(3599, "fail"), (3600, "pass")])
def test_a_release_soaks_from_the_moment_it_began_to_run(ago: float, answer: str) -> None:
    known = facts(delivered("v1", 9000), delivered("v2", ago), delivered("v2", 10))

    assert answers(known, soak=3600.0)["soak"] == answer


def test_soaking_begins_again_when_it_was_broken_off() -> None:
    known = facts(delivered("v2", 9000), delivered("v1", 5000), delivered("v2", 10))

    assert answers(known, soak=3600.0)["soak"] == "fail"


@pytest.mark.parametrize(
    ("now", "answer"),
    [
        ("2026-11-20T08:59:59Z", "pass"),
        ("2026-11-20T09:00:00Z", "fail"),
        ("2026-11-22T22:59:59Z", "fail"),
        ("2026-11-22T23:00:00Z", "pass"),
    ],
)
def test_a_freeze_lasts_from_its_start_in_its_own_time_zone(now: str, answer: str) -> None:
    weekend = Freeze(start="0 18 * * FRI", duration=62 * 3600.0, timezone="Asia/Tokyo")
    into = Environment(freeze={"weekend": weekend})

    found = readings(WEB, "prod", into, facts(), parse_rfc3339(now))

    assert {each.gate: each.answer for each in found}["freeze weekend"] == answer


def test_as_many_people_as_it_needs_must_say_yes_to_this_very_release() -> None:
    said = [
        Event(APPROVED, "web", "", data={"tag": "v2", "environment": "prod", "who": who})
        for who in ("aya", "aya", "ken")
    ]
    other = Event(APPROVED, "web", "", data={"tag": "v1", "environment": "prod", "who": "mio"})
    once = approvals(entries(said[0], said[1], other))
    twice = approvals(entries(*said, other))

    assert answers(facts(approvals=once), approvals=2)["approvals"] == "fail"
    assert answers(facts(approvals=twice), approvals=2)["approvals"] == "pass"


def test_a_quarantine_holds_until_it_is_lifted() -> None:
    put = Event(QUARANTINED, "web", "loses points", data={"tag": "v2", "who": "aya"})
    lifted = Event(LIFTED, "web", "mended", data={"tag": "v2", "who": "ken"})

    held = quarantines(entries(put))

    assert held == {("web", "v2"): Quarantine("web", "v2", "loses points", "aya", Instant(1))}
    assert answers(facts(delivered("v2", 60), quarantines=held))["quarantine"] == "fail"
    assert quarantines(entries(put, lifted)) == {}
    assert quarantines(entries(put, lifted, put)) != {}


def entries(*events: Event) -> list[Entry]:
    return [Entry(n, Instant(n), event) for n, event in enumerate(events, 1)]
