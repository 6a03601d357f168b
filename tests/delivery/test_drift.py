"""What people and programs change of delivered objects: healed, shown, or left to them."""

from dataclasses import replace
from typing import Any

from delivery_world import World, commit, deployment, manifest

from kiban.delivery.delivery import Delivery
from kiban.delivery.messages import Conflict, Desired, Refused
from kiban.delivery.yielding import FIGHTS, without_fields
from kiban.kube.objects import replaced

IMAGES = {"web": "web:1", "db": "db:1"}


def shown(id_: str, *args: Any, **named: Any) -> Desired:
    desired = commit(id_, *args, **named)
    return Desired(desired.commit, replace(desired.bundle, drift="show"))


def delivered(desired: Desired) -> tuple[World, Delivery]:
    world = World()
    delivery = world.start()
    delivery.observe(desired, world.now)
    world.run(delivery)
    world.asked.clear()
    return world, delivery


def scaled(world: World, count: int) -> Any:
    return replaced(world.objects[deployment("web")], ["spec", "replicas"], count)


def test_drift_that_is_only_shown_is_told_once_and_left_until_it_is_gone() -> None:
    world, delivery = delivered(shown("a", IMAGES))
    world.change_by_hand(delivery, scaled(world, 5))
    world.delete_by_hand(delivery, deployment("db"))
    world.run(delivery, 600)
    assert world.asked == []
    assert world.events().count("delivery/drift") == 1
    status = delivery.status()
    assert (status.phase, status.is_ready) == ("drifted", False)
    [problem] = status.problems
    assert problem.code == "delivery/drifted"
    assert "Deployment.apps/arcade-dev/web (spec.replicas)" in problem.what
    assert "Deployment.apps/arcade-dev/db was deleted" in problem.what
    # Another process sees the same, and touches it as little.
    again = world.start()
    again.observe(shown("a", IMAGES), world.now)
    world.run(again, 60)
    assert (world.asked, again.status().phase) == ([], "drifted")
    world.change_by_hand(again, scaled(world, 1))
    world.change_by_hand(again, manifest("Deployment", "db", "db"))
    world.run(again, 60)
    assert "web" not in again.status().problems[0].what


def test_a_commit_that_changes_an_object_takes_it_back_also_where_drift_is_shown() -> None:
    world, delivery = delivered(shown("a", IMAGES))
    world.change_by_hand(delivery, scaled(world, 5))
    world.run(delivery)
    delivery.observe(shown("b", {"web": "web:2", "db": "db:1"}), world.now)
    world.run(delivery)
    assert world.objects[deployment("web")]["spec"]["replicas"] == 1
    assert delivery.status().is_ready


def test_a_field_that_a_controller_takes_back_again_and_again_is_left_to_it() -> None:
    world, delivery = delivered(commit("a", IMAGES))
    key = deployment("web")
    conflict = Conflict('conflict with "scaler" using apps/v1', ".spec.replicas")
    for _ in range(FIGHTS):
        world.refusals[key] = [Refused(key, 409, "Conflict", "conflict", (conflict,))]
        world.change_by_hand(delivery, scaled(world, 5))
        world.run(delivery, 60)
    assert world.events().count("delivery/took-over") == FIGHTS - 1
    assert world.events().count("delivery/yielded") == 1
    assert world.objects[key]["spec"].get("replicas") != 1
    world.asked.clear()
    world.change_by_hand(delivery, scaled(world, 7))
    world.run(delivery, 600)
    assert (world.asked, delivery.status().phase) == ([], "degraded")
    # Everything else of the object is still Git's.
    path = ["spec", "template", "spec", "containers"]
    world.change_by_hand(delivery, replaced(world.objects[key], path, [{"name": "app"}]))
    world.run(delivery, 60)
    assert world.asked == ["apply Deployment/web"]


def test_what_people_change_is_never_left_to_them() -> None:
    world, delivery = delivered(commit("a", IMAGES))
    key = deployment("web")
    conflict = Conflict('conflict with "kubectl-edit" using apps/v1', ".spec.replicas")
    for _ in range(3 * FIGHTS):
        world.refusals[key] = [Refused(key, 409, "Conflict", "conflict", (conflict,))]
        world.change_by_hand(delivery, scaled(world, 5))
        world.run(delivery, 600)
    assert "delivery/yielded" not in world.events()
    assert world.objects[key]["spec"]["replicas"] == 1


def test_fields_are_found_as_the_server_writes_them() -> None:
    tree = {
        "metadata": {"annotations": {"a.example/b": "1", "a": "2"}},
        "spec": {
            "replicas": 1,
            "containers": [
                {"name": "app", "image": "i", "ports": [{"containerPort": 80, "protocol": "TCP"}]},
                {"name": "side", "image": "j"},
            ],
            "finalizers": ["x", "y"],
        },
    }
    fields = (
        ".spec.replicas",
        ".metadata.annotations.a.example/b",
        '.spec.containers[name="app"].ports[containerPort=80,protocol="TCP"].protocol',
        '.spec.containers[name="side"].image',
        '.spec.finalizers[="x"]',
        ".spec.nowhere.at",
    )
    assert without_fields(tree, fields) == {
        "metadata": {"annotations": {"a": "2"}},
        "spec": {
            "containers": [
                {"name": "app", "image": "i", "ports": [{"containerPort": 80}]},
                {"name": "side"},
            ],
            "finalizers": ["y"],
        },
    }


def test_how_many_pods_there_are_is_the_business_of_an_autoscaler_where_there_is_one() -> None:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    scaler = manifest("HorizontalPodAutoscaler", "web", "web", spec={"scaleTargetRef": target})
    scaler["apiVersion"] = "autoscaling/v2"
    world, delivery = delivered(commit("a", IMAGES, extra=(scaler,)))
    world.change_by_hand(delivery, scaled(world, 7))
    world.run(delivery, 60)
    assert (world.asked, world.events().count("delivery/drift")) == ([], 0)
    delivery.observe(commit("b", {"web": "web:2", "db": "db:1"}, extra=(scaler,)), world.now)
    world.run(delivery, 60)
    live = world.objects[deployment("web")]
    assert live["spec"]["replicas"] == 7
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2"
