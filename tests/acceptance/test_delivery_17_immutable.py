"""17. A change that Kubernetes does not allow is shown before, and nothing is touched until every
object of the plan is known to be acceptable."""

from pathlib import Path

from delivery_stage import Stage, play

from kiban.delivery.messages import Listed
from kiban.delivery.preview import needed_lists, preview
from kiban.kube.objects import Manifest, key_of, replaced


def other_selector(deployment: Manifest) -> Manifest:
    labels = {"app": "another"}
    found = replaced(deployment, ["spec", "selector"], {"matchLabels": labels})
    return replaced(found, ["spec", "template", "metadata", "labels"], labels)


def test_an_immutable_field_is_refused_before_anything_is_touched(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        web = stage.deployment("web", "web")
        first = stage.commit([web, stage.config("old", "web"), stage.config("kept", "web", a="1")])
        await stage.delivered(first)
        wanted = [other_selector(web), stage.config("kept", "web", a="2")]
        shown = await preview_of(stage, wanted)
        assert [change.action for change in shown.changes] == ["change", "refuse", "delete"]
        assert "spec.selector" in shown.problems[0].what
        stage.commit(wanted)
        status = await stage.failed("delivery/immutable")
        assert status.phase == "refused"
        assert "Give it another name" in status.problems[0].fix
        kept = await stage.get("ConfigMap", "kept")
        assert kept is not None
        assert kept["data"] == {"a": "1"}
        assert await stage.get("ConfigMap", "old") is not None
        # A new name is the way: the new one comes first, the old one goes after.
        front = stage.deployment("front", "web")
        await stage.delivered(stage.commit([front, stage.config("kept", "web", a="2")]))
        assert await stage.get("Deployment", "web") is None

    play(kubeconfig, tmp_path, story)


def test_one_object_that_the_server_refuses_keeps_all_others_as_they_are(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        configs = [stage.config(f"map-{number}", "web", a="1") for number in range(7)]
        await stage.delivered(stage.commit(configs))
        changed = [stage.config(f"map-{number}", "web", a="2") for number in range(1, 7)]
        bad = stage.deployment("web", "web", image="")
        stage.commit([*changed, bad])
        status = await stage.failed("image")
        assert "Required value" in status.problems[0].what
        for number in range(7):
            live = await stage.get("ConfigMap", f"map-{number}")
            assert live is not None
            assert live["data"] == {"a": "1"}

    play(kubeconfig, tmp_path, story)


def test_a_job_is_made_anew_and_shown_so(kubeconfig: str, tmp_path: Path) -> None:
    def job(stage: Stage, image: str) -> Manifest:
        pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": image}]}
        spec = {"completions": 0, "parallelism": 0, "template": {"spec": pod}}
        return stage.manifest("Job", "once", "web", spec=spec)

    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit([job(stage, "a:1")]))
        before = await stage.get("Job", "once")
        shown = await preview_of(stage, [job(stage, "a:2")])
        assert [change.action for change in shown.changes] == ["replace"]
        await stage.delivered(stage.commit([job(stage, "a:2")]))
        after = await stage.get("Job", "once")
        assert before is not None
        assert after is not None
        assert before["metadata"]["uid"] != after["metadata"]["uid"]
        assert [event.code for event in stage.events("delivery/replaced")] == ["delivery/replaced"]

    play(kubeconfig, tmp_path, story)


async def preview_of(stage: Stage, manifests: list[Manifest]):  # type: ignore[no-untyped-def]
    """What `kiban diff` shows."""
    bundle = stage.bundle(manifests)
    listings = []
    for item in needed_lists(bundle, stage.scope):
        found = await stage.cluster.list(item.kind, namespace=item.namespace)
        listings.append(Listed(item, [one for one in found.items if key_of(one)]))
    return preview(bundle, stage.scope, listings)
