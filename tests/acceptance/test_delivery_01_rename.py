"""1. Rename a Deployment: at no instant are there zero ready pods."""

import asyncio
from pathlib import Path

from delivery_stage import Stage, play

from kiban.kube.objects import GroupKind, is_deleting, is_true


def test_a_renamed_deployment_never_leaves_its_service_without_a_ready_pod(
    kubeconfig: str, tmp_path: Path
) -> None:
    async def story(stage: Stage) -> None:
        address = stage.address("web", "web")
        first = stage.commit([address, stage.deployment("web", "web", replicas=2)])
        await stage.delivered(first)
        counts: list[int] = []
        watching = asyncio.create_task(watch(stage, counts))
        second = stage.commit([address, stage.deployment("front", "web", replicas=2)])
        await stage.delivered(second)
        assert await stage.get("Deployment", "web") is None
        watching.cancel()
        assert counts
        assert min(counts) >= 2

    play(kubeconfig, tmp_path, story)


async def watch(stage: Stage, counts: list[int]) -> None:
    """Count the ready pods after every change of any of them."""
    pods, namespace = GroupKind("", "Pod"), stage.scope.namespace
    listing = await stage.cluster.list(pods, namespace=namespace, labels="app=web")
    ready = {pod["metadata"]["name"]: is_true(pod, "Ready") for pod in listing.items}
    async for event in stage.cluster.watch(
        pods, resource_version=listing.resource_version, namespace=namespace, labels="app=web"
    ):
        if event.type == "BOOKMARK":
            continue
        name = event.object["metadata"]["name"]
        ready[name] = (
            event.type != "DELETED"
            and is_true(event.object, "Ready")
            and not is_deleting(event.object)
        )
        counts.append(sum(ready.values()))
