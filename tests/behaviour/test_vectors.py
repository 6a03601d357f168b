"""Worked examples of Kubernetes' own rules, one table a rule: what goes in, what comes out.

They were computed by hand from the published sources; whole timelines are in `cases`.
"""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from kiban.cluster.controllers.deployment.revisions import Sets
from kiban.cluster.controllers.deployment.rolling import rolling_resizes
from kiban.cluster.controllers.deployment.scaling import scaling_resizes
from kiban.cluster.controllers.deployment.wishes import max_surge, max_unavailable
from kiban.cluster.controllers.disruption import DisruptionController
from kiban.cluster.controllers.horizontal_pod_autoscaler.limits import Bounds, Memory, decided
from kiban.cluster.controllers.horizontal_pod_autoscaler.replicas import (
    Groups,
    Present,
    by_utilization,
)
from kiban.cluster.controllers.job.backoff import Failures
from kiban.cluster.controllers.node_lifecycle.zones import NORMAL_RATE, Zone
from kiban.cluster.kubelet.container import DoublingBackoff
from kiban.cluster.scheduler.filters.topology_spread import HardSpread
from kiban.cluster.scheduler.node_info import NodeInfo, pod_info
from kiban.cluster.scheduler.scores.resources import balanced, least_allocated
from kiban.cluster.scheduler.selection import nodes_to_find
from kiban.cluster.scheduler.shape import shape_of
from kiban.cluster.store import Store
from kiban.kube.objects import Manifest, key_of
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.rehearsal.traffic.erlang import erlang_b, erlang_c, mean_wait

sys.path.insert(0, str(Path(__file__).parent))

from run import played

NOW = Instant(1_800_000_000_000_000)
ZONE = "topology.kubernetes.io/zone"


# Deployments


def deployment(size: int, surge: Any = "25%", unavailable: Any = "25%") -> Manifest:
    rolling = {"maxSurge": surge, "maxUnavailable": unavailable}
    spec = {"replicas": size, "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}
    return {"metadata": {"name": "web"}, "spec": spec}


@pytest.mark.parametrize(
    ("surge", "unavailable", "size", "most_over", "most_under"),
    [
        ("25%", "25%", 1, 1, 0),
        ("25%", "25%", 2, 1, 0),
        ("25%", "25%", 3, 1, 0),
        ("25%", "25%", 4, 1, 1),
        ("25%", "25%", 10, 3, 2),
        (0, "25%", 3, 0, 1),  # both would be zero
        (0, "10%", 10, 0, 1),
        ("30%", "40%", 7, 3, 2),
    ],
)
def test_fence_posts(
    surge: Any, unavailable: Any, size: int, most_over: int, most_under: int
) -> None:
    web = deployment(size, surge, unavailable)
    assert (max_surge(web), max_unavailable(web)) == (most_over, most_under)


def test_ten_replicas_are_rolled_in_these_steps() -> None:
    sizes, available = {"old": 10, "new": 0}, {"old": 10, "new": 0}
    steps: list[tuple[int, int]] = []
    while sizes != {"old": 0, "new": 10}:
        old, new = (replica_set(name, sizes[name], available=available[name]) for name in sizes)
        resizes = rolling_resizes(deployment(10), Sets(new, [old]))
        for resize in resizes:
            sizes[resize.replica_set["metadata"]["name"]] = resize.size
        available["old"] = sizes["old"]
        if resizes:
            steps.append((sizes["old"], sizes["new"]))
        else:
            # Nothing moves until all that were made are ready.
            available["new"] = sizes["new"]
    assert steps == [(10, 3), (8, 3), (8, 5), (3, 5), (3, 10), (0, 10)]


@pytest.mark.parametrize(
    ("old", "new", "before", "size", "expected"), [(7, 6, 13, 20, {"old": 13, "new": 12})]
)
def test_scaling_in_proportion(
    old: int, new: int, before: int, size: int, expected: dict[str, int]
) -> None:
    sets = Sets(replica_set("new", new, before), [replica_set("old", old, before)])
    steps = scaling_resizes(deployment(size), sets)
    assert {step.replica_set["metadata"]["name"]: step.size for step in steps} == expected


def replica_set(name: str, size: int, max_replicas: int = 0, *, available: int = 0) -> Manifest:
    notes = {"deployment.kubernetes.io/max-replicas": str(max_replicas)}
    return {
        "metadata": {"name": name, "annotations": notes},
        "spec": {"replicas": size},
        "status": {"availableReplicas": available},
    }


# Autoscaling


@pytest.mark.parametrize(
    ("measured", "missing", "utilization", "target", "expected"),
    [
        (4, 0, 90, 60, 6),
        (4, 0, 63, 60, 4),
        (4, 0, 66, 60, 5),  # the ratio is 1.1000000000000001
        (8, 2, 30, 60, 8),  # the two count at 100 %: 44 on average
    ],
)
def test_replicas_by_utilization(
    measured: int, missing: int, utilization: int, target: int, expected: int
) -> None:
    used = {f"p{number}": utilization for number in range(measured)}
    absent = [f"m{number}" for number in range(missing)]
    requests = dict.fromkeys([*used, *absent], 100)
    groups = Groups(measured, (), absent, used)
    found = by_utilization(groups, requests, target, Present(measured + missing))
    assert found.replicas == expected


@pytest.mark.parametrize(
    ("current", "wanted", "behavior", "expected"),
    [(3, 20, None, 6), (1, 20, {"scaleUp": {}, "scaleDown": {}}, 5)],
)
def test_a_step_up_has_its_limit(
    current: int, wanted: int, behavior: dict[str, Any] | None, expected: int
) -> None:
    assert decided(wanted, Bounds(current, 1, 100), behavior, Memory(), NOW).replicas == expected


# Disruption budgets


@pytest.mark.parametrize(
    ("size", "rule", "allowed"),
    [(10, {"maxUnavailable": "25%"}, 3), (7, {"minAvailable": "50%"}, 3)],
)
def test_disruptions_that_a_budget_allows(size: int, rule: dict[str, str], allowed: int) -> None:
    store = Store(Chance(1))
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "u"}
    owners = [{**owner, "controller": True}]
    store.put(thing("apps/v1", "ReplicaSet", "web", {"replicas": size}, uid="u"))
    for number in range(size):
        pod = thing("v1", "Pod", f"web-{number}", {}, labels={"app": "web"}, ownerReferences=owners)
        ready = {"conditions": [{"type": "Ready", "status": "True"}]}
        store.put({**pod, "status": ready})
    spec = {"selector": {"matchLabels": {"app": "web"}}, **rule}
    budget = thing("policy/v1", "PodDisruptionBudget", "web", spec)
    store.put(budget)
    [command] = DisruptionController().reconcile(key_of(budget), store, NOW).commands
    assert command.patch["status"]["disruptionsAllowed"] == allowed  # type: ignore[union-attr]


def thing(version: str, kind: str, name: str, spec: dict[str, Any], **metadata: Any) -> Manifest:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "default", "uid": name, **metadata},
        "spec": spec,
    }


# Back-off


def test_a_job_waits_longer_after_every_failure() -> None:
    waits = [Failures(count, NOW).remaining_seconds(NOW) for count in range(1, 9)]
    assert waits == [10, 20, 40, 80, 160, 320, 600, 600]


def test_a_container_is_restarted_at_once_and_then_ever_later() -> None:
    backoff = DoublingBackoff(free=1)
    assert [backoff.next_delay(NOW) for _ in range(8)] == [0, 10, 20, 40, 80, 160, 300, 300]


# The scheduler


@pytest.mark.parametrize(
    ("nodes", "feasible"),
    [
        (99, 99), (100, 100), (200, 100), (500, 230), (1000, 420),
        (2500, 750), (5000, 500), (6000, 300), (15000, 750),
    ],
)  # fmt: skip
def test_how_many_feasible_nodes_are_enough(nodes: int, feasible: int) -> None:
    assert nodes_to_find(nodes) == feasible


def pod(cpu: str, memory: str, **spec: Any) -> Manifest:
    requests = {"cpu": cpu, "memory": memory}
    containers = [{"name": "app", "resources": {"requests": requests}}]
    return thing("v1", "Pod", "p", {"containers": containers, **spec}, labels={"app": "web"})


def node(name: str, zone: str = "a", pods: int = 0) -> NodeInfo:
    info = NodeInfo(name)
    size = {"cpu": "4", "memory": "8Gi", "pods": "110"}
    labels = {"kubernetes.io/hostname": name, ZONE: zone}
    info.describe({"metadata": {"name": name, "labels": labels}, "status": {"allocatable": size}})
    for number in range(pods):
        one = pod("0", "0")
        info.add(pod_info({**one, "metadata": {**one["metadata"], "name": f"{name}-{number}"}}))
    return info


@pytest.mark.parametrize(
    ("cpu", "memory", "least", "balance"),
    [("1", "2Gi", 75, 100), ("2", "2Gi", 62, 87)],
)
def test_scores_of_a_node_by_its_room(cpu: str, memory: str, least: int, balance: int) -> None:
    shape = shape_of(pod(cpu, memory))
    assert (least_allocated(shape, node("n")), balanced(shape, node("n"))) == (least, balance)


SPREAD = {
    "maxSkew": 1,
    "topologyKey": ZONE,
    "whenUnsatisfiable": "DoNotSchedule",
    "labelSelector": {"matchLabels": {"app": "web"}},
}


@pytest.mark.parametrize(
    ("counts", "min_domains", "zones_that_fit"),
    [
        ({"a": 3, "b": 2, "c": 2}, 1, ["b", "c"]),
        # Zone c has no node: with three domains asked for, the emptiest counts as having none.
        ({"a": 3, "b": 2}, 3, []),
    ],
)
def test_zones_that_a_hard_spread_leaves(
    counts: dict[str, int], min_domains: int, zones_that_fit: list[str]
) -> None:
    rule = {**SPREAD, "minDomains": min_domains}
    spread = HardSpread(shape_of(pod("0", "0", topologySpreadConstraints=[rule])))
    nodes = [node(f"n-{zone}", zone, count) for zone, count in counts.items()]
    for at, info in enumerate(nodes):
        spread.tallies[0].update(at, info)
    limits = spread.limits()
    fitting = [info.labels[ZONE] for info in nodes if spread.rejects(info, limits) is None]
    assert fitting == zones_that_fit


# Queues


def test_waiting_by_erlang() -> None:
    figures = (erlang_b(8, 10), erlang_c(8, 10), mean_wait(8, 10, 1.0))
    assert [round(figure, 4) for figure in figures] == [0.1217, 0.4092, 0.2046]


# Nodes


def test_a_lost_node_is_noticed_within_a_minute_and_its_pods_go_five_minutes_later() -> None:
    case = json.loads((Path(__file__).parent / "cases/node-silent.json").read_text())
    [stop, _] = case["actions"]
    for manifest in case["setup"]["manifests"]:
        manifest["spec"]["template"]["spec"].pop("tolerations")
    facts, _ = played({**case, "actions": [stop], "duration": 400})
    noticed = next(
        fact["t"] for fact in facts if fact["what"] == "event" and fact["reason"] == "NodeNotReady"
    )
    left = [fact["t"] for fact in facts if fact["what"] == "pod.terminating"]
    assert 40 <= noticed - stop["at"] <= 60
    assert 300 <= left[0] - noticed <= 311


def test_a_zone_of_sixty_lost_nodes_is_emptied_in_ten_minutes() -> None:
    zone = Zone(rate=NORMAL_RATE)
    for number in range(60):
        zone.add(f"n{number}")
    now = NOW
    while zone.waiting:
        if zone.take(now) is None:
            now = later(now, 5)
    assert seconds_between(NOW, now) == pytest.approx(600, abs=15)
