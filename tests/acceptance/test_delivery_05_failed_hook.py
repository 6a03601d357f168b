"""5. A hook whose Job fails and has a time to live of nothing: its result is kept."""

from pathlib import Path

from delivery_stage import NOWHERE, PAUSE_IMAGE, Stage, play

from kiban.compiler.bundle import HOOK_ANNOTATION
from kiban.kube.objects import Manifest, condition_of

# Ends without a pod, on any Kubernetes: nothing has to be done.
DONE = {"completions": 0, "parallelism": 0}
# Fails after a second: its pod goes nowhere.
FAILS = {"activeDeadlineSeconds": 1, "backoffLimit": 0}


def hook(stage: Stage, name: str, when: str, **spec: object) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": PAUSE_IMAGE}]}
    template = {"spec": {**pod, **NOWHERE}}
    metadata = {"annotations": {HOOK_ANNOTATION: when}}
    return stage.manifest(
        "Job", name, "web", metadata=metadata, spec={"template": template, **spec}
    )


def release(stage: Stage, image: str, *hooks: Manifest) -> list[Manifest]:
    return [stage.address("web", "web"), stage.deployment("web", "web", image=image), *hooks]


def test_a_failed_hook_leaves_the_old_version_serving_and_its_result_is_kept(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit(release(stage, PAUSE_IMAGE)))
        bad = hook(stage, "migrate", "before", ttlSecondsAfterFinished=0, **FAILS)
        stage.commit(release(stage, "registry.k8s.io/pause:3.9", bad))
        await stage.failed("the Job migrate-")
        await stage.failed("DeadlineExceeded")
        web = await stage.get("Deployment", "web")
        assert web is not None
        assert web["spec"]["template"]["spec"]["containers"][0]["image"] == PAUSE_IMAGE
        # Its time to live is over, and yet it can be looked at.
        [name] = stage.jobs()
        job = await stage.get("Job", name)
        assert job is not None
        assert condition_of(job, "Failed") is not None

    play(kubeconfig, tmp_path, story)


def test_hooks_run_once_for_each_release_and_not_again_on_the_way_back(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        hooks = hook(stage, "migrate", "before", **DONE), hook(stage, "warm", "after", **DONE)
        await stage.delivered(stage.commit(release(stage, PAUSE_IMAGE, *hooks)))
        first = stage.jobs()
        assert [name.rpartition("-")[0] for name in first] == ["migrate", "warm"]
        await stage.delivered(stage.commit(release(stage, "registry.k8s.io/pause:3.9", *hooks)))
        second = stage.jobs()
        assert len(second) == 2
        assert not set(first) & set(second)
        await stage.delivered(stage.commit(release(stage, PAUSE_IMAGE, *hooks)))
        steps = [entry.record for entry in stage.journal.entries(limit=-1, kind="step")]
        begun = [one for one in steps if ":web/" in one.step and one.state == "started"]  # type: ignore[union-attr]
        assert len(begun) == 4

    play(kubeconfig, tmp_path, story)


def test_a_person_who_deletes_the_job_has_it_run_again(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.commit(release(stage, PAUSE_IMAGE, hook(stage, "migrate", "before", **FAILS)))
        await stage.failed("DeadlineExceeded")
        [name] = stage.jobs()
        before = await stage.get("Job", name)
        assert before is not None
        await stage.cluster.delete(stage.key("Job", name))

        async def is_new() -> bool:
            job = await stage.get("Job", name)
            return job is not None and job["metadata"]["uid"] != before["metadata"]["uid"]

        await stage.eventually(is_new)

    play(kubeconfig, tmp_path, story)
