"""Releases on probation, from what is on record."""

from kiban.operations.gates import Verdict
from kiban.operations.probation import (
    Answered,
    answer_of,
    answered,
    answers,
    pending,
    record,
    watches,
)
from kiban.plans.records import Entry, GateAnswered
from kiban.primitives.instants import Instant, later
from kiban.spec.gates import MetricGate
from kiban.telemetry import Deployment

NOW = Instant(1_800_000_000_000_000)
GATE = MetricGate.model_validate({"indicator": "errors", "atMost": 0.01, "window": "60s"})
GOOD, BAD = Verdict("errors", "pass", "good"), Verdict("errors", "fail", "bad")


def delivered(seconds: float, cluster: str = "one", **tags: str) -> Deployment:
    ended = later(NOW, seconds)
    images = {service: f"registry.example/{service}:{tag}" for service, tag in tags.items()}
    subject = f"shop/dev@{cluster}"
    return Deployment(
        subject, "", "", "", later(ended, -5), None, ended, outcome="delivered", images=images
    )


def test_a_release_is_watched_since_it_runs_whatever_else_is_delivered() -> None:
    ran = [delivered(0, web="v1", api="v1"), delivered(100, web="v2", api="v1")]

    found = {watch.service: watch for watch in watches("dev", ran)}

    assert found["web"].since == later(NOW, 100)
    assert found["web"].began == later(NOW, 95)
    assert found["api"].since == NOW
    assert watches("dev", []) == []


def test_a_release_that_comes_again_is_watched_anew() -> None:
    ran = [delivered(0, web="v2"), delivered(50, web="v1"), delivered(100, web="v2")]

    (watch,) = watches("dev", ran)
    earlier = {watch.key("errors"): Answered("pass", "good", later(NOW, 10), True)}

    assert watch.since == later(NOW, 100)
    assert answered(watch, "errors", earlier) is None
    assert list(pending(watch, {"errors": GATE}, earlier)) == ["errors"]


def test_each_cluster_answers_for_itself() -> None:
    (one,) = watches("dev", [delivered(0, "one", web="v1")])
    (two,) = watches("dev", [delivered(0, "two", web="v1")])
    known = answers([Entry(1, later(NOW, 70), answer_of(one, GOOD))])

    assert pending(one, {"errors": GATE}, known) == {}
    assert list(pending(two, {"errors": GATE}, known)) == ["errors"]


def test_a_failure_is_final_at_once_and_a_pass_when_the_window_is_over() -> None:
    (watch,) = watches("dev", [delivered(0, web="v1")])

    def written(verdict: Verdict, seconds: float) -> object:
        found = record(watch, GATE, verdict, None, later(NOW, seconds))
        assert isinstance(found, GateAnswered)
        return found.measured["final"]

    assert written(BAD, 1) is True
    assert written(GOOD, 59) is False
    assert written(GOOD, 60) is True
