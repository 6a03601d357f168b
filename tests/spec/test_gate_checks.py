"""Mistakes in gates, promotion and image policies, told with their place."""

import pytest

from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

PLATFORM = """\
platform: shop
metrics:
  prom: {{type: prometheus, url: "http://prometheus:9090"}}
environments:
  dev:
    gates: {{errors: {gate}}}
  stg: {{after: dev}}
"""
GOOD = "{indicator: errors, atMost: 1%}"
SERVICE = "image: registry.example/web\nport: 8080\n"


def problems(platform: str, service: str = SERVICE) -> list[str]:
    files = {"platform.yaml": platform, "services/web.yaml": service}
    try:
        load_platform(files)
    except KibanError as error:
        return [f"{one.place}: {one.what}" for one in error.problems]
    return []


@pytest.mark.parametrize(
    "gate",
    [
        GOOD,
        "{slo: true, samples: 10}",
        "{source: prom, query: 'errors', atMost: 3, count: 'requests'}",
        "{indicator: p99, baseline: before, worse: 50%, window: 10m, services: [web]}",
        "{indicator: requests, atLeast: 0.5}",
    ],
)
def test_a_good_gate_is_read(gate: str) -> None:
    assert problems(PLATFORM.format(gate=gate)) == []


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("{atMost: 1%}", "must say one of"),
        ("{indicator: errors, slo: true}", "must say one of"),
        ("{indicator: errors}", "never fails"),
        ("{slo: true, atMost: 1%}", "beside the service's own"),
        ("{query: x, atMost: 1}", "gateway cannot answer"),
        ("{source: prom, indicator: errors, atMost: 1}", "needs a `query`"),
        ("{source: pron, query: x, atMost: 1}", "there is no source 'pron'"),
        ("{indicator: errors, baseline: pre}", "there is no environment 'pre'"),
        ("{indicator: errors, atMost: 1, services: [wbe]}", "there is no service 'wbe'"),
        ("{indicator: eror, atMost: 1}", "must be one of"),
        ("{indicator: errors, atMost: many}", "not a bound"),
    ],
)
def test_a_gate_that_cannot_work_says_why(gate: str, words: str) -> None:
    found = problems(PLATFORM.format(gate=gate))

    assert any(words in one and one.startswith("platform.yaml:6:") for one in found), found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("stg: {promotion: automatic}", "does not say `after`"),
        ("stg: {after: dev, promotion: automatic, manual: true}", "only by a person"),
    ],
)
def test_promotion_needs_to_know_from_where_and_by_whom(words: str, said: str) -> None:
    found = problems(PLATFORM.format(gate=GOOD).replace("stg: {after: dev}", words))

    assert any(said in one for one in found), found


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("{}", "must say one of"),
        ("{semver: ^1, pattern: x}", "must say one of"),
        ("{semver: newest}", "not a range"),
        ("{pattern: '('}", "cannot be read"),
    ],
)
def test_an_image_policy_that_cannot_work_says_why(policy: str, words: str) -> None:
    found = problems(PLATFORM.format(gate=GOOD), f"{SERVICE}images: {policy}\n")

    assert any(words in one for one in found), found
    assert problems(PLATFORM.format(gate=GOOD), f"{SERVICE}images: {{semver: ^1.4}}\n") == []
