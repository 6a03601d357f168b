"""Hooks: before, after and on failure; once for each release, and what is said of a failure."""

import re
from typing import Any

import pytest
from delivery_world import Killed, World, commit, deployment, ended, manifest

from kiban.compiler.bundle import HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION
from kiban.delivery.delivery import Delivery
from kiban.delivery.hooks import outcome
from kiban.delivery.messages import Desired, Seen
from kiban.kube.objects import Key, Manifest, replaced


def hook(name: str, when: str, service: str = "web", **notes: str) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": "tool:1"}]}
    found = manifest("Job", name, service, spec={"template": {"spec": pod}})
    annotations = {HOOK_ANNOTATION: when, **notes}
    return replaced(found, ["metadata", "annotations"], annotations)


def release(id_: str, tag: str, *hooks: Manifest, **more: Any) -> Desired:
    return commit(id_, {"web": f"web:{tag}", "db": "db:1"}, {"web": {"db"}}, extra=hooks, **more)


BEFORE, AFTER, RESCUE = (
    hook("migrate", "before"),
    hook("warm", "after"),
    hook("call", "failure"),
)


def run(world: World, delivery: Delivery, desired: Desired, seconds: float = 4) -> list[str]:
    """Deliver; what was asked meanwhile, Jobs without their hash."""
    world.asked.clear()
    delivery.observe(desired, world.now)
    world.run(delivery, seconds)
    return [re.sub(r"(Job/\w+)-[0-9a-f]{8}.*", r"\1", line) for line in world.asked]


def jobs(world: World) -> list[str]:
    return [key.name for key in sorted(world.objects) if key.kind == "Job"]


def test_hooks_run_around_the_change_of_their_service_and_go_with_the_next_release() -> None:
    world = World()
    delivery = world.start()
    asked = run(world, delivery, release("a", "1", BEFORE, AFTER, RESCUE))
    assert [line for line in asked if "Job" in line or "web" in line] == [
        "apply Service/web",
        "apply Job/migrate",
        "apply Deployment/web",
        "apply Job/warm",
        "let go of Job/migrate",
        "let go of Job/warm",
    ]
    assert asked.index("apply Deployment/db") < asked.index("apply Job/migrate")
    assert delivery.status().is_ready
    first = jobs(world)
    asked = run(world, delivery, release("b", "2", BEFORE, AFTER, RESCUE))
    assert [line for line in asked if "delete" in line] == ["delete Job/migrate", "delete Job/warm"]
    assert len(jobs(world)) == 2
    assert not set(jobs(world)) & set(first)


def test_what_has_run_for_a_release_does_not_run_again_on_the_way_back() -> None:
    world = World()
    delivery = world.start()
    for id_, tag in (("a", "1"), ("b", "2"), ("c", "1"), ("d", "2")):
        run(world, delivery, release(id_, tag, BEFORE))
        assert delivery.status().is_ready
    assert len(world.made) == 2
    # Not even in a process that knows nothing but the cluster.
    again = World(objects=world.objects, revision=world.revision, now=world.now).start()
    run(world, again, release("e", "1", BEFORE))
    assert len(world.made) == 2


def test_a_commit_that_changes_something_else_runs_no_hook() -> None:
    world = World()
    delivery = world.start()
    run(world, delivery, release("a", "1", BEFORE))
    more = manifest("ConfigMap", "more", "web", data={"a": "1"})
    asked = run(world, delivery, release("b", "1", BEFORE, more))
    assert asked == ["apply ConfigMap/more", "apply ConfigMap/kiban-delivery by force"]


def test_a_failed_hook_keeps_the_old_version_and_calls_for_help() -> None:
    world = World(broken={"migrate"})
    delivery = world.start()
    run(world, delivery, release("a", "1"))
    run(world, delivery, release("b", "2", BEFORE, AFTER, RESCUE), 0.5)
    live = world.objects[deployment("web")]
    assert live["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1"
    assert [name.rpartition("-")[0] for name in world.made] == ["migrate", "call"]
    assert f"the Job {world.made[0]} failed: BackoffLimitExceeded" in delivery.status().message
    # Tried again after growing pauses, without running anything twice.
    world.run(delivery, 600)
    assert len(world.made) == 2


def test_the_last_words_of_a_failed_hook_have_no_secrets() -> None:
    world = World(broken={"migrate"}, logs="connecting\nno such column\nhunter22 is bad\n")
    world.put(manifest("Secret", "db", data={"password": "aHVudGVyMjI="}))
    pod = manifest("Pod", "migrate-x", spec={"containers": [{"name": "app"}]})
    pod["metadata"]["labels"] = {"job": "migrate"}
    world.put(pod)
    delivery = world.start()
    chosen = replaced(BEFORE, ["spec", "selector"], {"matchLabels": {"job": "migrate"}})
    run(world, delivery, release("a", "1", chosen), 0.5)
    said = delivery.status().problems[0].what
    assert said.endswith("it said: connecting | no such column | (hidden) is bad")
    assert "hunter22" not in str(world.journal)


def test_a_person_who_deletes_the_failed_job_has_it_run_again_at_once() -> None:
    world = World(broken={"migrate"})
    delivery = world.start()
    run(world, delivery, release("a", "1", BEFORE), 1)
    [name] = world.made
    key = Key("batch", "Job", "arcade-dev", name)
    world.broken.clear()
    answer = world.remove(key)
    delivery.observe(Seen(answer.object), world.now)  # type: ignore[union-attr]
    world.run(delivery, 1)
    assert world.made == [name, name]
    assert delivery.status().is_ready


def test_a_result_is_kept_when_the_time_of_the_job_is_over() -> None:
    job = replaced(ended(hook("x", "before"), "Failed"), ["spec", "ttlSecondsAfterFinished"], 0)
    assert outcome(replaced(job, ["metadata", "deletionTimestamp"], "2023-11-14T22:13:21Z")) == (
        "failed"
    )
    alive = replaced(job, ["spec", "ttlSecondsAfterFinished"], 3600)
    assert outcome(replaced(alive, ["metadata", "deletionTimestamp"], "2023-11-14T22:13:21Z")) == (
        "absent"
    )


def test_a_newer_commit_waits_for_a_migration_that_runs_and_not_for_one_that_cannot() -> None:
    def superseded(phase: str) -> World:
        world = World()
        delivery = world.start()
        run(world, delivery, release("a", "1"))
        selector = {"matchLabels": {"job": "migrate"}}
        slow = replaced(BEFORE, ["spec", "selector"], selector)
        delivery.observe(release("b", "2", slow), world.now)
        for _ in range(6):
            for ask in delivery.step(world.now):
                if (answer := world.answer(ask)) is not None:
                    delivery.post(answer, world.now)
        pod = manifest("Pod", "migrate-x", status={"phase": phase})
        pod["metadata"]["labels"] = {"job": "migrate"}
        delivery.observe(Seen(world.put(pod)), world.now)
        world.unready.clear()
        delivery.observe(release("c", "3", slow), world.now)
        world.run(delivery, 20)
        return world

    assert len(superseded("Running").made) == 1
    world = superseded("Pending")
    assert len(world.made) == 2
    assert len(jobs(world)) == 1


@pytest.mark.parametrize(
    ("policy", "left"), [("superseded", 1), ("success", 0), ("always", 0), ("never", 2)]
)
def test_jobs_go_as_their_policy_says(policy: str, left: int) -> None:
    world = World()
    delivery = world.start()
    kept = hook("migrate", "before", **{HOOK_DELETE_ANNOTATION: policy})
    run(world, delivery, release("a", "1", kept))
    run(world, delivery, release("b", "2", kept))
    assert len(jobs(world)) == left
    assert delivery.status().is_ready


def test_what_is_no_job_or_no_moment_is_refused_before_anything_is_touched() -> None:
    for bad in (
        replaced(hook("x", "before"), ["kind"], "Deployment"),
        hook("x", "sometimes"),
        hook("x", "after", **{HOOK_DELETE_ANNOTATION: "soon"}),
    ):
        world = World()
        delivery = world.start()
        assert run(world, delivery, release("a", "1", bad)) == []
        assert [problem.code for problem in delivery.status().problems] == ["delivery/bad-hook"]


@pytest.mark.parametrize("does_last", [False, True])
def test_a_process_killed_at_any_write_of_a_release_with_hooks_leaves_nothing_half_done(
    does_last: bool,
) -> None:
    old, new = release("a", "1", BEFORE), release("b", "2", BEFORE, AFTER)
    for survived in range(60):
        world = World()
        run(world, world.start(), old)
        world.made.clear()
        world.writes_left, world.does_last = survived, does_last
        try:
            run(world, world.start(), new)
        except Killed:
            pass
        else:
            break
        world.writes_left = 10**9
        world.unready = [key for key in sorted(world.objects) if key.kind in ("Deployment", "Job")]
        second = world.start()
        run(world, second, new, 30)
        assert second.status().is_ready, survived
        assert len(world.made) == len(set(world.made)) == 2, survived
        assert not world.start()._acting._unfinished, survived
        # And back, where no hook runs again.
        run(world, second, old, 30)
        assert second.status().is_ready, survived
        assert len(world.made) == 2, survived
    else:
        pytest.fail("the plan never came to its end")
