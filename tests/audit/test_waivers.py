"""Waivers: accepted for a while, by somebody, for a reason."""

import pytest

from kiban.audit import Finding, Severity, check, judge, load_waivers
from kiban.kube.objects import Key
from kiban.primitives.instants import parse_rfc3339
from kiban.primitives.problems import KibanError

TEXT = """\
one-instance:
  rule: replicas-min
  object: Deployment/*
  environment: shop-dev
  owner: core
  reason: nobody waits for dev
  expires: 2026-12-31
"""
FINDING = Finding(
    "replicas-min",
    Severity.ADVICE,
    Key("apps", "Deployment", "shop-dev", "web"),
    "spec.replicas",
    "there is only one instance",
    "",
    "",
)
BEFORE, LAST = parse_rfc3339("2026-11-21T00:00:00Z"), parse_rfc3339("2026-12-31T23:59:59Z")
AFTER = parse_rfc3339("2027-01-01T00:00:00Z")


@pytest.mark.parametrize("now", [BEFORE, LAST])
def test_a_waiver_holds_until_the_end_of_its_day(now: int) -> None:
    found = judge([FINDING], load_waivers(TEXT), now)  # type: ignore[arg-type]
    assert (found.standing, found.waived, found.problems) == ((), (FINDING,), ())


def test_an_expired_waiver_accepts_nothing_and_is_reported() -> None:
    found = judge([FINDING], load_waivers(TEXT), AFTER)
    assert (found.standing, found.waived) == ((FINDING,), ())
    [problem] = found.problems
    assert problem.what == "the waiver 'one-instance' of core expired on 2026-12-31"
    assert str(problem.place) == "waivers.yaml:1:1"


def test_a_waiver_that_accepts_nothing_is_reported() -> None:
    found = judge(check([]), load_waivers(TEXT), BEFORE)
    assert [one.code for one in found.problems] == ["waiver/unused"]


def test_a_waiver_is_for_its_object_and_environment_only() -> None:
    text = TEXT.replace("shop-dev", "shop-prod")
    assert judge([FINDING], load_waivers(text), BEFORE).standing == (FINDING,)
    text = TEXT.replace("Deployment/*", "Deployment/api")
    assert judge([FINDING], load_waivers(text), BEFORE).standing == (FINDING,)


def test_no_waivers_are_no_problem() -> None:
    assert load_waivers("") == ()
    assert load_waivers("# nothing\n") == ()


def test_every_mistake_in_the_file_is_reported() -> None:
    text = "a: {rule: tag-latest, object: '*', owner: '', reason: because}\nb: {rul: x}\nc: 1\n"
    text += "d: {rule: tag-latest, object: '*', owner: o, reason: because, expires: 2026-02-30}\n"
    with pytest.raises(KibanError) as caught:
        load_waivers(text)
    places = {(one.code, one.place.line) for one in caught.value.problems}
    assert places == {
        ("spec/missing-field", 1),
        ("spec/wrong-value", 1),
        ("spec/unknown-field", 2),
        ("spec/missing-field", 2),
        ("spec/wrong-value", 3),
        ("waiver/date", 4),
    }


def test_a_waiver_of_a_rule_that_nobody_has_is_a_mistake() -> None:
    with pytest.raises(KibanError, match=r"there is no rule 'replica-min'"):
        load_waivers(TEXT.replace("replicas-min", "replica-min"))
