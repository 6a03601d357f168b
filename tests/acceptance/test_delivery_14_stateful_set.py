"""14. A StatefulSet whose claim templates the server completes is in sync."""

from pathlib import Path

from delivery_stage import PAUSE_IMAGE, Stage, play

from kiban.kube.objects import Manifest


def stateful_set(stage: Stage) -> Manifest:
    labels = {"app": "db"}
    claim = {
        "metadata": {"name": "data"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1024Mi"}},
        },
    }
    container = {
        "name": "app",
        "image": PAUSE_IMAGE,
        "resources": {"requests": {"cpu": "0.1"}},
        "ports": [{"containerPort": 5432}],
    }
    return stage.manifest(
        "StatefulSet",
        "db",
        "db",
        spec={
            "replicas": 0,
            "serviceName": "db",
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            "volumeClaimTemplates": [claim],
        },
    )


def test_what_the_server_completes_is_no_difference(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        commit = stage.commit([stateful_set(stage)])
        await stage.delivered(commit)
        live = await stage.get("StatefulSet", "db")
        assert live is not None
        assert live["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] == "Filesystem"
        written = len(stage.journal.entries(limit=-1))
        async with stage.again() as second:
            await second.delivered(second.commit([stateful_set(second)], id_=commit))
            assert len(second.journal.entries(limit=-1)) == written
            more = [stateful_set(second), second.config("more", "other")]
            await second.delivered(second.commit(more))
            assert second.events("delivery/drift") == []
            assert await second.get("StatefulSet", "db") == live

    play(kubeconfig, tmp_path, story)
