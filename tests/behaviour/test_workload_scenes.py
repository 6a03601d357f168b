"""Rules of the workload controllers that no recording shows, on the recorder's own nodes."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scenes import (
    EXITS,
    NEVER_READY,
    NODES,
    RUN,
    RUNS,
    at,
    cron_job,
    image,
    job,
    last,
    seen,
    template,
    times,
    workload,
)


def test_a_job_that_waits_to_replace_a_pod_counts_nothing_while_others_are_ready() -> None:
    notes = {RUN: "20", RUNS: json.dumps({"1": 2}), EXITS: json.dumps({"1": [1, 0], "*": [0]})}
    work = job(notes, completions=3, parallelism=3, completionMode="Indexed")
    facts = seen([work], seconds=16)
    [failed] = times(facts, "pod.failed")
    assert last(facts, "job", until=failed + 5)["status"] == {
        "active": 3, "ready": 3, "terminating": 0,
    }  # fmt: skip
    replaced = times(facts, "pod.created")[-1]
    assert replaced == pytest.approx(failed + 10, abs=1)
    assert last(facts, "job", until=replaced + 0.5)["status"]["failed"] == 1


def test_a_job_says_that_nothing_is_active_while_it_waits_and_nothing_is_ready() -> None:
    notes = {RUN: "30", EXITS: json.dumps({"*": [1]}), RUNS: json.dumps({"0": 0})}
    work = job(notes, completions=2, parallelism=2, completionMode="Indexed")
    unready = at(1.7, "pod-ready", pod="work/2", ready=False)
    facts = seen([work], unready, seconds=6)
    assert last(facts, "job", until=5)["status"] == {"ready": 0, "failed": 1, "terminating": 0}


def test_old_daemons_that_serve_nobody_count_among_those_that_may_be_missing() -> None:
    agent = workload("DaemonSet", "agent")
    broken = at(8, "patch", kind="DaemonSet", name="agent", patch=image(2, **{NEVER_READY: "true"}))
    mended = at(16, "patch", kind="DaemonSet", name="agent", patch=image(3, **{NEVER_READY: None}))
    facts = seen([agent], broken, mended, seconds=30)
    asked = times(facts, "pod.terminating")
    # The broken one alone at first; the next only when its successor serves.
    assert [second for second in asked if second < 17] == [8, 16]
    assert min(second for second in asked if second > 17) > 20


def test_daemons_are_seen_to_be_available_at_planned_looks_only() -> None:
    facts = seen([workload("DaemonSet", "agent", minReadySeconds=3)], seconds=12)
    first = times(facts, "pod.ready")[0]
    changes = [
        (fact["t"], fact["status"]["numberAvailable"])
        for fact in facts
        if fact["what"] == "daemonset" and "numberAvailable" in fact["status"]
    ]
    assert changes == [(pytest.approx(first + 3), 1), (pytest.approx(first + 6), 3)]


def test_a_parallel_set_replaces_the_next_member_once_the_last_is_available() -> None:
    db = workload(
        "StatefulSet", "db", replicas=2, serviceName="db", minReadySeconds=4,
        podManagementPolicy="Parallel",
    )  # fmt: skip
    update = at(14, "patch", kind="StatefulSet", name="db", patch=image(2))
    facts = seen([db], update, seconds=30)
    ready = times(facts, "pod.ready", "db-1/2")[0]
    assert times(facts, "pod.terminating", "db-0/1") == [pytest.approx(ready + 4, abs=1)]


def test_a_set_that_is_returned_to_is_numbered_before_the_old_pods_have_ended() -> None:
    web = workload("Deployment", "web", replicas=1, strategy={"type": "Recreate"})
    facts = seen(
        [web],
        at(6, "patch", kind="Deployment", name="web", patch=image(2)),
        at(15, "patch", kind="Deployment", name="web", patch=image(1)),
        seconds=18,
    )
    assert last(facts, "deployment", until=15.5)["revision"] == "3"


def test_a_new_schedule_starts_no_job_for_a_time_that_has_passed() -> None:
    tick = cron_job({RUN: "3"}, schedule="0 0 1 1 *")
    often = at(40, "patch", kind="CronJob", name="tick", patch={"spec": {"schedule": "* * * * *"}})
    facts = seen([tick], often, seconds=95, second_of_minute=30)
    assert times(facts, "pod.created") == [pytest.approx(90, abs=1)]


@pytest.mark.parametrize("kind", ["StatefulSet", "DaemonSet"])
def test_the_history_that_an_orphaning_delete_leaves_is_adopted(kind: str) -> None:
    more = {"replicas": 2, "serviceName": "db"} if kind == "StatefulSet" else {}
    db = workload(kind, "db", **more)
    orphaned = at(10, "delete", kind=kind, name="db", options={"propagationPolicy": "Orphan"})
    facts = seen([db], orphaned, at(13, "create", manifest=db), seconds=20)
    assert times(facts, "pod.terminating") == []
    assert {fact["revision"] for fact in facts if fact["what"] == "pod.created"} == {"rev1"}


def test_of_a_daemon_set_on_its_way_out_no_status_is_kept() -> None:
    foreground = {"propagationPolicy": "Foreground"}
    gone = at(8, "delete", kind="DaemonSet", name="agent", options=foreground)
    facts = seen([workload("DaemonSet", "agent")], gone, seconds=14)
    assert last(facts, "daemonset", until=14)["status"]["numberReady"] == 3
    assert times(facts, "daemonset.gone") == [pytest.approx(9.7)]


def test_a_job_that_is_being_deleted_is_looked_at_a_second_later() -> None:
    foreground = {"propagationPolicy": "Foreground"}
    gone = at(8, "delete", kind="Job", name="work", options=foreground)
    facts = seen([job({RUN: "30"})], gone, seconds=14)
    assert last(facts, "job", until=8.9)["status"]["active"] == 1
    assert last(facts, "job", until=9.1)["status"]["terminating"] == 1


def test_a_job_counts_no_pod_as_active_that_a_quota_refuses() -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "few"},
        "spec": {"hard": {"pods": "1"}},
    }
    facts = seen([quota, job({RUN: "3"}, completions=2, parallelism=2)], seconds=7)
    assert last(facts, "job", until=1)["status"]["active"] == 1
    # The end of the first is told whole at once, though the second had been refused.
    assert last(facts, "job", until=5.7)["status"]["succeeded"] == 1


def test_a_set_waits_in_silence_for_a_name_that_another_pod_has() -> None:
    db = workload("StatefulSet", "db", replicas=2, serviceName="db")
    labels = {"metadata": {"labels": {"app": "other"}}}
    facts = seen([db], at(10, "patch", kind="Pod", name="db-1", patch=labels), seconds=20)
    assert "FailedCreate" not in {fact.get("reason") for fact in facts}
    assert last(facts, "statefulset", until=20)["status"]["replicas"] == 1


def test_an_eviction_is_told_why_nobody_knows_what_a_budget_allows() -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "agent"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "maxUnavailable": 1},
    }
    daemons = workload("DaemonSet", "agent")
    facts = seen([budget, daemons], at(7, "evict", pod="agent/1"), seconds=8)
    [answer] = [fact["result"] for fact in facts if fact["what"] == "action"]
    assert answer["causes"] == [
        "The disruption budget agent does not allow evicting pods currently because it failed "
        "sync: daemonsets.apps does not implement the scale subresource"
    ]


def test_a_pod_that_bears_a_second_taint_for_less_goes_when_it_was_to_go() -> None:
    def bears(key: str, seconds: int) -> dict[str, Any]:
        return {
            "key": key,
            "effect": "NoExecute",
            "operator": "Exists",
            "tolerationSeconds": seconds,
        }

    def tainted(*keys: str) -> dict[str, Any]:
        return {"spec": {"taints": [{"key": key, "effect": "NoExecute"} for key in keys]}}

    pods = template("web", tolerations=[bears("slow", 12), bears("quick", 3)])
    web = workload("Deployment", "web", replicas=1, template=pods)
    facts = seen(
        [web],
        at(6, "patch", kind="Node", name="n1", patch=tainted("slow")),
        at(8, "patch", kind="Node", name="n1", patch=tainted("slow", "quick")),
        seconds=22,
        nodes=NODES[:1],
    )
    assert times(facts, "pod.terminating")[0] == pytest.approx(18, abs=0.5)


def test_an_eviction_that_waits_is_cancelled_before_another_one_at_once() -> None:
    bears = {"key": "slow", "effect": "NoExecute", "operator": "Exists", "tolerationSeconds": 12}
    web = workload("Deployment", "web", replicas=1, template=template("web", tolerations=[bears]))
    taints = [{"key": key, "effect": "NoExecute"} for key in ("slow", "never")]
    facts = seen(
        [web],
        at(6, "patch", kind="Node", name="n1", patch={"spec": {"taints": taints[:1]}}),
        at(8, "patch", kind="Node", name="n1", patch={"spec": {"taints": taints}}),
        seconds=10,
        nodes=NODES[:1],
    )
    said = [fact["message"] for fact in facts if fact.get("reason") == "TaintManagerEviction"]
    assert [text.partition(" ")[0] for text in said] == ["Cancelling", "Marking"]
