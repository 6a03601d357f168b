"""What keeps a commit from doing harm: questions first, fixed fields, renames, addresses."""

from dataclasses import replace
from typing import Any

from delivery_world import SCOPE, World, commit, deployment, manifest, service_manifests

from kiban.compiler.bundle import Bundle
from kiban.delivery.delivery import Delivery
from kiban.delivery.messages import Commit, Desired, Refused
from kiban.kube.objects import Key, Manifest, replaced

IMAGES = {"web": "web:1", "db": "db:1"}


def started(desired: Desired, **options: Any) -> tuple[World, Delivery]:
    world = World()
    world.put(manifest("Namespace", "arcade-dev"))
    delivery = world.start(**options)
    delivery.observe(desired, world.now)
    world.run(delivery)
    return world, delivery


def test_the_server_is_asked_about_everything_before_anything_is_applied() -> None:
    world, delivery = started(commit("a", IMAGES), validates=True)
    first = world.asked.index("apply Namespace/arcade-dev")
    assert [line for line in world.asked if line.startswith("check")] == world.asked[:first]
    assert delivery.status().is_ready


def test_one_object_that_is_not_acceptable_keeps_all_others_as_they_are() -> None:
    world, delivery = started(commit("a", IMAGES), validates=True)
    key = deployment("db")
    world.invalid[key] = Refused(key, 422, "Invalid", "spec.replicas: must be positive")
    world.asked.clear()
    delivery.observe(commit("b", {"web": "web:2", "db": "db:2"}), world.now)
    world.run(delivery, 1)
    assert [line for line in world.asked if not line.startswith("check")] == []
    assert "must be positive" in delivery.status().problems[0].what
    world.invalid[key] = Refused(key, 400, "BadRequest", "webhook does not support dry run")
    world.run(delivery, 10)
    assert delivery.status().is_ready


def test_what_comes_with_the_plan_is_not_asked_about_before() -> None:
    world = World()
    delivery = world.start(validates=True)
    delivery.observe(commit("a", IMAGES), world.now)
    world.run(delivery)
    checked = [line for line in world.asked if line.startswith("check")]
    assert checked == ["check Namespace/arcade-dev"]


def definition() -> Manifest:
    found = manifest("CustomResourceDefinition", "widgets.x.example")
    del found["metadata"]["namespace"]
    names = {"kind": "Widget", "plural": "widgets"}
    spec = {"group": "x.example", "names": names, "scope": "Namespaced", "versions": []}
    return {**found, "apiVersion": "apiextensions.k8s.io/v1", "spec": spec}


def test_a_kind_is_established_before_objects_of_it_are_made() -> None:
    widget = {**manifest("Widget", "first"), "apiVersion": "x.example/v1"}
    world, delivery = started(commit("a", IMAGES, extra=(widget, definition())), validates=True)
    assert "check Widget/first" not in world.asked
    order = [line for line in world.asked if line.startswith("apply")]
    assert order.index("apply CustomResourceDefinition/widgets.x.example") == 0
    assert delivery.status().is_ready
    plans = [record for record in world.journal if hasattr(record, "token")]
    assert len(plans) == 1


def test_a_fixed_field_is_refused_with_a_way_out_and_the_rest_stays() -> None:
    world, delivery = started(commit("a", IMAGES))
    desired = commit("b", {"web": "web:2", "db": "db:2"})
    moved = [
        replaced(one, ["spec", "selector", "matchLabels"], {"app": "other"})
        if (one["kind"], one["metadata"]["name"]) == ("Deployment", "db")
        else one
        for one in desired.bundle.manifests
    ]
    world.asked.clear()
    bundle = replace(desired.bundle, manifests=tuple(moved))
    delivery.observe(Desired(desired.commit, bundle), world.now)
    world.run(delivery, 600)
    [problem] = delivery.status().problems
    assert (world.asked, problem.code) == ([], "delivery/immutable")
    assert "spec.selector" in problem.what
    assert delivery.status().phase == "refused"
    delivery.observe(commit("c", {"web": "web:2", "db": "db:2"}), world.now)
    world.run(delivery)
    assert delivery.status().is_ready


def test_a_renamed_environment_takes_what_it_had_under_its_earlier_name() -> None:
    world, _ = started(commit("a", {**IMAGES, "old": "old:1"}))
    uids = {key: live["metadata"]["uid"] for key, live in world.objects.items()}
    scope = replace(SCOPE, environment="test")
    desired = commit("b", IMAGES)
    renamed = [
        replaced(one, ["metadata", "labels", "kiban.dev/environment"], "test")
        for one in desired.bundle.manifests
    ]
    bundle = replace(desired.bundle, environment="test", manifests=tuple(renamed))

    def run(bundle: Bundle) -> Delivery:
        delivery = Delivery(scope)
        delivery.observe(Desired(Commit("b" * 8), bundle), world.now)
        world.run(delivery)
        return delivery

    delivery = run(bundle)
    assert {problem.code for problem in delivery.status().problems} == {"delivery/owned-by-another"}
    delivery = run(replace(bundle, formerly=(("arcade", "dev"),)))
    assert delivery.status().is_ready
    assert deployment("old") not in world.objects
    for key, live in world.objects.items():
        assert live["metadata"]["uid"] == uids[key]
        assert live["metadata"]["labels"]["kiban.dev/environment"] == "test"


def test_an_address_leads_to_new_pods_when_they_are_well_and_not_before() -> None:
    world, delivery = started(commit("a", {"web": "web:1"}))
    address, _ = service_manifests("web", "web:1")
    address = replaced(address, ["spec", "selector"], {"app": "front"})
    _, front = service_manifests("web", "web:2")
    front = replaced(front, ["metadata", "name"], "front")
    desired = commit("b", {}, extra=(address, front))
    bundle = replace(desired.bundle, needs={"web": frozenset()})
    world.broken = {"front"}
    world.asked.clear()
    delivery.observe(Desired(desired.commit, bundle), world.now)
    world.run(delivery, 60)
    assert world.asked == ["apply Deployment/front"]
    world.broken.clear()
    world.unready = [Key("apps", "Deployment", "arcade-dev", "front")]
    world.run(delivery)
    assert world.asked[1:3] == ["apply Service/web", "delete Deployment/web"]


def test_what_cannot_be_asked_about_is_held_to_the_rules_of_kubernetes_here() -> None:
    world = World()
    delivery = world.start(validates=True)
    bad = manifest("Service", "bad", "web", spec={"ports": [{"port": 99999}]})
    delivery.observe(commit("a", IMAGES, extra=(bad,)), world.now)
    world.run(delivery, 1)
    assert world.asked == []
    said = delivery.status().problems[0].what
    assert 'Service "bad" is invalid: [spec.ports[0].port: Invalid value: 99999' in said


def test_whose_objects_are_is_known_without_a_journal() -> None:
    before, _ = started(commit("a", {**IMAGES, "old": "old:1"}))
    mine = manifest("ConfigMap", "by-hand")
    mine["metadata"]["labels"] = {}
    before.put(mine)
    world = World(objects=before.objects, revision=before.revision, now=before.now)
    assert not world.journal
    delivery = world.start()
    delivery.observe(commit("b", IMAGES), world.now)
    world.run(delivery)
    assert delivery.status().is_ready
    assert [line for line in world.asked if line.startswith("delete")] == [
        "delete Deployment/old",
        "delete Service/old",
    ]
    assert Key("", "ConfigMap", "arcade-dev", "by-hand") in world.objects
