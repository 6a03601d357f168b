"""6. A Job that is resumed is on its way, and not well before it is done."""

from pathlib import Path

from delivery_stage import NOWHERE, PAUSE_IMAGE, Stage, play

from kiban.kube.objects import Manifest


def job(stage: Stage, *, suspend: bool) -> Manifest:
    pod = {"restartPolicy": "Never", "containers": [{"name": "app", "image": PAUSE_IMAGE}]}
    spec = {"suspend": suspend, "template": {"spec": {**pod, **NOWHERE}}}
    return stage.manifest("Job", "import", "web", spec=spec)


def test_a_resumed_job_is_progressing(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.delivered(stage.commit([job(stage, suspend=True)]))
        await stage.until(lambda status: verdict(status) == "Suspended")
        stage.commit([job(stage, suspend=False)])
        await stage.until(lambda status: verdict(status) == "Progressing")
        live = await stage.get("Job", "import")
        assert live is not None
        suspended = [one for one in live["status"]["conditions"] if one["type"] == "Suspended"]
        assert [one["status"] for one in suspended] == ["False"]

    def verdict(status: object) -> str:
        objects = [one for service in status.services for one in service.objects]  # type: ignore[attr-defined]
        return next((one.status for one in objects if one.key.kind == "Job"), "")

    play(kubeconfig, tmp_path, story)
