"""Drives a cluster by the wall clock: waits, steps, has the asks carried out, posts the answers.

One task in the event loop. A step is bounded and others get their turn between two steps, so the
API server answers while controllers work. Whoever changes the cluster from outside (an HTTP write)
calls `wake`.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from kiban.adapters.processes.runtime import Runtime
from kiban.cluster.asks import Ask, Report
from kiban.primitives.instants import Instant, seconds_between

# Due instants nearer than the event loop's own resolution are not waited for.
SHORTEST_WAIT_SECONDS = 0.0005
LONGEST_WAIT_SECONDS = 60.0


class Driven(Protocol):
    """What is driven: `cluster.Cluster`."""

    def next_due(self) -> Instant | None: ...

    def step(self, now: Instant) -> list[Ask]: ...

    def post(self, report: Report, now: Instant) -> None: ...


def wall_clock() -> Instant:
    """Now, in microseconds since 1970."""
    return Instant(time.time_ns() // 1000)


class ClusterDriver:
    """One cluster, one runtime, one clock. `after_step` is called whenever something may have
    changed: for the journal's commit and for watches."""

    def __init__(
        self,
        cluster: Driven,
        runtime: Runtime,
        clock: Callable[[], Instant] = wall_clock,
        after_step: Callable[[], None] = lambda: None,
    ) -> None:
        self.clock = clock
        self._cluster = cluster
        self._runtime = runtime
        self._after_step = after_step
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        runtime.post = self.post

    def start(self) -> None:
        """Begin to drive, in the running event loop."""
        self._task = asyncio.create_task(self._drive(), name="cluster-driver")

    def wake(self) -> None:
        """Something changed: step now."""
        self._woken.set()

    def post(self, report: Report) -> None:
        """An answer of the outside world."""
        self._cluster.post(report, self.clock())
        self._woken.set()

    async def stopped(self) -> None:
        """Wait for the driver to end, which it does only by a fault of ours; raises that."""
        assert self._task is not None, "the driver was not started"
        await asyncio.shield(self._task)

    async def stop(self) -> None:
        """Drive no more, then end what still runs."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._runtime.close()

    async def _drive(self) -> None:
        while True:
            self._woken.clear()
            now = self.clock()
            due = self._cluster.next_due()
            if due is not None and due <= now:
                for ask in self._cluster.step(now):
                    self._runtime.execute(ask)
                self._after_step()
                await asyncio.sleep(0)
                continue
            await self._wait(LONGEST_WAIT_SECONDS if due is None else seconds_between(now, due))

    async def _wait(self, seconds: float) -> None:
        seconds = min(max(seconds, SHORTEST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds, self._woken.set)
        try:
            await self._woken.wait()
        finally:
            timer.cancel()
