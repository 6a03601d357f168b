"""What is planned: a release, a scale-in, a drain. None of them may lose a request."""

import asyncio
import re
import time
from collections.abc import Callable

from kiban.adapters.api_server.driver import wall_clock
from kiban.kube.health import health
from kiban.kube.objects import DEPLOYMENT, NODE, Key, Manifest, get_in, key_of
from kiban.primitives.instants import rfc3339
from kiban.reconcile.commands import Evict
from kiban.wiring.tour.releases import better, build_and_release
from kiban.wiring.tour.stage import SETTLE_SECONDS, Stage
from kiban.wiring.up import Up

NEW_VERSION_SECONDS = 2.0
# Programs that start cost more than programs that serve: one at a time leaves room.
MOVED_AT_ONCE = 1


async def release(stage: Stage) -> tuple[str, float | None]:
    """A new version of stamp, by a commit: its tag, and seconds until its first answer."""
    await stage.phase("release", "a new version of stamp is built and released by a commit")
    start = time.monotonic()
    tag = await build_and_release(stage, better, "Count stamps in a new version")
    serving = await stage.until(lambda: stage.answers_with(tag), start)
    await stage.up.until_delivered()
    await asyncio.sleep(SETTLE_SECONDS)
    await stage.phase("new version", "only the new version answers")
    await asyncio.sleep(NEW_VERSION_SECONDS)
    return tag, serving


async def scale_in(stage: Stage) -> None:
    """One instance of web less, by a commit."""
    await stage.phase("scale-in", "web goes from 3 instances to 2, by a commit")
    await scale_web(stage.up, 2)
    await stage.up.until_delivered()
    await asyncio.sleep(SETTLE_SECONDS)


async def scale_web(up: Up, instances: int) -> None:
    """Have so many instances of web from the next commit on."""
    environment = up.drivers[0].scope.environment
    up.repository.edit(
        "services/web.yaml", scaled(environment, instances), f"Scale web to {instances}"
    )


async def drain(stage: Stage) -> None:
    """Move everything off one node, as for an upgrade, and take the node back."""
    node = busiest_node(stage)
    await stage.phase("drain", f"node {node} is cordoned and drained")
    key = Key(*NODE, "", node)
    await stage.up.cluster.patch(key, {"spec": {"unschedulable": True}})
    moving = [pod for pod in stage.pods() if get_in(pod, "spec", "nodeName") == node]
    turns = asyncio.Semaphore(MOVED_AT_ONCE)

    async def move_in_turn(pod: Manifest) -> None:
        async with turns:
            await move(stage, pod)

    await asyncio.gather(*map(move_in_turn, moving))
    uids = {pod["metadata"]["uid"] for pod in moving}

    async def gone() -> bool:
        return not any(pod["metadata"]["uid"] in uids for pod in stage.pods(deleting=True))

    await stage.until(gone)
    await stage.until_whole()
    await stage.up.cluster.patch(key, {"spec": {"unschedulable": None}})


async def move(stage: Stage, pod: Manifest) -> None:
    """Have a pod run elsewhere. One that is alone is replaced before it goes: its Deployment is
    rolled once, which makes the new pod first. Others go by eviction, within their budget."""
    store = stage.local.cluster.store
    key = Key(*DEPLOYMENT, stage.namespace, pod["metadata"]["labels"]["kiban.dev/service"])
    deployment = store.get(key)
    if deployment is not None and deployment["spec"]["replicas"] == 1:
        moment = {"kubectl.kubernetes.io/restartedAt": rfc3339(wall_clock())}
        template = {"metadata": {"annotations": moment}}
        await stage.up.cluster.patch(key, {"spec": {"template": template}})
    else:
        await stage.until(lambda: evicted(stage, key_of(pod)))

    async def settled() -> bool:
        found = store.get(key)
        return found is None or health(found).is_healthy

    await stage.until(settled)


async def evicted(stage: Stage, pod: Key) -> bool:
    """Ask once for the eviction of a pod; whether it was granted, or the pod is gone."""
    if stage.local.cluster.store.get(pod) is None:
        return True
    return not stage.local.driver.execute("tour", [Evict(pod)])


def busiest_node(stage: Stage) -> str:
    """The node with the most pods among those that hold no data: in the cloud a database is not
    in the cluster."""
    store = stage.local.cluster.store
    names = [str(node["metadata"]["name"]) for node in store.list(NODE)]
    pods = {name: store.on_node(name) for name in names}
    free = [name for name in names if not any(map(holds_data, pods[name]))]
    return max(free or names, key=lambda name: (len(pods[name]), name))


def holds_data(pod: Manifest) -> bool:
    return any("persistentVolumeClaim" in volume for volume in pod["spec"].get("volumes", []))


def scaled(environment: str, instances: int) -> Callable[[str], str]:
    """An edit of a service file of the example: so many instances in an environment."""
    pattern = re.compile(rf"^(  {environment}: \{{scale: )\d+", re.MULTILINE)
    return lambda text: pattern.sub(rf"\g<1>{instances}", text, count=1)
