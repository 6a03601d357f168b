"""Delivery against a cluster that does as asked: order, drift, pruning, failure, crashes."""

from typing import Any

import pytest
from delivery_world import Killed, World, commit, deployment, manifest, ready

from kiban.compiler.bundle import SecretNeed
from kiban.delivery.delivery import Delivery
from kiban.delivery.messages import Commit, Desired, Refused, Undeliverable
from kiban.kube.objects import Key, Manifest, replaced
from kiban.primitives.problems import Problem


def delivered(desired: Desired, **options: Any) -> tuple[World, Delivery]:
    world = World()
    delivery = world.start(**options)
    delivery.observe(desired, world.now)
    world.run(delivery)
    return world, delivery


def test_a_first_install_goes_in_waves_of_the_service_graph_after_all_addresses() -> None:
    images = {"web": "web:1", "stamp": "stamp:1", "db": "db:1"}
    world, delivery = delivered(commit("a", images, {"web": {"stamp"}, "stamp": {"db"}}))
    assert world.asked == [
        "apply Namespace/arcade-dev",
        "apply Service/db",
        "apply Service/stamp",
        "apply Service/web",
        "apply Deployment/db",
        "apply Deployment/stamp",
        "apply Deployment/web",
        "apply ConfigMap/kiban-delivery by force",
    ]
    status = delivery.status()
    assert (status.phase, status.is_ready, status.delivered) == ("synced", True, "a" * 8)
    assert [(service.name, service.wave) for service in status.services] == [
        ("db", 0),
        ("stamp", 1),
        ("web", 2),
    ]
    assert world.endings() == ["done"]


def test_what_is_as_wanted_costs_no_request_not_even_after_a_restart() -> None:
    desired = commit("a", {"web": "web:1"})
    world, _ = delivered(desired)
    world.asked.clear()
    again = world.start()
    again.observe(desired, world.now)
    world.run(again, 3600)
    assert (world.asked, again.status().is_ready) == ([], True)


def test_a_new_commit_touches_only_what_it_changes() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1", "stamp": "stamp:1"}))
    world.asked.clear()
    delivery.observe(commit("b", {"web": "web:1", "stamp": "stamp:2"}), world.now)
    world.run(delivery)
    assert world.asked == ["apply Deployment/stamp", "apply ConfigMap/kiban-delivery by force"]
    assert delivery.status().delivered == "b" * 8


def test_a_service_that_is_not_well_holds_up_what_uses_it_and_nothing_else() -> None:
    world = World(broken={"db"})
    delivery = world.start()
    images = {"web": "web:1", "db": "db:1", "other": "other:1"}
    delivery.observe(commit("a", images, {"web": {"db"}}), world.now)
    world.run(delivery, 60)
    assert "apply Deployment/other" in world.asked
    assert "apply Deployment/web" not in world.asked
    status = {service.name: service for service in delivery.status().services}
    assert status["db"].status == "Progressing"
    assert delivery.status().phase == "syncing"
    world.broken.clear()
    live = world.objects[deployment("db")]
    world.change_by_hand(delivery, ready(live))
    world.run(delivery)
    assert delivery.status().is_ready


def test_a_plan_that_times_out_fails_and_goes_on_when_the_service_recovers() -> None:
    world = World(broken={"db"})
    delivery = world.start()
    delivery.observe(commit("a", {"web": "web:1", "db": "db:1"}, {"web": {"db"}}), world.now)
    world.run(delivery, 700)
    assert world.endings()[0] == "failed"
    assert "apply Deployment/web" not in world.asked
    assert delivery.status().problems[0].code == "delivery/plan-failed"
    world.broken.clear()
    world.change_by_hand(delivery, ready(world.objects[deployment("db")]))
    world.run(delivery)
    assert delivery.status().is_ready
    assert delivery.status().problems == ()


def test_a_newer_commit_takes_over_from_one_that_hangs() -> None:
    world = World(broken={"db"})
    delivery = world.start()
    delivery.observe(commit("a", {"db": "db:bad"}), world.now)
    world.run(delivery, 30)
    world.broken.clear()
    delivery.observe(commit("b", {"db": "db:good"}), world.now)
    world.run(delivery, 5)
    assert world.endings() == ["superseded", "done"]
    assert delivery.status().delivered == "b" * 8


def test_a_commit_that_is_no_good_changes_nothing_and_says_why() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1"}))
    world.asked.clear()
    problem = Problem("spec/unknown-field", "There is no field prot.")
    delivery.observe(Undeliverable(Commit("b" * 8), (problem,)), world.now)
    world.run(delivery, 60)
    status = delivery.status()
    assert (world.asked, status.problems, status.is_ready) == ([], (problem,), False)
    assert (status.phase, status.commit.id, status.newest.id) == ("synced", "a" * 8, "b" * 8)
    world.delete_by_hand(delivery, deployment("web"))
    world.run(delivery)
    assert world.asked == ["apply Deployment/web"]


def test_drift_is_healed_at_once_and_written_down() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1"}))
    world.asked.clear()
    live = world.objects[deployment("web")]
    world.change_by_hand(delivery, replaced(live, ["spec", "replicas"], 7))
    world.run(delivery, 0.5)
    assert world.asked == ["apply Deployment/web"]
    assert world.objects[deployment("web")]["spec"]["replicas"] == 1
    assert world.events() == ["delivery/delivered", "delivery/drift"]
    assert "spec.replicas" in str(world.journal)


def test_an_object_that_drifts_again_and_again_is_healed_after_growing_pauses() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1"}))
    world.asked.clear()
    for _ in range(60):
        live = world.objects[deployment("web")]
        world.change_by_hand(delivery, replaced(live, ["spec", "replicas"], 7))
        world.run(delivery, 1)
    assert 3 <= world.asked.count("apply Deployment/web") <= 8


def test_drift_is_healed_also_while_a_sync_waits_for_another_service() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1", "db": "db:1"}))
    world.broken = {"db"}
    delivery.observe(commit("b", {"web": "web:1", "db": "db:2"}), world.now)
    world.run(delivery, 30)
    assert delivery.status().phase == "syncing"
    world.asked.clear()
    world.delete_by_hand(delivery, deployment("web"))
    live = world.objects[deployment("db")]
    world.change_by_hand(delivery, replaced(live, ["spec", "replicas"], 5))
    world.run(delivery, 1)
    assert sorted(world.asked) == ["apply Deployment/db", "apply Deployment/web"]
    assert delivery.status().phase == "syncing"


def test_what_a_waiting_sync_has_not_come_to_is_not_taken_for_drift() -> None:
    images = {"web": "web:1", "db": "db:1"}
    world, delivery = delivered(commit("a", images, {"web": {"db"}}))
    world.broken = {"db"}
    new = commit("b", {"web": "web:2", "db": "db:2"}, {"web": {"db"}})
    delivery.observe(new, world.now)
    world.run(delivery, 30)
    world.change_by_hand(delivery, world.objects[deployment("web")])
    world.run(delivery, 30)
    assert world.objects[deployment("web")]["spec"]["template"]["spec"]["containers"] == [
        {"name": "app", "image": "web:1"}
    ]


def test_a_cluster_that_lost_everything_is_filled_again_in_waves() -> None:
    images = {f"s{number:02}": "i:1" for number in range(12)}
    needs = {"s00": {"s11"}}
    world, delivery = delivered(commit("a", images, needs))
    world.asked.clear()
    for key in sorted(world.objects):
        if key.kind != "Namespace":
            world.delete_by_hand(delivery, key)
    world.run(delivery, 5)
    assert world.events().count("delivery/drift") == 1
    assert world.asked.index("apply Deployment/s11") < world.asked.index("apply Deployment/s00")
    assert delivery.status().is_ready


def test_what_others_add_is_not_drift() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1"}))
    world.asked.clear()
    live = replaced(world.objects[deployment("web")], ["spec", "progressDeadlineSeconds"], 600)
    world.change_by_hand(delivery, replaced(live, ["metadata", "annotations", "other"], "x"))
    world.run(delivery, 5)
    assert world.asked == []


def test_what_git_no_longer_wants_goes_last_and_only_when_the_rest_is_well() -> None:
    world, delivery = delivered(commit("a", {"old": "old:1", "web": "web:1"}))
    world.asked.clear()
    world.broken = {"new"}
    delivery.observe(commit("b", {"new": "new:1", "web": "web:1"}), world.now)
    world.run(delivery, 60)
    assert not [line for line in world.asked if line.startswith("delete")]
    world.broken.clear()
    world.change_by_hand(delivery, ready(world.objects[deployment("new")]))
    world.run(delivery)
    assert [line for line in world.asked if line.startswith("delete")] == [
        "delete Deployment/old",
        "delete Service/old",
    ]


def test_a_commit_that_would_delete_most_of_what_runs_deletes_nothing_without_leave() -> None:
    images = {name: f"{name}:1" for name in ("a", "b", "c", "d")}
    world, delivery = delivered(commit("a", images))
    delivery.observe(commit("b", {"a": "a:1"}), world.now)
    world.run(delivery, 60)
    assert not [line for line in world.asked if line.startswith("delete")]
    assert [problem.code for problem in delivery.status().problems] == ["delivery/blast-radius"]
    allowed = world.start(allow_delete=True)
    allowed.observe(commit("b", {"a": "a:1"}), world.now)
    world.run(allowed)
    assert len([line for line in world.asked if line.startswith("delete")]) == 6


def test_an_object_of_another_environment_is_refused_before_anything_is_touched() -> None:
    world = World()
    foreign = manifest("Service", "web")
    foreign["metadata"]["labels"]["kiban.dev/environment"] = "stg"
    world.put(foreign)
    delivery = world.start()
    delivery.observe(commit("a", {"web": "web:1"}), world.now)
    world.run(delivery, 60)
    assert (world.asked, delivery.status().phase) == ([], "refused")
    assert [problem.code for problem in delivery.status().problems] == ["delivery/owned-by-another"]
    world.delete_by_hand(delivery, Key("", "Service", "arcade-dev", "web"))
    world.run(delivery)
    assert delivery.status().is_ready


NEED = SecretNeed("arcade-dev", "db-app", "db", ("password",), {"url": "pg://app:{password}@db"})


def test_a_missing_secret_is_made_where_that_is_allowed_and_never_written_down() -> None:
    world, delivery = delivered(commit("a", {"db": "db:1"}, secrets=(NEED,)), makes_secrets=True)
    order = [line for line in world.asked if "db" in line]
    assert order == ["apply Service/db", "make db-app", "apply Deployment/db"] or order == [
        "make db-app",
        "apply Service/db",
        "apply Deployment/db",
    ]
    assert delivery.status().is_ready
    assert "t0ken" not in str(world.journal)


def test_a_missing_secret_elsewhere_is_waited_for_and_said() -> None:
    world, delivery = delivered(commit("a", {"db": "db:1", "web": "w:1"}, secrets=(NEED,)))
    assert "apply Deployment/web" in world.asked
    assert "apply Deployment/db" not in world.asked
    steps = delivery.plan_steps()
    assert "the Secret arcade-dev/db-app is missing" in str(steps)
    data = {"password": "eA==", "url": "eA=="}
    world.change_by_hand(delivery, manifest("Secret", "db-app", data=data))
    world.run(delivery)
    assert delivery.status().is_ready


def test_fields_that_others_own_are_taken_back_by_force_and_that_is_written_down() -> None:
    world, delivery = delivered(commit("a", {"web": "web:1"}))
    key = deployment("web")
    world.refusals[key] = [Refused(key, 409, "Conflict", 'conflict with "kubectl-edit"')]
    delivery.observe(commit("b", {"web": "web:2"}), world.now)
    world.run(delivery)
    assert "apply Deployment/web by force" in world.asked
    assert "delivery/took-over" in world.events()


def test_a_job_that_cannot_be_changed_is_made_anew() -> None:
    def job(image: str) -> Manifest:
        template = {"spec": {"containers": [{"name": "app", "image": image}]}}
        return manifest("Job", "migrate", "web", spec={"template": template})

    world, delivery = delivered(commit("a", {"web": "web:1"}, extra=(job("m:1"),)))
    key = Key("batch", "Job", "arcade-dev", "migrate")
    world.refusals[key] = [Refused(key, 422, "Invalid", "spec.template: field is immutable")]
    delivery.observe(commit("b", {"web": "web:1"}, extra=(job("m:2"),)), world.now)
    world.run(delivery, 1)
    assert [line for line in world.asked if "Job" in line] == [
        "apply Job/migrate",
        "apply Job/migrate",
        "delete Job/migrate",
        "apply Job/migrate",
    ]
    assert "delivery/replaced" in world.events()


def test_a_refused_object_fails_the_plan_with_the_servers_words_and_is_tried_again() -> None:
    world = World()
    key = deployment("web")
    world.refusals[key] = [Refused(key, 422, "Invalid", "spec.replicas: must be positive")]
    delivery = world.start()
    delivery.observe(commit("a", {"web": "web:1"}), world.now)
    world.run(delivery, 1)
    assert "must be positive" in delivery.status().problems[0].what
    world.run(delivery, 10)
    assert delivery.status().is_ready


def test_a_process_killed_at_any_write_is_followed_by_one_that_ends_in_the_same_state() -> None:
    old = commit("a", {"old": "old:1", "web": "web:1", "db": "db:1"}, {"web": {"db"}})
    new = commit("b", {"web": "web:2", "db": "db:2"}, {"web": {"db"}}, (NEED,))

    def shape(world):
        return {key: (live.get("spec"), live.get("data")) for key, live in world.objects.items()}

    whole, delivery = delivered(old, makes_secrets=True)
    delivery.observe(new, whole.now)
    whole.run(delivery)
    for survived in range(60):
        world, _ = delivered(old, makes_secrets=True)
        world.writes_left = survived
        try:
            first = world.start(makes_secrets=True)
            first.observe(new, world.now)
            world.run(first)
        except Killed:
            pass
        else:
            break
        world.writes_left = 10**9
        world.unready = [key for key in sorted(world.objects) if key.kind == "Deployment"]
        second = world.start(makes_secrets=True)
        second.observe(new, world.now)
        world.run(second, 30)
        assert second.status().is_ready, survived
        assert shape(world) == shape(whole), survived
        assert not world.start()._acting._unfinished, survived
    else:
        pytest.fail("the plan never came to its end")
