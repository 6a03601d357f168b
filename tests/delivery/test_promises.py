"""What a commit's plan promised, and what a sync did instead."""

from dataclasses import replace

from delivery_world import World, bundle, commit, deployment

from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired
from kiban.delivery.planning import proposed
from kiban.delivery.promises import agreed_hash
from kiban.kube.objects import replaced
from kiban.plans.records import Event, PlanOpened

OLD, NEW = {"web": "web:1", "db": "db:1"}, {"web": "web:2", "db": "db:1"}


def test_the_hash_of_the_plan_before_the_merge_is_the_hash_of_the_sync() -> None:
    world = World()
    delivery = world.start()
    for desired in (commit("a", OLD), commit("b", NEW)):
        delivery.observe(desired, world.now)
        world.run(delivery)
    shown = proposed(bundle(OLD), bundle(NEW)).hash
    last = [record for record in world.journal if isinstance(record, PlanOpened)][-1]
    assert last.plan.facts["hash"] == last.plan.facts["promised"] == shown
    assert "delivery/plan-differs" not in world.events()


def test_a_sync_that_has_more_to_do_than_its_commit_says_tells_what() -> None:
    world = World()
    delivery = world.start()
    delivery.observe(commit("a", OLD), world.now)
    world.run(delivery)
    changed = replaced(world.objects[deployment("db")], ["spec", "replicas"], 9)
    delivery.observe(commit("b", NEW), world.now)
    world.change_by_hand(delivery, changed)
    world.run(delivery)
    [event] = [one for one in world.journal if getattr(one, "code", "") == "delivery/plan-differs"]
    assert isinstance(event, Event)
    assert event.message.endswith("also applies Deployment.apps/arcade-dev/db")


def test_the_plan_that_was_agreed_to_stands_in_the_message_of_the_commit() -> None:
    def delivered(hash_: str) -> World:
        world = World()
        delivery = world.start()
        delivery.observe(commit("a", OLD), world.now)
        world.run(delivery)
        message = f"Merge web 2\n\nKiban-Plan: dev@local {hash_}\n"
        desired = Desired(Commit("b" * 8, "Ada", message), bundle(NEW))
        delivery.observe(desired, world.now)
        world.run(delivery)
        return world

    shown = proposed(bundle(OLD), bundle(NEW)).hash
    assert "delivery/plan-differs" not in delivered(shown).events()
    assert "delivery/plan-differs" in delivered("0123456789abcdef").events()


def test_a_cluster_may_be_known_by_its_context_or_by_the_platforms_name_for_it() -> None:
    said = Commit(
        "c" * 8, "Ada", "Merge\n\nKiban-Plan: prod@tokyo 00ff\nKiban-Plan: dev@dev 11ff\n"
    )
    prod = Scope("arcade", "prod", "arn:eks/tokyo", "arcade-prod")
    assert agreed_hash(said, prod, "tokyo") == "00ff"
    assert agreed_hash(said, replace(prod, cluster="tokyo")) == "00ff"
    assert agreed_hash(said, replace(prod, environment="stg"), "tokyo") == ""
    # What a laptop runs is never what was planned for a real cluster.
    assert agreed_hash(said, replace(prod, environment="dev", cluster="local"), "dev") == ""
