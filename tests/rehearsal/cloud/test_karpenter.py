"""Karpenter on a rehearsed cluster: what it launches, what it takes away, and what stops it."""

import pytest
from tests.rehearsal.cloud.scene import ZONES, budget, deployment, pods, ready, times, world

from kiban.cluster.autoscaling.karpenter.objects import NODE_CLAIM, NODE_POOL
from kiban.kube.objects import NODE, Key, Manifest, get_in, is_true, labels_of
from kiban.rehearsal.cloud import Cloud, CloudSettings, GroupSettings
from kiban.rehearsal.world import World


def scene(*manifests: Manifest, **more: object) -> tuple[World, Cloud]:
    """One small machine of a group, on which hardly anything fits, and a pool."""
    fields: dict[str, object] = {"min": 1, "max": 40, **more}
    group = GroupSettings("base", "t3.medium", ZONES, **fields)  # type: ignore[arg-type]
    settings = CloudSettings(groups=(group,), autoscaler="karpenter", spot_interruptions_per_hour=0)
    small = deployment("small", 1, cpu="100m")
    return world(settings, small, *manifests)


def claims(scene: World) -> list[Manifest]:
    return list(scene.cluster.store.list(NODE_CLAIM))


def pool_machines(cloud: Cloud) -> list[str]:
    return [m.name for m in cloud.estate.machines.values() if m.group == "base-pool"]


def test_one_machine_of_the_cheapest_type_that_holds_them_all_is_launched() -> None:
    found, cloud = scene(deployment("web", 6, cpu="1"))
    [claim] = claims(found)
    assert all(is_true(claim, word) for word in ("Launched", "Registered", "Initialized"))
    [machine] = [m for m in cloud.estate.machines.values() if m.group == "base-pool"]
    # Six cores and little memory: of eight cores the compute family is the cheapest.
    assert machine.instance == "c5.2xlarge"
    assert ready(found, "web") == 6
    node = found.cluster.store.get(Key(*NODE, "", machine.name))
    assert node is not None
    assert labels_of(node)["karpenter.sh/nodepool"] == "base"
    assert not get_in(node, "spec", "taints")


def test_spot_is_taken_where_the_pool_allows_it() -> None:
    _, cloud = scene(deployment("web", 6, cpu="1"), is_spot=True)
    assert [m.is_spot for m in cloud.estate.machines.values() if m.group == "base-pool"] == [True]


def test_pods_that_come_together_are_solved_together() -> None:
    found, cloud = scene()
    for number in range(5):
        web = deployment(f"web{number}", 1, cpu="1")
        found.after(100 + number * 0.6, lambda now, web=web: found.api.create(web, now))
    found.run_for(300)
    # Each came within a second of the one before; the batch closes a second after the last.
    assert times(found, "machine.launched", group="base-pool") == [pytest.approx(103.4)]
    assert len(pool_machines(cloud)) == 1


def test_a_type_without_capacity_is_passed_over() -> None:
    found, cloud = scene()
    for zone in ZONES:
        for family in ("c5", "c6i"):
            cloud.exhaust(zone, f"{family}.2xlarge", found.now)
    found.after(100, lambda now: found.api.create(deployment("web", 6, cpu="1"), now))
    found.run_for(300)
    [name] = pool_machines(cloud)
    assert cloud.estate.machines[name].instance not in ("c5.2xlarge", "c6i.2xlarge")
    assert ready(found, "web") == 6


def test_pods_are_helped_when_there_is_capacity_again() -> None:
    found, cloud = scene()
    for zone in ZONES:
        cloud.exhaust(zone, "*", found.now)
    found.after(100, lambda now: found.api.create(deployment("web", 6, cpu="1"), now))
    found.run_for(900)
    assert claims(found) == [] and ready(found, "web") < 6
    for zone in ZONES:
        cloud.replenish(zone, "*", found.now)
    found.run_for(1200)
    assert ready(found, "web") == 6


def test_hard_spread_over_zones_gets_a_machine_in_each() -> None:
    spread = {
        "maxSkew": 1,
        "topologyKey": "topology.kubernetes.io/zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
    }
    spec = {"topologySpreadConstraints": [spread]}
    found, cloud = scene(deployment("web", 6, cpu="3", spec=spec))
    zones = sorted(m.zone for m in cloud.estate.machines.values() if m.group == "base-pool")
    assert sorted(set(zones)) == sorted(ZONES)
    assert ready(found, "web") == 6


def test_an_empty_machine_goes_after_validation() -> None:
    found, cloud = scene(deployment("web", 6, cpu="1"))
    key = found.api.key("Deployment", "web")
    found.after(100, lambda now: found.api.scale(key, 0, now))
    found.run_for(200)
    assert pool_machines(cloud) == []
    [ended] = times(found, "machine.ended")
    # A poll every ten seconds, then fifteen more to see whether it still holds.
    assert 115 <= ended <= 130
    assert claims(found) == []


def test_an_underused_machine_is_replaced_by_a_cheaper_one_first() -> None:
    found, cloud = scene(deployment("web", 12, cpu="1"))
    before = cloud.rate()
    key = found.api.key("Deployment", "web")
    found.after(100, lambda now: found.api.scale(key, 3, now))
    found.run_for(600)
    [name] = pool_machines(cloud)
    assert cloud.rate() < before / 2
    assert ready(found, "web") == 3
    [ended] = times(found, "machine.ended")
    [serves] = times(found, "node.ready", node=name)
    assert serves < ended


@pytest.mark.parametrize("guard", ["annotation", "budget", "policy"])
def test_what_must_not_be_disturbed_keeps_its_machine(guard: str) -> None:
    safe = {"karpenter.sh/do-not-disrupt": "true"} if guard == "annotation" else {}
    more = [budget("web", maxUnavailable=0)] if guard == "budget" else []
    found, cloud = scene(deployment("web", 12, cpu="1", annotations=safe), *more)
    if guard == "policy":
        when_empty = {"spec": {"disruption": {"consolidationPolicy": "WhenEmpty"}}}
        found.api.patch(Key(*NODE_POOL, "", "base"), when_empty, found.now)
    key = found.api.key("Deployment", "web")
    names = pool_machines(cloud)
    found.after(100, lambda now: found.api.scale(key, 3, now))
    found.run_for(1200)
    assert pool_machines(cloud) == names


def test_consolidation_waits_until_a_node_is_quiet() -> None:
    found, cloud = scene(deployment("web", 6, cpu="1"))
    wait = {"spec": {"disruption": {"consolidateAfter": "5m"}}}
    found.api.patch(Key(*NODE_POOL, "", "base"), wait, found.now)
    key = found.api.key("Deployment", "web")
    found.after(100, lambda now: found.api.scale(key, 0, now))
    found.run_for(395)
    assert len(pool_machines(cloud)) == 1
    found.run_for(500)
    assert pool_machines(cloud) == []


def test_a_machine_of_an_old_pool_is_replaced() -> None:
    found, cloud = scene(deployment("web", 6, cpu="1"))
    [old] = pool_machines(cloud)
    labels = {"spec": {"template": {"metadata": {"labels": {"team": "a"}}}}}
    found.after(100, lambda now: found.api.patch(Key(*NODE_POOL, "", "base"), labels, now))
    found.run_for(600)
    [new] = pool_machines(cloud)
    assert new != old
    assert ready(found, "web") == 6
    node = found.cluster.store.get(Key(*NODE, "", new))
    assert node is not None and labels_of(node)["team"] == "a"


@pytest.mark.parametrize("is_blocked", [False, True])
def test_an_upgrade_is_a_drift_of_the_pool(is_blocked: bool) -> None:
    allowed = 0 if is_blocked else 1
    group = GroupSettings("base", "m5.xlarge", ZONES, min=0, max=40)
    settings = CloudSettings(groups=(group,), autoscaler="karpenter")
    found, cloud = world(
        settings, deployment("web", 6, cpu="1"), budget("web", maxUnavailable=allowed)
    )
    before = pool_machines(cloud)
    found.after(100, lambda now: cloud.upgrade("base", now))
    found.run_for(5000)
    renewal = cloud.upgrades["base"]
    assert ready(found, "web") == 6
    if is_blocked:
        assert (renewal.phase, renewal.error) == ("failed", "DisruptionBlocked")
        assert len(renewal.blocked) == 6 and pool_machines(cloud) == before
    else:
        assert renewal.phase == "done"
        assert not set(before) & set(pool_machines(cloud))


def test_an_interrupted_machine_is_emptied_and_replaced_within_two_minutes() -> None:
    found, cloud = scene(deployment("web", 6, cpu="1"), is_spot=True)
    [old] = pool_machines(cloud)
    found.after(100, lambda now: cloud.interrupt(1.0, now))
    found.run_for(219)
    assert times(found, "machine.launched", group="base-pool")[-1] == pytest.approx(101, abs=0.5)
    assert ready(found, "web") == 6
    assert old not in cloud.estate.machines
    assert all(pod["spec"]["nodeName"] != old for pod in pods(found, "web"))


def test_limits_of_a_pool_hold() -> None:
    # A t3.medium has two cores: four of them are eight.
    found, cloud = scene(deployment("web", 20, cpu="1"), max=4)
    cores = sum(
        int(m.manifest["status"]["capacity"]["cpu"])
        for m in cloud.estate.machines.values()
        if m.group == "base-pool"
    )
    assert 0 < cores <= 8
    assert ready(found, "web") < 20


def test_a_machine_that_never_registers_is_given_up_after_fifteen_minutes() -> None:
    found, cloud = scene()
    found.after(100, lambda now: found.api.create(deployment("web", 6, cpu="1"), now))
    found.run_for(102)
    [machine] = [m for m in cloud.estate.machines.values() if m.group == "base-pool"]
    machine.is_lost = True
    found.run_for(1000)
    assert machine.name in cloud.estate.machines
    found.run_for(1200)
    assert machine.name not in cloud.estate.machines
    assert ready(found, "web") == 6


def test_one_seed_gives_one_log() -> None:
    def run() -> str:
        found, cloud = scene(deployment("web", 12, cpu="1"), is_spot=True)
        key = found.api.key("Deployment", "web")
        found.after(300, lambda now: found.api.scale(key, 40, now))
        found.after(900, lambda now: cloud.interrupt(0.5, now))
        found.after(1800, lambda now: found.api.scale(key, 4, now))
        found.run_for(3600)
        return found.observations.digest()

    assert run() == run()
