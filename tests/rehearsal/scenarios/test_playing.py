"""Scenarios played on a small platform: what happens, and what is found."""

import pytest
from tests.rehearsal.scenarios.towns import API, PLATFORM, WEB, played

from kiban.rehearsal.results import Verdict
from kiban.rehearsal.scenarios import findings, happenings, judge


def whats(evidence: object) -> list[str]:
    return [one["what"] for one in evidence.records]  # type: ignore[attr-defined]


def answers(verdicts: list[Verdict]) -> dict[str, str]:
    return {f"{one.expectation} {one.subject}".strip(): one.answer for one in verdicts}


def test_a_deploy_with_drain_loses_nothing() -> None:
    text = """{from: 12:00, duration: 10m, acts: [{at: 1m, deploy: "*", every: 1m}],
    expect: {errorBudget: 1%, lost: 0, deployed: 5m}}"""
    evidence, _ = played(text)
    assert set(answers(judge(evidence)).values()) == {"pass"}
    assert [one["service"] for one in evidence.of("act.deploy")] == ["api", "hints", "web"]
    assert whats(evidence).count("deploy.done") >= 3


def test_without_drain_requests_are_lost_as_in_life() -> None:
    text = "{from: 12:00, duration: 5m, acts: [{at: 1m, deploy: web}], expect: {lost: 0}}"
    web = WEB + "drain: 0s\n"
    evidence, _ = played(text, web=web)
    lost = evidence.accounts["web"].losses["terminating"]
    # Each of four pods gets its share of sixty requests a second for about a second.
    assert 10 < lost < 200
    assert answers(judge(evidence)) == {"at most 0 requests are lost to pods that stop": "fail"}
    assert "lost-in-rollout" in [one.code for one in findings(evidence)]


def test_a_bad_version_fails_until_it_is_rolled_back() -> None:
    text = """{from: 12:00, duration: 12m, acts: [{at: 1m, deploy: web, errors: 50%, for: 4m}],
    expect: {errorBudget: 100%, recovers: 2m}}"""
    evidence, _ = played(text)
    found = judge(evidence)
    assert [one.answer for one in found if "web" in (one.subject, one.worst)] == ["fail", "pass"]
    failed = dict(evidence.curve("failed", "web"))
    asked = dict(evidence.curve("requests", "web"))
    assert failed[240.0] / asked[240.0] == pytest.approx(0.5, abs=0.01)
    assert failed[660.0] == 0.0


def test_a_version_that_crashes_does_not_get_through() -> None:
    text = "{from: 12:00, duration: 6m, acts: [{at: 1m, deploy: web, crashes: 3s}]}"
    evidence, _ = played(text)
    began = [one["t"] for one in evidence.of("deploy.began")]
    assert began == [60.0]
    assert not [t for one in evidence.of("deploy.done") if (t := one["t"]) > 60]
    # The old instances go on serving: nobody notices.
    assert evidence.accounts["web"].failed == 0


def test_a_lost_zone_is_noticed_and_its_pods_serve_elsewhere() -> None:
    text = """{from: 12:00, duration: 20m, acts: [{at: 2m, loseZone: first}],
    expect: {recovers: 3m, servingAgain: 10m}}"""
    evidence, _ = played(text)
    assert answers(judge(evidence)) and {v.answer for v in judge(evidence)} == {"pass"}
    assert evidence.accounts["web"].losses["silent"] > 100
    found = next(one for one in findings(evidence) if one.code == "zone-loss")
    assert found.subject == "zone1a" and "serve again after" in found.what
    assert happenings(evidence)[0].text == "zone1a is lost"


def test_a_broken_dependency_hits_those_without_a_default() -> None:
    text = """{from: 12:00, duration: 6m, acts: [{at: 1m, break: busiest, for: 2m},
    {at: 4m, break: hints, for: 1m}], expect: {recovers: 1m}}"""
    evidence, _ = played(text)
    assert [one["name"] for one in evidence.of("act.broken")] == ["main", "hints"]
    lost = {name: one.losses.get("dependency", 0.0) for name, one in evidence.accounts.items()}
    assert lost["api"] == pytest.approx(lost["web"], rel=0.01)
    # Nobody needs hints: while they are down, web answers without.
    failed = dict(evidence.curve("failed", "web"))
    assert failed[285.0] == 0.0 and failed[150.0] > 30
    assert {one.answer for one in judge(evidence)} == {"pass"}


def test_a_budget_that_allows_nothing_blocks_a_node_upgrade() -> None:
    reason = "a budget that somebody wrote by hand"
    patch = f"""\
patches:
  "PodDisruptionBudget/api spec.maxUnavailable": {{reason: {reason}, set: 0}}
"""
    text = """{from: 12:00, duration: 40m, acts: [{at: 1m, upgradeNodes: "*"}],
    expect: {upgraded: true}}"""
    evidence, _ = played(text, api=API + patch)
    assert "fail" in {one.answer for one in judge(evidence)}
    found = next(one for one in findings(evidence) if one.code == "upgrade-deadlock")
    assert "api (maxUnavailable 0)" in found.why


def test_waking_starts_what_was_missed() -> None:
    text = """{from: 06:00, duration: 40m, acts: [{at: 1m, sleep: true}, {at: 30m, wake: true}],
    expect: {awake: 2m}}"""
    evidence, stage = played(text)
    assert {one.answer for one in judge(evidence)} == {"pass"}
    asleep = dict(evidence.curve("serving", "web"))
    assert asleep[900.0] == 0.0 and asleep[2100.0] == 4.0
    assert dict(evidence.curve("requests", "web"))[900.0] == 0.0
    assert [one.code for one in findings(evidence)][-1] in ("wake-herd", "wake-calm")
    assert not stage.traffic.losses.by_service().get(("web", "silent"))


def test_a_full_subnet_lets_pods_wait() -> None:
    platform = PLATFORM.replace(
        "    nodes:\n",
        "    subnets: {zone1a: {cidr: 10.0.0.0/26}, zone1b: {cidr: 10.0.1.0/26}}\n    nodes:\n",
    )
    text = """{from: 12:00, duration: 15m, traffic: {curve: constant}, acts: [
    {at: 1m, fillSubnet: zone1a, leave: 0}, {at: 1m, fillSubnet: zone1b, leave: 0},
    {at: 2m, surge: 4, for: 10m}]}"""
    evidence, _ = played(text, platform=platform)
    assert len(evidence.of("act.subnet-filled")) == 2
    codes = [one.code for one in findings(evidence)]
    assert {"subnet-empty", "subnet-short"} & set(codes)


def test_what_cannot_be_done_leaves_the_answer_open() -> None:
    text = "{duration: 2m, acts: [{at: 1m, fillSubnet: zone9}]}"
    evidence, _ = played(text)
    assert answers(judge(evidence)) == {"fillSubnet happens": "unknown"}


def test_many_jobs_wait_for_machines() -> None:
    text = """{from: 12:00, duration: 15m,
    acts: [{at: 1m, startJobs: 20, cpu: 500m, run: 2m}], expect: {pending: 10m}}"""
    evidence, _ = played(text)
    assert {one.answer for one in judge(evidence)} == {"pass"}
    waits = {one.service: one for one in evidence.waits}
    assert waits["rehearsal-jobs"].seconds(0) > 20
    assert whats(evidence).count("machine.launched") > 4


def test_one_seed_gives_one_run_and_another_seed_another() -> None:
    text = """{from: 12:00, duration: 8m, acts: [{at: 1m, interruptSpot: 50%},
    {at: 2m, deploy: web}]}"""
    first, again = played(text, seed=3), played(text, seed=3)
    other = played(text, seed=4)
    assert first[1].world.observations.digest() == again[1].world.observations.digest()
    assert first[1].world.observations.digest() != other[1].world.observations.digest()
    assert first[0].accounts == again[0].accounts


SLOW = "services: {web: {peak: 20/s, time: 6s, workers: 200, cpu: 1ms, STOP}}\n"


@pytest.mark.parametrize(("stop", "least", "most"), [("graceful", 0, 30), ("at-once", 50, 1000)])
def test_who_ends_at_once_loses_what_was_under_way(stop: str, least: int, most: int) -> None:
    text = "{from: 12:00, duration: 5m, acts: [{at: 1m, deploy: web}]}"
    rehearsal = SLOW.replace("STOP", f"stop: {stop}") + f"scenarios: {{played: {text}}}\n"
    evidence, _ = played(text, rehearsal=rehearsal)
    # Four pods with thirty requests under way each, of six seconds; three seconds of drain.
    assert least <= evidence.accounts["web"].losses.get("killed", 0.0) <= most


def test_a_lost_machine_takes_what_its_pods_were_answering() -> None:
    text = "{from: 12:00, duration: 4m, acts: [{at: 1m, loseZone: first}]}"
    rehearsal = SLOW.replace("STOP", "timeout: 20s") + f"scenarios: {{played: {text}}}\n"
    evidence, _ = played(text, rehearsal=rehearsal)
    assert evidence.accounts["web"].losses["silent"] > 60


MAIL = """\
kind: worker
scale: {min: 2, max: 20, metrics: {waiting: 100}}
"""
QUEUE = """\
services:
  web: {peak: 60/s}
  mail: {takes: {web: 1}, time: 50ms, workers: 1}
metrics: {waiting: {service: mail, METRIC}}
scenarios: {played: SCENARIO}
"""


@pytest.mark.parametrize(
    ("act", "why"),
    [
        ("deploy: nobody", "there is no service nobody"),
        ("loseZone: mars", "there is no machine in mars"),
        ("interruptSpot: 50%, zone: mars", "there is no spot machine in mars"),
        ("upgradeNodes: nobody", "there is no node group nobody, only controlPlane"),
        ("break: nobody", "there is no nobody that is used"),
        ("fillSubnet: mars", "there is no subnet in mars"),
        ("surge: 2, services: [nobody]", "there is no service nobody"),
    ],
)
def test_what_is_not_there_leaves_the_answer_open(act: str, why: str) -> None:
    evidence, _ = played(f"{{from: 12:00, duration: 2m, acts: [{{at: 1m, {act}}}]}}")
    [idle] = evidence.of("act.idle")
    assert idle["why"].startswith(why)
    [verdict] = judge(evidence)
    assert verdict.answer == "unknown"


def first_growth(metric: str) -> float | None:
    """When the autoscaler of a worker follows its queue, in seconds after the queue began."""
    text = "{from: 12:00, duration: 16m, traffic: {curve: constant}, acts: [{at: 1m, surge: 2}]}"
    rehearsal = QUEUE.replace("METRIC", metric).replace("SCENARIO", text)
    evidence, _ = played(text, rehearsal=rehearsal, mail=MAIL)
    grown = [one["t"] for one in evidence.records if one["what"] == "scaled"
             and one["service"] == "mail" and one["after"] > 2]  # fmt: skip
    # The warm-up lasts fifteen minutes.
    return grown[0] + 900.0 if grown else None


def test_an_autoscaler_follows_an_external_metric_when_it_sees_it() -> None:
    quick = first_growth("every: 15s")
    late = first_growth("every: 60s, late: 10m")
    assert quick is not None and late is not None
    assert quick < 90.0
    assert 600.0 < late < 780.0
    assert first_growth("absent: true") is None
