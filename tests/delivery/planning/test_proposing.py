"""The plan of a commit, from two compilations alone."""

from typing import Any

from delivery_world import bundle, deployment, manifest

from kiban.delivery.planning import Proposal, proposed
from kiban.delivery.planning.fields import FieldChange, field_changes
from kiban.delivery.planning.text import markdown, text
from kiban.kube.objects import Key, Manifest, replaced


def changed(key: Key, images: dict[str, str], path: list[Any], value: Any) -> tuple[Manifest, ...]:
    """The manifests of a bundle with one field of one object set."""
    return tuple(
        replaced(each, path, value)
        if (each["kind"], each["metadata"]["name"]) == (key.kind, key.name)
        else each
        for each in bundle(images).manifests
    )


def test_a_plan_names_what_is_created_changed_and_deleted() -> None:
    plan = proposed(
        bundle({"web": "web:1", "old": "old:1", "x": "x:1"}),
        bundle({"web": "web:2", "new": "new:1", "x": "x:1"}),
    )

    actions = {f"{each.key.kind}/{each.key.name}": each.action for each in plan.objects}
    assert actions == {
        "Deployment/new": "create",
        "Service/new": "create",
        "Deployment/web": "change",
        "Deployment/old": "delete",
        "Service/old": "delete",
    }
    assert [each.key.name for each in plan.restarted] == ["web"]
    assert plan.problems == ()


def test_deletions_come_last() -> None:
    before = bundle({"web": "web:1", "old": "old:1", "x": "x:1"})

    stages = proposed(before, bundle({"web": "web:2", "x": "x:1"})).stages

    assert [stage.words for stage in stages] == [
        ("apply one object of web",),
        ("delete 2 objects that Git no longer wants",),
    ]


def test_a_commit_that_deletes_most_of_what_runs_says_so_before_it_is_merged() -> None:
    before = bundle({name: f"{name}:1" for name in "abcdef"})

    plan = proposed(before, bundle({"a": "a:1"}))

    assert [problem.code for problem in plan.problems] == ["delivery/blast-radius"]
    assert not Proposal("a", "b", (plan,)).is_deliverable
    assert proposed(before, bundle({"a": "a:1"}), allow_delete=True).problems == ()


def test_writing_a_default_down_is_no_change() -> None:
    before = bundle({"web": "web:1"})
    template = before.manifests[-1]["spec"]["template"]
    container = {
        **template["spec"]["containers"][0],
        "terminationMessagePath": "/dev/termination-log",
    }
    after = changed(
        deployment("web"), {"web": "web:1"}, ["spec", "template", "spec", "containers"], [container]
    )

    (old,) = (each for each in before.manifests if each["kind"] == "Deployment")
    (new,) = (each for each in after if each["kind"] == "Deployment")
    assert old != new
    assert field_changes(old, new) == ()


def test_a_field_that_cannot_be_changed_is_told_before() -> None:
    images = {"web": "web:1"}
    after = changed(
        deployment("web"), images, ["spec", "selector"], {"matchLabels": {"app": "other"}}
    )
    wanted = bundle(images)
    new = type(wanted)("arcade", "dev", "local", "arcade-dev", after, wanted.needs)

    plan = proposed(wanted, new)

    (each,) = plan.objects
    assert each.action == "refuse"
    assert "field is immutable" in each.why
    assert not Proposal("a", "b", (plan,)).is_deliverable


def test_a_job_is_made_anew() -> None:
    def job(image: str) -> Manifest:
        container = {"name": "app", "image": image}
        pod = {"containers": [container], "restartPolicy": "Never"}
        return manifest("Job", "migrate", "web", spec={"template": {"spec": pod}})

    before = bundle({"web": "web:1"}, extra=(job("web:1"),))
    plan = proposed(before, bundle({"web": "web:1"}, extra=(job("web:2"),)))

    assert [(each.key.name, each.action) for each in plan.objects] == [("migrate", "replace")]


def test_values_of_secrets_are_hidden() -> None:
    before = manifest("Secret", "key", stringData={"token": "old"})
    after = manifest("Secret", "key", stringData={"token": "new"})

    assert field_changes(before, after) == (FieldChange("data.token", "(hidden)", "(hidden)"),)


def test_entries_of_lists_are_known_by_name() -> None:
    images = {"web": "web:1"}
    containers = [
        {"name": "proxy", "image": "proxy:1"},
        {"name": "app", "image": "web:2"},
    ]
    after = changed(
        deployment("web"), images, ["spec", "template", "spec", "containers"], containers
    )
    (old,) = (each for each in bundle(images).manifests if each["kind"] == "Deployment")
    (new,) = (each for each in after if each["kind"] == "Deployment")

    paths = {change.path: change.after for change in field_changes(old, new)}
    assert paths["spec.template.spec.containers[app].image"] == "web:2"
    assert paths["spec.template.spec.containers[proxy]"]["image"] == "proxy:1"


def test_the_hash_names_what_is_done_and_nothing_else() -> None:
    before, after = bundle({"web": "web:1"}), bundle({"web": "web:2"})

    assert proposed(before, after).hash == proposed(before, after).hash
    assert proposed(before, after).hash != proposed(before, bundle({"web": "web:3"})).hash


def test_text_and_comment_say_the_same() -> None:
    plan = proposed(bundle({"web": "web:1"}), bundle({"web": "web:2"}))
    proposal = Proposal("main", "HEAD", (plan,), unchanged=("stg on stg",))

    assert text(proposal) == (
        f"dev on local: 1 changed; restarts web  [plan {plan.hash}]\n"
        "  ~ Deployment.apps/arcade-dev/web  (pods restart)\n"
        "      spec.template.spec.containers[app].image: web:1 -> web:2\n"
        "  1. apply one object of web\n"
        "\n"
        "unchanged: stg on stg\n"
    )
    assert f"| dev | local | 1 changed; restarts web | `{plan.hash}` |" in markdown(proposal)
    assert "containers[app].image: web:1 -> web:2" in markdown(proposal)
