"""What is not planned: a crash, a slip of the hand, a backend that hangs. What they cost is shown
as it is; that the platform comes back by itself is what is expected."""

import asyncio
import os
import signal
import time

from kiban.kube.objects import SERVICE, Key, Manifest, get_in, is_true, key_of
from kiban.wiring.tour.stage import Stage

FROZEN_SECONDS = 3.0


async def kill(stage: Stage) -> float | None:
    """Kill one of stamp's processes; seconds until its pod is ready again."""
    pod = stage.pods("stamp")[0]
    await stage.phase("kill", f"the process of {pod['metadata']['name']} gets SIGKILL")
    before = restarts(pod)
    pid = stage.pid(pod)
    start = time.monotonic()
    os.killpg(pid, signal.SIGKILL)

    async def back() -> bool:
        found = stage.local.cluster.store.get(key_of(pod))
        return found is not None and restarts(found) > before and is_true(found, "Ready")

    return await stage.until(back, start)


async def delete(stage: Stage) -> float | None:
    """Delete a Service by hand; seconds until it is back."""
    await stage.phase("delete", "the Service of contents is deleted by hand")
    key = Key(*SERVICE, stage.namespace, "contents")
    before = await stage.up.cluster.get(key)
    assert before is not None
    start = time.monotonic()
    await stage.up.cluster.delete(key)

    async def back() -> bool:
        found = await stage.up.cluster.get(key)
        return found is not None and found["metadata"]["uid"] != before["metadata"]["uid"]

    found = await stage.until(back, start)
    await stage.until_whole()
    return found


async def freeze(stage: Stage) -> float | None:
    """Stop the backend of points for a while; seconds until pages are whole once it goes on."""
    await stage.phase("points down", "the processes of points are stopped; web uses defaults")
    pids = [stage.pid(pod) for pod in stage.pods("points")]
    try:
        for pid in pids:
            os.killpg(pid, signal.SIGSTOP)
        await asyncio.sleep(FROZEN_SECONDS)
    finally:
        for pid in pids:
            os.killpg(pid, signal.SIGCONT)
    await stage.phase("points back", "they go on")
    found = await stage.until(stage.is_whole_page, time.monotonic())
    await stage.until_whole()
    return found


def restarts(pod: Manifest) -> int:
    statuses = get_in(pod, "status", "containerStatuses", default=[])
    return sum(int(status["restartCount"]) for status in statuses)
