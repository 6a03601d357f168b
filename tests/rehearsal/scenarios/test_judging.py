"""Verdicts and findings from evidence that is made by hand."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.rehearsal.scenarios.towns import series

from kiban.rehearsal.cloud import Costs
from kiban.rehearsal.observations import Record
from kiban.rehearsal.results import Finding, Verdict
from kiban.rehearsal.scenarios import Scenario, findings, happenings, judge
from kiban.rehearsal.scenarios.evidence import Account, Evidence, NodeUpgrade
from kiban.rehearsal.scenarios.timelines import most_within, recovery, regained, spoken, turns
from kiban.rehearsal.scenarios.watching import Wait
from kiban.rehearsal.scenarios.words import ExpectWords
from kiban.rehearsal.traffic import ExternalMetric, Objective

SLO = Objective(0.999, {"p99": 0.3})


def evidence(
    *records: Record,
    accounts: Mapping[str, Account] | None = None,
    expect: Mapping[str, object] | None = None,
    **more: object,
) -> Evidence:
    words = ExpectWords.model_validate(dict(expect or {}))
    scenario = Scenario("test", 12 * 3600.0, 3600.0, expect=words)
    given: dict[str, object] = {"series": series({}), **more}
    return Evidence(scenario, accounts or {}, records, **given)  # type: ignore[arg-type]


def the(found: list[Verdict]) -> tuple[str, str, str]:
    assert len(found) == 1, found
    return found[0].answer, found[0].found, found[0].subject or found[0].worst


def record(t: float, what: str, **fields: object) -> Record:
    return {"t": t, "what": what, **fields}


def size(t: float, before: int, after: int, service: str = "web") -> Record:
    return record(t, "scaled", name=service, service=service, before=before, after=after)


def test_error_budgets_are_judged_by_share_and_say_why() -> None:
    web = Account(100_000, 60, SLO, losses={"late": 10.0, "silent": 50.0})
    found = judge(evidence(accounts={"web": web}, expect={"errorBudget": "50%"}))
    assert the(found) == (
        "fail",
        "60%: 60 of 100,000 requests failed (0.083% of a month's budget)",
        "web",
    )
    assert found[0].cause.startswith("it reached an instance on a machine that is gone")
    assert found[0].cause.endswith("(50 requests)")
    found = judge(evidence(accounts={"web": web}, expect={"errorBudget": "100%"}))
    assert found[0].answer == "pass"


def test_without_data_nothing_passes() -> None:
    expect = {
        "errorBudget": "1%", "latency": True, "recovers": "1m", "servingAgain": "1m", "lost": 0,
        "deployed": "1m", "upgraded": True, "turns": 1, "cost": 1.0, "awake": "1m",
    }  # fmt: skip
    found = judge(evidence(accounts={"web": Account(0, 0)}, expect=expect))
    assert len(found) == len(expect)
    assert {verdict.answer for verdict in found} == {"unknown"}
    nobody = judge(evidence(accounts={"web": Account(0, 0, SLO)}, expect={"errorBudget": "1%"}))
    assert the(nobody) == ("unknown", "nobody asked for it", "web")


def test_latency_is_judged_by_the_share_that_took_longer() -> None:
    for slow, answer in ((0.004, "pass"), (0.02, "fail")):
        web = Account(1000, 0, SLO, slow={"p99": slow})
        found = judge(evidence(accounts={"web": web}, expect={"latency": True}))
        assert the(found)[0] == answer


def outage(bad_until: float) -> Evidence:
    """Web fails from second 300 until the given one."""
    failed = [20.0 if 300 < n * 15 <= bad_until else 0.0 for n in range(100)]
    serving = [4.0 if n * 15 <= 300 else 2.0 if n * 15 < 450 else 4.0 for n in range(100)]
    curves = {
        "failed": {"web": failed},
        "requests": {"web": [100.0] * 100},
        "serving": {"web": serving},
    }
    return evidence(
        record(300.0, "act.zone-lost", zone="zone1a"),
        accounts={"web": Account(150_000, 400, SLO)},
        expect={"recovers": "2m", "servingAgain": "2m"},
        series=series(curves),
    )


def test_recovery_counts_from_the_fault_to_the_last_failure() -> None:
    assert recovery(outage(360), "web", 300.0) == 60.0
    assert recovery(outage(0), "web", 300.0) == 0.0
    assert recovery(outage(1e9), "web", 300.0) is None
    assert [v.answer for v in judge(outage(360))] == ["pass", "fail"]
    assert judge(outage(600))[0].found == "5 min"
    assert judge(outage(1e9))[0].found == "not until the end"


def test_what_fails_from_the_next_trouble_on_is_not_put_down_to_the_one_before() -> None:
    curves = {
        "failed": {"web": [20.0 if n >= 60 else 0.0 for n in range(100)]},
        "requests": {"web": [100.0] * 100},
        "serving": {"web": [4.0 if n < 60 else 0.0 for n in range(100)]},
    }
    for trouble in ("act.broken", "act.asleep", "act.upgrade"):
        found = judge(
            evidence(
                record(300.0, "act.spot-sweep"),
                record(900.0, trouble),
                accounts={"web": Account(150_000, 400, SLO)},
                expect={"recovers": "2m", "servingAgain": "2m"},
                series=series(curves),
            )
        )
        assert [(one.answer, one.found) for one in found] == [("pass", "at once")] * 2


def test_instances_are_regained_when_as_many_serve_as_before() -> None:
    assert regained(outage(0), "web", 300.0) == 150.0
    found = [one for one in findings(outage(0)) if one.code == "zone-loss"]
    assert "serve again after 2 min 30 s" in found[0].what


def test_a_pod_that_waits_too_long_fails_with_what_was_said_of_it() -> None:
    waits = [Wait("web", "web-1", 10.0, 20.0), Wait("api", "api-1", 600.0, None, "no node fits")]
    found = judge(evidence(expect={"pending": "5m"}, waits=waits))
    assert the(found) == ("fail", "50 min from 12:10 on, and still does", "api")
    assert found[0].cause == "no node fits"
    refused = record(5.0, "event", reason="FailedCreate", service="x", name="x", message="quota")
    assert judge(evidence(refused, expect={"pending": "5m"}))[0].cause == "quota"


def test_requests_lost_to_rollouts_are_counted_apart_from_others() -> None:
    leaving = record(10.0, "pod.leaving", service="web")
    web = Account(1000, 30, losses={"terminating": 12.0, "killed": 3.0, "late": 15.0})
    found = judge(evidence(leaving, accounts={"web": web}, expect={"lost": 0}))
    assert the(found) == ("fail", "15", "web")
    assert [one.code for one in findings(evidence(leaving, accounts={"web": web}))] == [
        "lost-in-rollout"
    ]


def test_the_slowest_deploy_decides() -> None:
    records = [
        record(10.0, "deploy.began", service="api"),
        record(20.0, "deploy.began", service="web"),
        record(40.0, "deploy.done", service="api"),
    ]
    found = judge(evidence(*records, expect={"deployed": "5m"}))
    assert the(found) == ("fail", "not until the end", "web")
    records.append(record(110.0, "deploy.done", service="web"))
    assert the(judge(evidence(*records, expect={"deployed": "5m"}))) == (
        "pass",
        "1 min 30 s",
        "web",
    )


def test_directions_are_counted_within_an_hour() -> None:
    changes = [size(0, 4, 8), size(60, 8, 6), size(90, 6, 5), size(120, 5, 9), size(9000, 9, 4)]
    assert turns(changes) == [60, 120, 9000]
    assert most_within(turns(changes)) == (2, 60)
    found = judge(evidence(*changes, expect={"turns": 1}, limits={"web": 20}))
    assert the(found) == ("fail", "2 times from 12:01 on", "web")


def test_an_autoscaler_that_swings_after_a_deploy_is_found() -> None:
    deploy = record(1000.0, "deploy.began", service="web")
    calm = evidence(size(900, 4, 8), deploy, size(1200, 8, 6), limits={"web": 20})
    assert [one.code for one in findings(calm)] == ["autoscaler-calm"]
    swing = evidence(
        deploy, size(1100, 4, 9), size(1300, 9, 5), size(1500, 5, 9), limits={"web": 20}
    )
    assert [one.code for one in findings(swing)] == ["autoscaler-swings"]


def test_an_autoscaler_that_overshoots_after_a_deploy_is_found() -> None:
    deploy = record(1000.0, "deploy.began", service="web")
    sizes = (size(1060, 4, 7), size(1120, 7, 9), size(1700, 9, 6), size(1800, 6, 5))
    found = findings(evidence(deploy, *sizes, limits={"web": 20}))[0]
    assert found.what == "after its deploy it grows from 4 to 9, and back to 5"
    assert (found.code, found.answer) == ("autoscaler-swings", "unknown")


def test_a_budget_that_blocks_an_upgrade_is_named() -> None:
    upgrade = NodeUpgrade("base", "failed", "PodEvictionFailure", ("web-abc",))
    given = evidence(
        record(900.0, "upgrade.failed", group="base"),
        expect={"upgraded": True},
        upgrades=[upgrade],
        budgets={"web": "web (minAvailable 4)"},
    )
    assert the(judge(given))[0] == "fail"
    found = findings(given)[0]
    assert (found.code, found.answer, found.at) == ("upgrade-deadlock", "fail", 900.0)
    assert "web (minAvailable 4)" in found.why


def test_spot_says_what_it_saves_and_risks() -> None:
    costs = Costs(spot=1.0, on_demand=2.0, control_plane=0.0, saved_by_spot=1.5)
    taken = record(600.0, "spot.taken", node="spot-1", pods=3)
    refused = record(550.0, "eviction.refused", node="spot-1", name="web-1")
    given = evidence(
        taken, refused, costs=costs, budgets={"web": "web (maxUnavailable 1)"},
        accounts={"web": Account(10, 7, losses={"silent": 7.0})},
    )  # fmt: skip
    found = {one.code: one for one in findings(given)}
    assert found["spot-saves"].what == "saves $36.00 a day (33% of $108.00)"
    why = "1 machine was taken back; 7 requests were lost with machines"
    assert found["spot-saves"].why == why
    assert found["spot-drain-too-slow"].subject == "web"


def test_the_first_empty_subnet_is_found() -> None:
    roomy = findings(evidence(addresses={"a": (140.0, 100.0), "b": (40.0, 700.0)}))
    assert (roomy[0].code, roomy[0].subject) == ("subnet-lowest", "b")
    addresses = {"a": (40.0, 100.0), "b": (3.0, 700.0)}
    found = findings(evidence(addresses=addresses))
    assert (found[0].code, found[0].subject) == ("subnet-short", "b")
    assert found[0].what == "it runs short first: 3 addresses left at 12:11"
    missing = {"what": "address.missing", "name": "web-1", "node": "n1", "subnet": "a"}
    found = findings(evidence(record(720.0, **missing, dry=True), addresses=addresses))
    assert (found[0].code, found[0].subject, found[0].answer) == ("subnet-empty", "a", "fail")
    assert "at 12:12" in found[0].what


def test_a_node_without_addresses_is_not_mistaken_for_an_empty_subnet() -> None:
    missing = {"what": "address.missing", "name": "web-1", "node": "n1", "subnet": "a"}
    addresses = {"a": (400.0, 100.0)}
    found = findings(evidence(record(720.0, **missing, dry=False), addresses=addresses))
    assert [(one.code, one.subject) for one in found[:2]] == [
        ("node-addresses", "n1"),
        ("subnet-lowest", "a"),
    ]


@pytest.mark.parametrize(("began", "code"), [(0, "wake-calm"), (1, "wake-herd"), (3, "wake-herd")])
def test_a_herd_of_jobs_at_waking_is_found(began: int, code: str) -> None:
    wake = record(1000.0, "act.woken", workloads=2, jobs=3)
    jobs = [(1001.0 + n, f"job-{n}") for n in range(began)]
    found = findings(evidence(wake, jobs=jobs))[0]
    assert found.code == code
    assert (found.answer == "fail") == (began == 3)
    said = ("starts none of", "starts 1 of", "", "starts each of")[began]
    assert found.what.startswith(f"waking {said} its 3 cron jobs")


def test_standing_at_the_maximum_is_found() -> None:
    curves = series({"utilisation": {"web": [0.5] * 120 + [1.3] * 120}})
    given = evidence(size(1800, 8, 12), size(3000, 12, 9), limits={"web": 12}, series=curves)
    found = findings(given)[0]
    assert (found.code, found.answer) == ("at-maximum", "fail")
    assert found.what == "it stands at its maximum of 12 for 20 min, 130% busy"


def test_who_stood_at_the_maximum_before_the_start_stands_there_still() -> None:
    curves = series({"utilisation": {"web": [0.7] * 240}})
    given = evidence(size(-60, 8, 12), size(1200, 12, 9), limits={"web": 12}, series=curves)
    assert findings(given)[0].what == "it stands at its maximum of 12 for 20 min, 70% busy"
    assert findings(evidence(size(-60, 12, 8), limits={"web": 12}, series=curves)) == []


def test_a_queue_that_is_being_worked_off_at_the_end_is_not_called_hopeless() -> None:
    def behind(*queue: float) -> Finding:
        asked = {"requests": {"mail": [10.0] * len(queue)}, "queue": {"mail": list(queue)}}
        given = evidence(
            accounts={"mail": Account(1, 0)}, series=series(asked), fed=frozenset({"mail"})
        )
        [found] = findings(given)
        return found

    assert behind(0, 700, 1400).what.endswith("does not catch up: 1,400 messages wait at 12:00")
    assert behind(0, 700, 1400).answer == "fail"
    working = behind(0, 1400, 700)
    assert "has not caught up at the end, when 700 still wait" in working.what
    assert working.answer == "unknown"
    assert "has caught up at 12:00" in behind(0, 1400, 0).what


def test_nobody_is_said_to_go_on_without_what_nobody_calls() -> None:
    broken = record(5.0, "act.broken", name="web")
    given = evidence(broken, accounts={"web": Account(100, 50, losses={"fault": 50.0})})
    assert findings(given) == []
    spared = findings(replace(given, called=frozenset({"web"})))
    assert [one.code for one in spared] == ["dependency-spared"]


def test_late_and_absent_metrics_are_found() -> None:
    metrics = {
        "fresh": ExternalMetric("fresh", "web", every=15.0),
        "gone": ExternalMetric("gone", "web", absent=True),
        "late": ExternalMetric("late", "api", every=60.0, late=600.0),
    }
    found: list[Finding] = findings(evidence(metrics=metrics))
    assert [(one.code, one.subject) for one in found] == [
        ("metric-absent", "web"),
        ("metric-late", "api"),
    ]
    assert "up to 11 min ago" in found[1].what


def test_what_could_not_be_done_is_not_rehearsed() -> None:
    idle = record(5.0, "act.idle", act="fillSubnet", why="there are no subnets")
    assert the(judge(evidence(idle)))[0] == "unknown"
    assert happenings(evidence(idle))[0].text == "fillSubnet does nothing: there are no subnets"


def test_a_cost_ceiling_counts_by_the_day() -> None:
    costs = Costs(on_demand=2.0)
    given = evidence(costs=costs, expect={"cost": 40.0})
    assert the(judge(given)) == ("fail", "$48.00 a day", "")
    cheaper = replace(given, costs=Costs(on_demand=1.5))
    assert the(judge(cheaper))[0] == "pass"


def test_spans_are_spoken() -> None:
    spans = (0.4, 45, 60, 390, 3600, 7500)
    assert [spoken(one) for one in spans] == [
        "0 s", "45 s", "1 min", "6 min 30 s", "1 h", "2 h 5 min",
    ]  # fmt: skip
