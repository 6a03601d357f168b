"""Gates on figures: what is asked, and when an answer is good."""

import math

import pytest

from kiban.operations.gates import (
    Measured,
    Subject,
    Verdict,
    baseline_question,
    gates_of,
    question,
    verdict,
)
from kiban.primitives.instants import Instant, later
from kiban.spec.gates import MetricGate
from kiban.spec.nouns import Environment
from kiban.spec.service import ServiceSpec

NOW = Instant(1_800_000_000_000_000)
BEGAN, DELIVERED = later(NOW, -100), later(NOW, -60)
STAMP = Subject("stamp", "stg", "arcade-stg", "stg")


def gate(**fields: object) -> MetricGate:
    return MetricGate.model_validate({"indicator": "errors", "atMost": "1%", **fields})


def judged(found: Measured, beside: Measured | None = None, /, **fields: object) -> Verdict:
    return verdict("errors", gate(**fields), found, beside)


def test_a_figure_is_held_against_its_bound() -> None:
    assert judged(Measured(0.01, 1000)).answer == "pass"
    failed = judged(Measured(0.0123, 1000))

    assert failed.answer == "fail"
    assert failed.words == "1.23 % errors of 1000 samples is more than 1 % errors"
    assert failed.measured == {"value": 0.0123, "samples": 1000, "atMost": 0.01}


@pytest.mark.parametrize(
    "found",
    [
        Measured(None, 0),
        Measured(None),
        Measured(0.0, None),
        Measured(0.0, 99),
        Measured(0.5, 99),
        Measured(math.nan, 1000),
        Measured(0.0, 1000, "prometheus answered with 503"),
    ],
)
def test_without_a_figure_or_enough_samples_nothing_is_known(found: Measured) -> None:
    assert judged(found).answer == "unknown"


def test_a_query_that_nobody_counts_needs_no_samples() -> None:
    fields = {"indicator": None, "query": "up", "source": "prom"}

    assert judged(Measured(0.0), **fields).answer == "pass"
    assert judged(Measured(0.0), **fields, count="sum(x)").answer == "unknown"


def test_less_than_is_needed_fails() -> None:
    found = judged(Measured(3.0, 1000), indicator="requests", atMost=None, atLeast=5)

    assert (found.answer, found.words.endswith("is less than 5 requests/s")) == ("fail", True)


def test_worse_than_the_baseline_fails_when_it_is_not_chance() -> None:
    same = {"atMost": None, "baseline": "before", "worse": "20%"}

    assert judged(Measured(0.02, 10_000), Measured(0.01, 10_000), **same).answer == "fail"
    assert judged(Measured(0.02, 100), Measured(0.01, 100), **same).answer == "pass"
    assert judged(Measured(0.011, 10_000), Measured(0.01, 10_000), **same).answer == "pass"


def test_a_latency_is_compared_as_it_is() -> None:
    slow = {"indicator": "p99", "atMost": None, "baseline": "before", "worse": "50%"}

    assert judged(Measured(0.2, 1000), Measured(0.1, 1000), **slow).answer == "fail"
    assert judged(Measured(0.14, 1000), Measured(0.1, 1000), **slow).answer == "pass"


def test_a_baseline_that_is_not_known_leaves_it_unknown() -> None:
    assert judged(Measured(0.0, 1000), None, baseline="before").answer == "unknown"
    assert judged(Measured(0.0, 1000), Measured(0.0, 3), baseline="before").answer == "unknown"
    assert judged(Measured(0.5, 1000), None, baseline="before").answer == "fail"


def test_the_release_before_is_measured_until_the_delivery_began() -> None:
    asked = question(gate(baseline="before", window="2m"), STAMP, DELIVERED, NOW)
    before = baseline_question(gate(baseline="before", window="2m"), asked, began=BEGAN)

    assert (asked.since, asked.until) == (DELIVERED, NOW)
    assert before is not None
    assert (before.since, before.until) == (later(BEGAN, -120), BEGAN)
    assert baseline_question(gate(), asked, began=BEGAN) is None


def test_another_environment_is_measured_over_the_same_span() -> None:
    asked = question(gate(baseline="dev"), STAMP, DELIVERED, NOW)
    there = baseline_question(gate(baseline="dev"), asked, began=BEGAN, namespace="arcade-dev")

    assert there is not None
    assert there.subject == Subject("stamp", "dev", "arcade-dev")
    assert (there.since, there.until) == (DELIVERED, NOW)


def test_the_words_of_a_query_are_filled_in() -> None:
    asked = question(gate(), STAMP, DELIVERED, NOW)
    text = 'sum(rate(x{app="$service",ns="$namespace"}[${seconds}s])) $cluster'

    assert asked.filled(text) == 'sum(rate(x{app="stamp",ns="arcade-stg"}[60s])) stg'


def test_the_objectives_of_a_service_become_gates() -> None:
    environment = Environment.model_validate({"gates": {"slo": {"slo": True, "samples": 5}}})
    service = ServiceSpec.model_validate(
        {
            "service": "stamp", "kind": "web",
            "slo": {"availability": "99.9%", "latency": {"p99": "300ms"}},
        }
    )  # fmt: skip

    found = gates_of(environment, service)

    assert {name: (each.indicator, each.at_most) for name, each in found.items()} == {
        "slo errors": ("errors", 0.001),
        "slo p99": ("p99", 0.3),
    }
    assert found["slo p99"].samples == 5


def test_a_gate_is_about_the_services_it_names_and_those_that_are_asked() -> None:
    fields = {"errors": {"indicator": "errors", "atMost": 0.1, "services": ["web"]}}
    environment = Environment.model_validate({"gates": fields})
    everybody = Environment.model_validate({"gates": {"e": {"indicator": "errors", "atMost": 1}}})

    web = ServiceSpec.model_validate({"service": "web", "kind": "web"})
    stamp = ServiceSpec.model_validate({"service": "stamp", "kind": "web"})
    worker = ServiceSpec.model_validate({"service": "notify", "kind": "worker"})

    assert list(gates_of(environment, web)) == ["errors"]
    assert gates_of(environment, stamp) == {}
    assert list(gates_of(everybody, stamp)) == ["e"]
    assert gates_of(everybody, worker) == {}
