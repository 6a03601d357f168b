"""13. What a mutating webhook injects is no difference, and costs no request."""

import os
from pathlib import Path

import pytest
from delivery_stage import OTHER_CLUSTER, PAUSE_IMAGE, Stage, play
from sidecars import injector

from kiban.kube.objects import Manifest


def containers(deployment: Manifest | None) -> list[str]:
    assert deployment is not None
    return [one["name"] for one in deployment["spec"]["template"]["spec"]["containers"]]


async def in_sync(stage: Stage, commit: str) -> None:
    """A new process finds nothing to do, and a commit that changes something else leaves it."""
    before = await stage.get("Deployment", "web")
    assert containers(before) == ["app", "sidecar"]
    written = len(stage.journal.entries(limit=-1))
    async with stage.again() as second:
        wanted = [second.deployment("web", "web")]
        await second.delivered(second.commit(wanted, id_=commit))
        assert len(second.journal.entries(limit=-1)) == written
        await second.delivered(second.commit([*wanted, second.config("more", "other")]))
        assert second.events("delivery/drift") == []
        after = await second.get("Deployment", "web")
        assert after is not None
        assert before is not None
        assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_sidecar_that_another_manager_adds_stays(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        commit = stage.commit([stage.deployment("web", "web")])
        await stage.delivered(commit)
        sidecar = {"name": "sidecar", "image": PAUSE_IMAGE}
        live = await stage.get("Deployment", "web")
        assert live is not None
        own = live["spec"]["template"]["spec"]["containers"]
        patch = {"spec": {"template": {"spec": {"containers": [*own, sidecar]}}}}
        await stage.cluster.patch(stage.key("Deployment", "web"), patch)
        await stage.until(lambda status: status.is_ready)
        await in_sync(stage, commit)

    play(kubeconfig, tmp_path, story)


@pytest.mark.skipif(OTHER_CLUSTER in os.environ, reason="the webhook listens on this machine")
def test_a_sidecar_that_a_webhook_injects_is_in_sync(kubeconfig: str, tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        await stage.cluster.create(stage.manifest("Namespace", stage.scope.namespace))
        async with injector(stage, tmp_path):
            commit = stage.commit([stage.deployment("web", "web")])
            await stage.delivered(commit)
            await in_sync(stage, commit)

    play(kubeconfig, tmp_path, story)
