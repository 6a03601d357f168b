"""The questions that people ask before a change, each answered on a small platform that is
rehearsed for some minutes."""

from tests.rehearsal.scenarios.towns import API, PLATFORM, TIDY, played

from kiban.rehearsal.results import Finding
from kiban.rehearsal.scenarios import findings


def answer(code: str, scenario: str, **changes: str) -> Finding:
    """The finding of a kind; there must be one."""
    evidence, _ = played(scenario, **changes)
    return next(one for one in findings(evidence) if one.code == code)


# Will this budget deadlock a node upgrade?

UPGRADE = '{from: 12:00, duration: 45m, acts: [{at: 1m, upgradeNodes: "*"}]}'


def test_a_budget_that_lets_nobody_go_deadlocks_a_node_upgrade() -> None:
    by_hand = "reason: written by hand, set: 0"
    patch = f'patches:\n  "PodDisruptionBudget/api spec.maxUnavailable": {{{by_hand}}}\n'
    found = answer("upgrade-deadlock", UPGRADE, api=API + patch)
    assert (found.answer, found.subject) == ("fail", "base")
    assert found.what.startswith("its upgrade never ends: api-")
    assert found.why == "the budget forbids it: api (maxUnavailable 0)"


def test_a_budget_that_lets_one_go_does_not() -> None:
    found = answer("upgrade-completes", UPGRADE)
    assert (found.answer, found.subject) == ("pass", "base")
    assert found.what.startswith("its nodes are renewed in ")


# Does this autoscaler oscillate after a deploy?

DEPLOY = """{from: 12:00, duration: 30m, traffic: {curve: constant},
acts: [{at: 2m, deploy: web}]}"""
SERVICES = "services: {web: {peak: 90/s, WARM}}\n" + f"scenarios: {{played: {DEPLOY}}}\n"


def test_an_autoscaler_stays_calm_when_new_instances_are_as_quick_as_old_ones() -> None:
    found = answer("autoscaler-calm", DEPLOY, rehearsal=SERVICES.replace(", WARM", ""))
    assert found.what == "the autoscaler stays calm after the deploy"


def test_it_overshoots_when_new_instances_have_to_warm_up() -> None:
    cold = SERVICES.replace("WARM", "warm: 3m, warmFactor: 3")
    found = answer("autoscaler-swings", DEPLOY, rehearsal=cold)
    assert found.subject == "web"
    assert found.what.startswith("after its deploy it grows from 4 to ")


# How long until the pods of a lost zone serve again?


def test_the_pods_of_a_lost_zone_serve_again_after_minutes() -> None:
    text = "{from: 12:00, duration: 20m, acts: [{at: 2m, loseZone: first}]}"
    found = answer("zone-loss", text)
    assert found.subject == "zone1a"
    assert "serve again after 6 min" in found.what


# Which subnet runs out first?


def test_the_subnet_that_runs_out_first_is_named_with_its_time() -> None:
    subnets = "subnets: {zone1a: {cidr: 10.0.0.0/22}, zone1b: {cidr: 10.0.4.0/26}}"
    platform = PLATFORM.replace("    nodes:\n", f"    {subnets}\n    nodes:\n")
    text = "{from: 12:00, duration: 15m, acts: [{at: 5m, fillSubnet: zone1b, leave: 3}]}"
    found = answer("subnet-short", text, platform=platform)
    assert found.subject == "zone1b 10.0.4.0/26"
    assert found.what.startswith("it runs short first: ")
    assert found.what.endswith(("left at 12:05", "left at 12:06"))


# What does half spot save and risk?


def test_half_spot_saves_a_third_of_the_bill_and_risks_what_a_sweep_shows() -> None:
    text = "{from: 12:00, duration: 15m, acts: [{at: 2m, interruptSpot: 100%}]}"
    found = answer("spot-saves", text)
    assert found.what.startswith("saves $")
    assert found.why == "2 machines were taken back; 0 requests were lost with machines"


# Does the 08:00 wake fire every missed job at once?

NIGHT = "{from: 06:00, duration: 40m, acts: [{at: 1m, sleep: true}, {at: 30m, wake: true}]}"


def test_waking_fires_every_missed_job_at_once() -> None:
    bill = 'job: bill\nschedule: "*/10 * * * *"\n'
    found = answer("wake-herd", NIGHT, tidy=TIDY, bill=bill)
    assert found.answer == "fail"
    assert found.what == "waking starts each of its 2 cron jobs at once, before services are ready"


def test_waking_fires_none_that_missed_nothing() -> None:
    found = answer("wake-calm", NIGHT, tidy='job: tidy\nschedule: "0 3 * * *"\n')
    assert found.what == "waking starts no cron job at once"
