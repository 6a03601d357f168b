"""What the Cluster Autoscaler does on a real cluster, by the rules of its FAQ and source."""

from itertools import pairwise

import pytest
from tests.cluster.autoscaling.yard import Machines, Yard, node

from kiban.cluster.autoscaling.cluster_autoscaler import Limits, ScaleDown, Settings
from kiban.kube.objects import Key


def one_group(most: int = 10, least: int = 0, **more: object) -> Machines:
    machines = Machines()
    machines.add_group("base", node("template"), most, least)
    return machines


def test_pods_that_fit_nowhere_make_a_group_grow_by_what_they_need() -> None:
    machines = one_group()
    yard = Yard(machines)
    yard.deploy("web", 7, cpu="1")
    yard.run(15)
    # Four cores a machine, one each: two machines.
    assert machines.asked == [(10.0, "base", 2)]
    yard.run(120)
    assert yard.pending() == 0
    assert yard.events("TriggeredScaleUp")[0] == "pod triggered scale-up: [base 0->2 (max: 10)]"


def test_machines_on_their_way_are_counted_before_more_are_asked_for() -> None:
    machines = one_group()
    yard = Yard(machines)
    yard.deploy("web", 4)
    yard.run(20)
    yard.deploy("more", 4)
    yard.run(50)
    assert [delta for _, _, delta in machines.asked] == [1, 1]


def test_a_pod_that_no_machine_could_take_is_told_so() -> None:
    machines = one_group()
    yard = Yard(machines)
    yard.deploy("huge", 1, cpu="64")
    yard.run(30)
    assert machines.asked == []
    [text] = yard.events("NotTriggerScaleUp")
    assert text == "pod didn't trigger scale-up: 1 Insufficient cpu"


def test_a_group_does_not_grow_past_its_most_nor_the_cluster_past_its_own() -> None:
    machines = one_group(most=2)
    yard = Yard(machines)
    yard.deploy("web", 40)
    yard.run(100)
    assert sum(delta for _, _, delta in machines.asked) == 2
    assert "1 max node group size reached" in yard.events("NotTriggerScaleUp")[-1]
    limited = one_group(most=20)
    yard = Yard(limited, Settings(limits=Limits(max_nodes=3)))
    yard.deploy("web", 40)
    yard.run(100)
    assert sum(delta for _, _, delta in limited.asked) == 3


def test_the_least_wasteful_group_grows() -> None:
    machines = Machines()
    machines.add_group("large", node("large", cpu="16", memory="64Gi"), 10)
    machines.add_group("small", node("small", cpu="4", memory="16Gi"), 10)
    machines.add_group("tight", node("tight", cpu="4", memory="8Gi"), 10)
    yard = Yard(machines)
    yard.deploy("web", 3, cpu="1", memory="2Gi")
    yard.run(15)
    assert machines.asked == [(10.0, "tight", 1)]


@pytest.mark.parametrize(
    ("expander", "group"),
    [("least-nodes", "large"), ("most-pods", "large"), ("price", "small")],
)
def test_another_expander_chooses_another_group(expander: str, group: str) -> None:
    machines = Machines()
    machines.add_group("large", node("large", cpu="16", memory="64Gi"), 10, price=0.8)
    machines.add_group("small", node("small", cpu="4", memory="16Gi"), 2, price=0.2)
    yard = Yard(machines, Settings(expanders=(expander,)))
    yard.deploy("web", 3 if expander == "price" else 12)
    yard.run(15)
    assert machines.asked[0][1] == group


def test_priorities_of_groups_come_from_the_config_map() -> None:
    machines = Machines()
    machines.add_group("cheap-a", node("cheap", cpu="4"), 10)
    machines.add_group("dear", node("dear", cpu="4", memory="4Gi"), 10)
    yard = Yard(machines, Settings(expanders=("priority", "least-waste")))
    yard.create(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "cluster-autoscaler-priority-expander", "namespace": "kube-system",
            },
            "data": {"priorities": "10:\n- .*\n50:\n- cheap-.*\n"},
        }
    )  # fmt: skip
    yard.deploy("web", 2)
    yard.run(15)
    assert machines.asked == [(10.0, "cheap-a", 1)]


def test_a_group_that_has_no_capacity_is_set_back_and_another_one_grows() -> None:
    machines = Machines()
    machines.add_group("first", node("first", memory="8Gi"), 10)
    machines.add_group("second", node("second", memory="16Gi"), 10)
    machines.broken.append("first")
    yard = Yard(machines)
    yard.deploy("web", 2)
    yard.run(200)
    assert [group for _, group, _ in machines.asked] == ["first", "second"]
    assert "InsufficientInstanceCapacity" in yard.events("ScaleUpFailed")[0]
    assert machines.targets["first"] == 0
    assert yard.pending() == 0


def test_a_group_that_keeps_failing_waits_five_ten_twenty_and_thirty_minutes() -> None:
    machines = one_group()
    machines.broken.append("base")
    yard = Yard(machines)
    yard.deploy("web", 1)
    yard.run(3 * 3600)
    times = [at for at, _, _ in machines.asked]
    gaps = [round((b - a) / 60) for a, b in pairwise(times)]
    assert gaps[:5] == [5, 10, 20, 30, 30]


def test_machines_that_never_register_are_given_up_after_fifteen_minutes() -> None:
    machines = one_group()
    machines.mute.append("base")
    yard = Yard(machines)
    yard.deploy("web", 1)
    yard.run(905)
    assert machines.deleted == []
    yard.run(960)
    assert len(machines.deleted) == 1
    assert yard.events("ScaleUpTimedOut", "DeleteUnregistered")


# Scale-down


def grown(machines: Machines, replicas: int = 8, **more: object) -> Yard:
    """A cluster that has just grown for a deployment."""
    yard = Yard(machines)
    yard.deploy("web", replicas, **more)  # type: ignore[arg-type]
    yard.run(120)
    assert yard.pending() == 0
    return yard


def test_an_unneeded_node_goes_after_ten_minutes() -> None:
    machines = one_group()
    yard = grown(machines)
    yard.run(1000)
    assert machines.deleted == []
    yard.scale("web", 2)
    yard.run(1595)
    assert machines.deleted == []
    yard.run(1700)
    assert len(machines.deleted) == 1
    assert len(yard.nodes()) == 1


def test_no_node_goes_within_ten_minutes_of_a_scale_up() -> None:
    machines = one_group()
    yard = grown(machines)
    yard.scale("web", 2)
    # Unneeded since 120 s, but the last scale-up was at 10 s; another one comes at 700 s.
    yard.at(yard.now, lambda now: None)
    yard.run(640)
    yard.deploy("burst", 20)
    yard.run(1200)
    assert machines.deleted == []


def test_a_node_is_tainted_before_its_machine_is_ended() -> None:
    machines = one_group()
    yard = grown(machines, replicas=4)
    yard.scale("web", 0)
    yard.run(733)
    [name] = yard.nodes()
    assert machines.deleted == []
    found = yard.node(name)
    assert found is not None
    assert {taint["key"] for taint in found["spec"]["taints"]} >= {"ToBeDeletedByClusterAutoscaler"}
    yard.run(800)
    assert yard.nodes() == []


def test_a_node_that_may_go_is_avoided_by_the_scheduler() -> None:
    machines = one_group()
    yard = grown(machines)
    yard.run(630)
    yard.scale("web", 2)
    yard.run(660)
    tainted = [
        name
        for name in yard.nodes()
        for taint in (yard.node(name) or {})["spec"].get("taints", [])
        if taint["key"] == "DeletionCandidateOfClusterAutoscaler"
    ]
    assert len(tainted) >= 1


def test_a_node_used_by_half_stays() -> None:
    machines = one_group()
    yard = grown(machines, replicas=2, cpu="1")
    yard.run(3600)
    assert len(yard.nodes()) == 1
    assert machines.deleted == []


def test_the_least_number_of_machines_stays() -> None:
    machines = one_group(least=1)
    yard = grown(machines)
    yard.scale("web", 0)
    yard.run(3600)
    assert len(yard.nodes()) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}},
        {"spec": {"volumes": [{"name": "scratch", "emptyDir": {}}]}},
    ],
)
def test_pods_that_must_not_be_moved_keep_their_node(more: dict[str, object]) -> None:
    machines = one_group()
    yard = grown(machines, replicas=5, cpu="1500m", **more)
    yard.scale("web", 2)
    yard.run(130)
    hosts = {pod["spec"]["nodeName"] for pod in yard.pods()}
    yard.run(4000)
    assert hosts <= set(yard.nodes())


def test_scratch_in_memory_or_declared_safe_does_not_keep_a_node() -> None:
    machines = one_group()
    volumes = [
        {"name": "fast", "emptyDir": {"medium": "Memory"}}, {"name": "safe", "emptyDir": {}},
    ]  # fmt: skip
    safe = {"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes": "safe"}
    yard = grown(machines, cpu="1", spec={"volumes": volumes}, annotations=safe)
    yard.scale("web", 2)
    yard.run(1500)
    assert len(yard.nodes()) == 1


def test_a_pod_nobody_would_make_again_keeps_its_node() -> None:
    machines = one_group()
    yard = Yard(machines)
    container = {"name": "a", "image": "x", "resources": {"requests": {"cpu": "100m"}}}
    yard.create(
        {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "alone"},
            "spec": {"containers": [container]},
        }
    )  # fmt: skip
    yard.run(3600)
    assert len(yard.nodes()) == 1


def test_a_disruption_budget_keeps_a_node_until_it_allows() -> None:
    machines = one_group()
    yard = grown(machines, replicas=6)
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "web"}}},
    }
    yard.create(budget)
    yard.scale("web", 3)
    yard.run(2000)
    kept = len(yard.nodes())
    hosts = {pod["spec"]["nodeName"] for pod in yard.pods()}
    assert hosts <= set(yard.nodes())
    if kept == 1:
        pytest.skip("all pods were left on one node")
    yard.patch(
        Key("policy", "PodDisruptionBudget", "shop", "web"),
        {"spec": {"minAvailable": None, "maxUnavailable": 1}},
    )
    yard.run(4000)
    assert len(yard.nodes()) == 1
    assert len(yard.pods()) == 3 and yard.pending() == 0


def test_a_node_whose_pods_cannot_be_evicted_in_two_minutes_is_given_back() -> None:
    machines = one_group()
    yard = grown(machines, replicas=6, cpu="1500m")
    yard.scale("web", 4)
    yard.run(400)
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web"},
        "spec": {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}},
    }
    yard.create(budget)
    key = Key("policy", "PodDisruptionBudget", "shop", "web")
    # The budget closes when the decision is made and before the first eviction.
    while not yard.events("ScaleDown") and yard.seconds(yard.now) < 1500:
        yard.run(yard.seconds(yard.now) + 1)
    yard.patch(key, {"spec": {"maxUnavailable": 0}})
    begun = yard.seconds(yard.now)
    before = yard.nodes()
    yard.run(begun + 120)
    assert not yard.events("ScaleDownFailed")
    yard.run(begun + 145)
    assert yard.events("ScaleDownFailed")
    assert yard.nodes() == before
    taints = [
        taint["key"]
        for name in before
        for taint in (yard.node(name) or {})["spec"].get("taints", [])
    ]
    assert "ToBeDeletedByClusterAutoscaler" not in taints


def test_groups_that_differ_only_in_their_zone_can_grow_together() -> None:
    machines = Machines()
    for zone in "abc":
        machines.add_group(f"base-{zone}", node("template", zone), 10)
    yard = Yard(machines, Settings(balances_similar_groups=True))
    yard.deploy("web", 24)
    yard.run(15)
    assert sorted(machines.targets.values()) == [2, 2, 2]


def test_the_status_says_how_many_nodes_there_are_and_may_go() -> None:
    machines = one_group()
    yard = grown(machines)
    yard.scale("web", 2)
    yard.run(400)
    key = Key("", "ConfigMap", "kube-system", "cluster-autoscaler-status")
    found = yard.cluster.store.get(key)
    assert found is not None
    status = found["data"]["status"]
    assert "autoscalerStatus: Running" in status
    assert "candidates: 1" in status
    assert "- name: base" in status


def test_nothing_is_done_while_nothing_changes() -> None:
    machines = one_group()
    yard = grown(machines, replicas=3, cpu="1")
    yard.run(1000)
    scans = []
    scan = yard.autoscaler._scan  # type: ignore[attr-defined]

    def counted(*arguments: object) -> object:
        scans.append(1)
        return scan(*arguments)

    yard.autoscaler._scan = counted  # type: ignore[attr-defined]
    yard.run(24 * 3600)
    assert len(scans) <= 1


def test_two_runs_decide_alike() -> None:
    def run() -> tuple[object, ...]:
        machines = one_group()
        yard = grown(machines, replicas=12)
        yard.scale("web", 3)
        yard.run(3000)
        return machines.asked, machines.deleted, yard.nodes()

    assert run() == run()


def test_scale_down_can_be_switched_off() -> None:
    machines = one_group()
    yard = Yard(machines, Settings(scale_down=ScaleDown(enabled=False)))
    yard.deploy("web", 8)
    yard.run(120)
    yard.scale("web", 0)
    yard.run(3000)
    assert machines.deleted == []
