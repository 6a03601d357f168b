import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.rehearsal.platforms import ZONES, deployment, key, platform, service, upgrade, world_of

from kiban.cluster.api.failures import Failure
from kiban.kube.objects import NODE, POD, Key, get_in, is_true
from kiban.rehearsal import ServiceModel, World
from kiban.rehearsal.world import TICK_SECONDS

ROOT = Path(__file__).parents[2]


def ready(world: World, name: str) -> int:
    count: int = get_in(world.api.get(key(name)), "status", "readyReplicas", default=0)
    return count


def eventful(seed: int, skips_quiet: bool = True) -> World:
    """Three quarters of an hour with a deploy, a lost zone and autoscaling."""
    world = world_of(platform("cart", "web"), seed, skips_quiet=skips_quiet)
    world.after(300, upgrade(world, "web", "registry.example/web:v2"))
    machines = world.machines.machines
    lost = [name for name in sorted(machines) if machines[name].zone == ZONES[0]]
    for name in lost:
        world.after(900, lambda now, name=name: world.machines.stop(name, now))
        world.after(1800, lambda now, name=name: world.machines.start(name, now))
    world.run_for(2700)
    return world


def test_services_are_up_before_the_first_second() -> None:
    world = world_of(platform("cart", "web"))
    world.run_for(0)
    assert world.fleet.ready.tolist() == world.fleet.routed.tolist() == [2, 2]


def test_a_rollout_with_drain_loses_nothing_and_one_without_does() -> None:
    lost = []
    for drain in (15, 0):
        world = world_of([deployment("web", 4, drain), service("web")])
        world.after(60, upgrade(world, "web", "registry.example/web:v2"))
        world.run_for(600)
        assert ready(world, "web") == 4
        lost.append(sum(world.series.values("failed")))
    assert lost[0] < 0.01
    # 12 requests a second at midnight, and each of the 4 pods is routed to for a second too long.
    assert lost[1] * TICK_SECONDS == pytest.approx(12, rel=0.3)


def test_a_version_that_crashes_never_takes_the_place_of_the_old_one() -> None:
    world = world_of([deployment("web", 3), service("web")])
    world.conduct.by_image["registry.example/web:v2"] = ServiceModel(crash_after=2.0)
    world.after(60, upgrade(world, "web", "registry.example/web:v2"))
    world.run_for(1200)
    assert world.fleet.ready.tolist() == [3]
    [new] = [pod for pod in world.fleet.pods("web") if not pod.is_ready]
    # Runs of 2 s, and waits of 0, 10, 20, 40, 80, 160, 300 and 300 s between them.
    assert new.restarts == 9
    assert list(world.observations.of("deploy.stuck"))


def test_a_program_that_starts_slower_than_its_liveness_allows_is_killed_again_and_again() -> None:
    probe = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 5, "failureThreshold": 3}
    manifests = [deployment("web", 1, livenessProbe=probe), service("web")]
    world = world_of(manifests, default_service=ServiceModel(start=20.0))
    world.run_for(60)
    ended = list(world.observations.of("pod.ended"))
    assert {(record["why"], record["code"]) for record in ended} == {("failed liveness probe", 137)}
    assert world.fleet.ready.tolist() == [0]


def test_pods_of_a_lost_zone_are_replaced_after_their_tolerance() -> None:
    world = world_of([deployment("web", 6), service("web")], nodes=6)
    machines = world.machines.machines
    lost = [name for name in sorted(machines) if machines[name].zone == ZONES[1]]
    for name in lost:
        world.after(100, lambda now, name=name: world.machines.stop(name, now))
    world.run_for(145)
    assert all(is_true(node, "Ready") for node in world.api.list(NODE))
    assert world.fleet.silent.tolist() == [2]
    world.run_for(170)
    silent = [
        node["metadata"]["name"] for node in world.api.list(NODE) if not is_true(node, "Ready")
    ]
    assert silent == lost
    world.run_for(700)
    assert world.fleet.ready.tolist() == [6]
    [first, *_] = [
        record["t"] for record in world.observations.of("pod.ready") if record["t"] > 100
    ]
    # 50 s of silence, up to 10 s to the next lease and look, 300 s of toleration, a start.
    assert 450 <= first <= 500


def test_machines_come_and_go_while_time_passes() -> None:
    world = world_of([deployment("web", 2), service("web")], nodes=3)
    node = dict(world.api.list(NODE)[0])
    labels = {"topology.kubernetes.io/zone": "d"}
    fresh = {
        **node,
        "metadata": {"name": "extra", "labels": labels},
        "status": {"allocatable": node["status"]["allocatable"]},
    }
    world.after(10, lambda now: world.machines.add(fresh, now, ready_after=20.0))
    world.run_for(20)
    live = world.api.get(Key(*NODE, "", "extra"))
    assert live is not None
    assert not is_true(live, "Ready")
    world.run_for(40)
    live = world.api.get(Key(*NODE, "", "extra"))
    assert live is not None
    assert is_true(live, "Ready")
    world.after(50, lambda now: world.machines.remove("extra", now))
    world.run_for(60)
    assert world.api.get(Key(*NODE, "", "extra")) is None


def test_an_eviction_is_refused_as_a_person_would_be() -> None:
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
    }
    world = world_of([deployment("web", 2), service("web"), budget])
    world.run_for(0)
    pod = world.api.list(POD)[0]
    with pytest.raises(Failure) as refused:
        world.api.evict(Key(*POD, "shop", pod["metadata"]["name"]), world.now)
    assert refused.value.code == 429


def test_what_is_skipped_would_have_changed_nothing() -> None:
    quick, thorough = eventful(3), eventful(3, skips_quiet=False)
    assert list(quick.observations.lines()) == list(thorough.observations.lines())
    assert quick.series.values("failed") == thorough.series.values("failed")


def test_another_seed_is_another_run() -> None:
    first, second = world_of(platform("web"), 1), world_of(platform("web"), 2)
    for world in (first, second):
        world.run_for(0)
    assert first.observations.digest() != second.observations.digest()


def test_one_seed_gives_the_same_bytes_in_any_process_and_with_any_hash_seed() -> None:
    program = (
        "from tests.rehearsal.test_world import eventful; print(eventful(5).observations.digest())"
    )
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "PYTHONHASHSEED": hash_seed,
                "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]),
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("0", "4242")
    ]
    found = [run.communicate()[0].strip() for run in runs]
    assert len(found[0]) == 64
    assert set(found) == {found[0]}
