"""What of the journal is told, to whom, and in which words."""

from typing import Any

import pytest

from kiban.plans.plan import Plan, Step
from kiban.plans.records import Entry, Event, GateAnswered, PlanClosed, PlanOpened, Record
from kiban.primitives.instants import Instant
from kiban.spec.notifications import Notification
from kiban.telemetry.notices import Notice, Notices, is_wanted, named, text_of

NOW = Instant(1_700_000_000_000_000)
TEAMS = {"web": "shopfront", "pay": "money"}


def plan(
    number: int, commit: str = "c0ffee00", message: str = "Be quick", kind: str = "sync",
    subject: str = "shop/prod@eks",
) -> Plan:  # fmt: skip
    steps = (Step("addresses", "apply", "addresses", ""), Step("service:web", "apply", "web", ""))
    facts = {"commit": commit, "author": "Ada", "message": message}
    return Plan(f"p{number}", kind, subject, "deliver", steps, facts=facts)


def closed(number: int, ending: Any, subject: str = "shop/prod@eks") -> PlanClosed:
    return PlanClosed(f"p{number}", subject, ending, "web: crash loop")


def notices(*records: Record) -> list[Notice]:
    taking = Notices()
    entries = (Entry(number, NOW, record) for number, record in enumerate(records, 1))
    return [notice for entry in entries if (notice := taking.take(entry)) is not None]


def delivered(number: int) -> Event:
    return Event("delivery/delivered", "shop/prod@eks", "it is delivered", f"p{number}")


def test_a_delivery_says_which_services_it_touched() -> None:
    (found,) = notices(PlanOpened(plan(1)), closed(1, "done"), delivered(1))
    assert (found.kind, found.environment, found.cluster) == ("delivered", "prod", "eks")
    assert (found.services, found.commit, found.author) == (("web",), "c0ffee00", "Ada")


def test_a_failure_is_told_once_however_often_it_is_tried() -> None:
    tries = [each for n in range(1, 5) for each in (PlanOpened(plan(n)), closed(n, "failed"))]
    (found,) = notices(*tries)
    assert found.kind == "failed"
    assert found.text == "c0ffee00 failed in shop/prod@eks: web: crash loop"


def test_the_next_failure_of_the_same_environment_is_told_again() -> None:
    records: list[Record] = [
        PlanOpened(plan(1)), closed(1, "failed"),
        PlanOpened(plan(2)), closed(2, "done"), delivered(2),
        PlanOpened(plan(3)), closed(3, "failed"),
        PlanOpened(plan(4, "beef0000")), closed(4, "failed"),
    ]  # fmt: skip
    assert [each.kind for each in notices(*records)] == ["failed", "delivered", "failed", "failed"]


def test_healing_and_what_gave_way_to_a_newer_commit_is_no_failure() -> None:
    heal = plan(1, kind="heal")
    assert notices(PlanOpened(heal), closed(1, "failed")) == []
    assert notices(PlanOpened(plan(1)), closed(1, "superseded")) == []
    assert notices(PlanOpened(plan(1)), closed(1, "abandoned")) == []


def test_a_rollback_is_told_when_it_begins_and_once() -> None:
    back = "Roll web back to v1"
    found = notices(PlanOpened(plan(1, message=back)), PlanOpened(plan(2, message=back)))
    assert [(each.kind, each.text) for each in found] == [
        ("rolled-back", "shop/prod@eks: Roll web back to v1")
    ]


def test_a_gate_is_told_when_it_fails_only() -> None:
    about = {"environment": "stg", "service": "pay", "tag": "v3"}
    found = notices(
        GateAnswered("", "errors", "unknown", "no data", about),
        GateAnswered("", "errors", "pass", "0.1%", about),
        GateAnswered("", "errors", "fail", "7% of answers are errors", about),
    )
    assert [(each.environment, each.services, each.text) for each in found] == [
        ("stg", ("pay",), "the gate errors of pay v3 failed in stg: 7% of answers are errors")
    ]


def test_what_people_do_with_releases_is_told_with_who_did_it() -> None:
    data = {"tag": "v2", "who": "ada", "environment": "prod"}
    found = notices(
        Event("release/approved", "pay", "yes", data=data),
        Event("release/quarantined", "pay", "it eats memory", data=data),
        Event("release/lifted", "pay", "mended", data=data),
    )
    assert [(each.kind, each.author) for each in found] == [
        ("approved", "ada"), ("quarantined", "ada"), ("lifted", "ada"),
    ]  # fmt: skip
    assert found[1].text == "pay v2 was quarantined by ada: it eats memory"


def test_other_records_are_not_told() -> None:
    assert notices(Event("notification/told", "notification/x", ""), Event("x/y", "z", "")) == []


def by(**fields: Any) -> Notification:
    return Notification.model_validate({"slack": "HOOK", **fields})


WEB = Notice("failed", 7, NOW, "it failed", "prod", "eks", ("web",), "c0ffee00", "Ada", "Be quick")


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, True),
        ({"on": ["failed"]}, True),
        ({"on": ["delivered", "drift"]}, False),
        ({"environments": ["prod"]}, True),
        ({"environments": ["dev"]}, False),
        ({"services": ["web", "other"]}, True),
        ({"services": ["pay"]}, False),
        ({"teams": ["shopfront"]}, True),
        ({"teams": ["money"]}, False),
        ({"teams": ["shopfront"], "environments": ["dev"]}, False),
    ],
)
def test_every_filter_must_let_a_notice_through(fields: dict[str, Any], wanted: bool) -> None:
    assert is_wanted(WEB, by(**fields), TEAMS) is wanted


def test_what_is_about_a_whole_environment_concerns_every_service_of_it() -> None:
    whole = Notice("refused", 7, NOW, "it is no good", "prod")
    assert is_wanted(whole, by(services=["pay"], teams=["money"]), TEAMS)
    assert not is_wanted(whole, by(services=["pay"], environments=["dev"]), TEAMS)


def test_a_quarantine_is_of_every_environment() -> None:
    image = Notice("quarantined", 7, NOW, "bad", services=("web",))
    assert is_wanted(image, by(environments=["prod"]), TEAMS)


def test_a_template_is_filled_and_what_it_does_not_know_stays() -> None:
    text = "$environment/$service ($team): $commit by $author, $$5"
    assert text_of(WEB, by(template=text), "shop", TEAMS) == (
        "prod/web (shopfront): c0ffee00 by Ada, $5"
    )
    assert text_of(WEB, by(), "shop", TEAMS) == "[shop] it failed"


def test_many_services_are_counted() -> None:
    assert named(("a", "b")) == "a, b"
    assert named(tuple("abcdefg")) == "a, b, c, d, e and 2 more"
