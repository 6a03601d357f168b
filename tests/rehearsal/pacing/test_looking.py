"""A look at pods that come and go proposes what a run of the controller would."""

from tests.rehearsal.platforms import SHOP, ZONES, key, platform, upgrade, world_of

from kiban.cluster.controllers.horizontal_pod_autoscaler.proposals import Target, proposals
from kiban.kube.objects import HORIZONTAL_POD_AUTOSCALER, POD, Key
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant
from kiban.rehearsal import World
from kiban.rehearsal.pacing.lanes import terms_of
from kiban.rehearsal.pacing.looking import Looks

AUTOSCALER = Key(*HORIZONTAL_POD_AUTOSCALER, SHOP, "web")


def of_a_run(world: World, now: Instant) -> int | None:
    autoscaler, workload = world.api.get(AUTOSCALER), world.api.get(key("web"))
    assert autoscaler is not None and workload is not None
    selector = selector_from_object(workload["spec"]["selector"])
    pods = [pod for pod in world.api.list(POD) if selector.chooses(pod)]
    replicas = workload["spec"]["replicas"]
    target = Target(SHOP, replicas, replicas, pods, selector)
    found = proposals(autoscaler["spec"]["metrics"], target, world.metering, now)
    return None if found.failures else found.replicas


def of_a_look(looks: Looks, world: World, now: Instant) -> int | None:
    autoscaler, workload = world.api.get(AUTOSCALER), world.api.get(key("web"))
    assert autoscaler is not None and workload is not None
    terms = terms_of(autoscaler, workload, world.fleet)
    assert terms is not None
    return looks.proposed(terms, workload["spec"]["replicas"], world.cluster.store, now)


def test_a_look_proposes_what_a_run_would_while_pods_come_and_go() -> None:
    world = world_of(platform("web"), 3)
    world.after(300, upgrade(world, "web", "registry.example/web:v2"))
    machines = world.machines.machines
    for name in [name for name in sorted(machines) if machines[name].zone == ZONES[0]]:
        world.after(500, lambda now, name=name: world.machines.stop(name, now))
    seen: list[tuple[int | None, int | None]] = []
    unsettled: list[bool] = []
    looks = Looks(world.metering, world.fleet)

    def compare(now: Instant) -> None:
        seen.append((of_a_look(looks, world, now), of_a_run(world, now)))
        unsettled.append(bool(world.fleet.starting.any() or world.fleet.draining.any()))

    for second in range(0, 1200, 5):
        world.after(second + 0.5, compare)
    world.run_for(1200)
    assert all(look == run for look, run in seen)
    assert any(unsettled)
    assert any(run is not None for _, run in seen)
