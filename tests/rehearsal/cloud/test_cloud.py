"""Groups, zones, capacity, spot and upgrades, on a rehearsed cluster."""

import pytest
from tests.rehearsal.cloud.scene import ZONES, budget, deployment, pods, ready, times, world

from kiban.cluster.autoscaling.cluster_autoscaler import Settings
from kiban.kube.objects import NODE
from kiban.rehearsal.cloud import CloudSettings, GroupSettings, Times


def group(**more: object) -> CloudSettings:
    fields = {"zones": ZONES, "min": 3, "max": 12, **more}
    base = GroupSettings("base", "m5.xlarge", **fields)  # type: ignore[arg-type]
    return CloudSettings(groups=(base,), autoscaler="none", spot_interruptions_per_hour=0)


def test_a_group_starts_with_its_least_number_spread_over_its_zones() -> None:
    _, cloud = world(group())
    assert sorted(machine.zone for machine in cloud.estate.machines.values()) == sorted(ZONES)


def test_new_machines_come_one_by_one_and_are_ready_a_while_later() -> None:
    scene, cloud = world(group(min=1), deployment("web", 1))
    scene.after(100, lambda now: cloud.set_desired("base", 4, now))
    scene.run_for(300)
    launched, added = times(scene, "machine.launched")[1:], times(scene, "node.added")[1:]
    assert launched == [100.0, 100.0, 100.0]
    assert all(25 <= at - 100 <= 90 for at in added)
    assert len(set(added)) == 3
    assert all(at - 100 <= 120 for at in times(scene, "node.ready")[1:])


def test_a_zone_without_capacity_is_passed_over() -> None:
    scene, cloud = world(group())
    cloud.exhaust(ZONES[0], "m5.xlarge", scene.now)
    scene.after(10, lambda now: cloud.set_desired("base", 7, now))
    scene.run_for(200)
    zones = [machine.zone for machine in cloud.estate.machines.values()]
    assert zones.count(ZONES[0]) == 1 and len(zones) == 7


def test_a_group_gets_its_machines_when_there_is_capacity_again() -> None:
    scene, cloud = world(group(min=1, zones=ZONES[:1]))
    cloud.exhaust(ZONES[0], "*", scene.now)
    scene.after(10, lambda now: cloud.set_desired("base", 3, now))
    scene.run_for(300)
    assert len(cloud.estate.machines) == 1
    assert times(scene, "launch.failed")
    cloud.replenish(ZONES[0], "*", scene.now)
    scene.run_for(600)
    assert len(cloud.estate.machines) == 3


# The loss of a zone


def test_a_lost_zone_is_noticed_and_its_machines_are_replaced_elsewhere() -> None:
    scene, cloud = world(group(), deployment("web", 6))
    lost = [machine.name for machine in cloud.estate.in_zone(ZONES[0])]
    scene.after(100, lambda now: cloud.lose_zone(ZONES[0], now))
    scene.run_for(130)
    assert times(scene, "node.unready") == []
    scene.run_for(170)
    # The monitor of nodes waits for 50 s of silence, and looks every 5 s.
    assert len(times(scene, "node.unready")) == len(lost)
    scene.run_for(1200)
    # The cloud finds dead machines after five minutes; then their Nodes go at once.
    assert times(scene, "node.gone") == [400.0] * len(lost)
    names = [node["metadata"]["name"] for node in scene.cluster.store.list(NODE)]
    assert not set(lost) & set(names) and len(names) == 3
    assert ready(scene) == 6


def test_a_zone_that_is_back_gets_its_share_again() -> None:
    scene, cloud = world(group(min=6), deployment("web", 6))
    scene.after(100, lambda now: cloud.lose_zone(ZONES[0], now))
    scene.after(2000, lambda now: cloud.restore_zone(ZONES[0], now))
    scene.run_for(6000)
    counts = [sum(m.zone == zone for m in cloud.estate.machines.values()) for zone in ZONES]
    assert counts == [2, 2, 2]
    assert ready(scene) == 6


# Spot


def spot(**more: object) -> CloudSettings:
    fields = {"zones": ZONES, "min": 3, "max": 9, "is_spot": True}
    return CloudSettings(
        groups=(
            GroupSettings("base", "m5.xlarge", ZONES, min=3, max=9),
            GroupSettings("spot", "m5.xlarge", **fields),  # type: ignore[arg-type]
        ),
        autoscaler="none",
        **{"spot_interruptions_per_hour": 0, **more},  # type: ignore[arg-type]
    )


def test_two_minutes_are_enough_for_pods_that_stop_in_one() -> None:
    scene, cloud = world(spot(), deployment("web", 12))
    old = [machine.name for machine in cloud.estate.of_group("spot")]
    assert any(pod["spec"]["nodeName"] in old for pod in pods(scene))
    scene.after(100, lambda now: cloud.interrupt(1.0, now))
    scene.run_for(219)
    assert times(scene, "spot.notice") == [100.0] * 3
    assert not any(pod["spec"]["nodeName"] in old for pod in pods(scene))
    scene.run_for(400)
    assert times(scene, "spot.taken") == [220.0] * 3
    assert [record["pods"] for record in scene.observations.of("spot.taken")] == [0, 0, 0]
    assert len(cloud.estate.of_group("spot")) == 3


def test_replacements_are_launched_with_the_notice() -> None:
    scene, cloud = world(spot())
    scene.after(100, lambda now: cloud.interrupt(0.34, now))
    scene.run_for(101)
    assert len(times(scene, "machine.launched", group="spot")) == 4


def test_a_recommendation_replaces_a_machine_before_it_is_drained() -> None:
    scene, cloud = world(spot(), deployment("web", 12))
    machine = cloud.estate.of_group("spot")[0]
    scene.after(100, lambda now: cloud.spot.recommend(machine, now))
    scene.run_for(600)
    [launched] = times(scene, "node.ready", node="spot-4")
    [ended] = times(scene, "machine.ended", node=machine.name)
    assert launched < ended
    assert len(cloud.estate.of_group("spot")) == 3
    assert ready(scene) == 12


def test_spot_machines_are_taken_back_by_chance() -> None:
    scene, _ = world(spot(spot_interruptions_per_hour=1.0))
    scene.run_for(12 * 3600)
    taken = len(times(scene, "spot.taken"))
    # Three machines, once an hour each on average.
    assert 18 <= taken <= 54


# Upgrades


def test_an_upgrade_renews_every_machine_and_returns_to_the_size_before() -> None:
    scene, cloud = world(group(), deployment("web", 6), budget("web", maxUnavailable=1))
    before = list(cloud.estate.machines)
    scene.after(100, lambda now: cloud.upgrade("base", now))
    scene.run_for(140)
    # Twice the zones more.
    assert cloud.groups["base"].desired == 9
    scene.run_for(3000)
    assert cloud.upgrades["base"].phase == "done"
    assert len(cloud.estate.machines) == 3
    assert not set(before) & set(cloud.estate.machines)
    assert ready(scene) == 6
    ends = times(scene, "machine.ended")
    drained = times(scene, "upgrade.drained")
    assert ends[0] - drained[0] == pytest.approx(60)


def test_a_budget_that_allows_nothing_fails_an_upgrade_after_fifteen_minutes() -> None:
    scene, cloud = world(group(), deployment("web", 6), budget("web", maxUnavailable=0))
    scene.after(100, lambda now: cloud.upgrade("base", now))
    scene.run_for(3000)
    upgrade = cloud.upgrades["base"]
    assert (upgrade.phase, upgrade.error) == ("failed", "PodEvictionFailure")
    assert upgrade.blocked
    [failed] = times(scene, "upgrade.failed")
    [begun] = times(scene, "upgrade.began")
    cordoned = 100 + 10 * round((failed - 900 - 100) / 10)
    assert begun == 100.0 and failed - cordoned == 900
    # The drain begins when every zone has a new machine that is Ready.
    assert min(times(scene, "node.ready")[3:]) <= cordoned <= max(times(scene, "node.ready")) + 10
    assert ready(scene) == 6


def test_force_ends_machines_that_cannot_be_drained() -> None:
    scene, cloud = world(group(), deployment("web", 6), budget("web", maxUnavailable=0))
    scene.after(100, lambda now: cloud.upgrade("base", now, forces=True))
    scene.run_for(6000)
    assert cloud.upgrades["base"].phase in ("scale-down", "done")
    assert not [m for m in cloud.estate.machines.values() if m.version == 1]


def test_an_upgrade_that_gets_no_machines_in_a_zone_fails() -> None:
    scene, cloud = world(group(), deployment("web", 1))
    cloud.exhaust(ZONES[2], "*", scene.now)
    scene.after(100, lambda now: cloud.upgrade("base", now))
    scene.run_for(4000)
    assert cloud.upgrades["base"].error == "NodeCreationFailure"


# With the autoscaler


def test_the_autoscaler_grows_and_shrinks_groups_and_the_bill_follows() -> None:
    groups = (GroupSettings("base", "m5.xlarge", ZONES, min=1, max=9),)
    scene, cloud = world(CloudSettings(groups=groups), deployment("web", 3))
    key = scene.api.key("Deployment", "web")
    scene.after(600, lambda now: scene.api.scale(key, 20, now))
    scene.after(2400, lambda now: scene.api.scale(key, 2, now))
    scene.run_for(1200)
    assert ready(scene) == 20
    peak = cloud.rate()
    scene.run_for(7200)
    assert len(cloud.estate.machines) == 1
    assert cloud.rate() < peak / 4
    costs = cloud.costs(scene.settings.start, scene.now)
    assert len(costs.by_hour) == 2 and costs.by_hour[0] > costs.by_hour[1]
    assert costs.total == pytest.approx(sum(costs.by_hour), abs=1e-4)


def test_an_empty_group_is_set_back_and_the_other_one_grows() -> None:
    groups = (
        GroupSettings("cheap", "m5.xlarge", ZONES, min=1, max=9),
        GroupSettings("other", "r5.xlarge", ZONES, min=0, max=9),
    )
    scene, cloud = world(CloudSettings(groups=groups), deployment("small", 1))
    for zone in ZONES:
        cloud.exhaust(zone, "m5.xlarge", scene.now)
    scene.after(100, lambda now: scene.api.create(deployment("web", 10), now))
    scene.run_for(400)
    assert len(cloud.estate.of_group("other")) >= 2
    assert ready(scene, "web") == 10


def test_one_seed_gives_one_log() -> None:
    def run(seed: int) -> str:
        scene, cloud = world(
            spot(spot_interruptions_per_hour=0.5), deployment("web", 12), seed=seed
        )
        scene.after(700, lambda now: cloud.lose_zone(ZONES[1], now))
        scene.after(2000, lambda now: cloud.upgrade("base", now))
        scene.run_for(2 * 3600)
        return scene.observations.digest()

    assert run(3) == run(3)
    assert run(3) != run(4)


def test_a_quiet_day_costs_nothing() -> None:
    groups = (GroupSettings("base", "m5.xlarge", ZONES, min=1, max=9),)
    scene, cloud = world(CloudSettings(groups=groups), deployment("web", 3))
    scene.run_for(3600)
    assert cloud.autoscaler is not None
    scans = []
    inner = cloud.autoscaler.reconcile

    def counted(*arguments: object) -> object:
        scans.append(arguments)
        return inner(*arguments)  # type: ignore[arg-type]

    cloud.autoscaler.reconcile = counted  # type: ignore[method-assign,assignment]
    scene.run_for(24 * 3600)
    assert len(scans) <= 2


@pytest.mark.parametrize("seed", [2])
def test_the_scans_that_are_left_out_would_have_done_nothing(seed: int) -> None:
    def run(*, skips: bool) -> list[str]:
        groups = (
            GroupSettings("base", "m5.xlarge", ZONES, min=1, max=5),
            GroupSettings("more", "r5.xlarge", ZONES, min=0, max=9, is_spot=True),
        )
        scene, cloud = world(
            CloudSettings(groups=groups, spot_interruptions_per_hour=0.2),
            deployment("web", 3),
            deployment("api", 5, cpu="500m"),
            budget("web", maxUnavailable=1),
            budget("api", minAvailable=4),
            seed=seed,
            autoscaler=Settings(skips_quiet_scans=skips),
        )
        sizes = [(433, 20), (1807, 9), (2615, 2), (4444, 30), (5003, 12), (7001, 1)]
        key = scene.api.key("Deployment", "web")
        for at, size in sizes:
            scene.after(at, lambda now, size=size: scene.api.scale(key, size, now))
        scene.after(3003, lambda now: cloud.exhaust(ZONES[0], "*", now))
        scene.after(6003, lambda now: cloud.lose_zone(ZONES[1], now))
        scene.run_for(2.5 * 3600)
        return list(scene.observations.lines())

    for one, other in zip(run(skips=True), run(skips=False), strict=True):
        assert one == other


def test_times_can_be_given() -> None:
    slow = Times(launch=(300.0, 300.0, 300.0), ready=(10.0, 10.0, 10.0))
    settings = CloudSettings(
        groups=(GroupSettings("base", zones=ZONES, min=1),), autoscaler="none", times=slow
    )
    scene, cloud = world(settings)
    scene.after(100, lambda now: cloud.set_desired("base", 2, now))
    scene.run_for(500)
    assert times(scene, "node.ready")[-1] == 410.0
