"""Measures the embedded cluster every 15 seconds: its processes, and its gateway's counters."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.gateway import Gateway, PortStatistics
from kiban.adapters.gateway.loads import service_loads
from kiban.adapters.processes.usage import UsageSource
from kiban.cluster.usage.behind import with_pods
from kiban.cluster.usage.measurements import RESOLUTION_SECONDS, Measurements, MetricsView
from kiban.kube.objects import POD, SERVICE
from kiban.primitives.instants import Instant, seconds_between


@dataclass(slots=True)
class Measuring:
    """Keeps a view up to date. `look` once, or `run` for good."""

    view: MetricsView
    usage: UsageSource
    driver: WallDriver
    gateway: Gateway | None
    _counted: dict[str, PortStatistics] = field(default_factory=dict)
    _counted_at: Instant | None = None

    async def run(self) -> None:
        """Look now, so that there is something to count from, and then every 15 seconds."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            # A machine out of descriptors says nothing this time.
            with suppress(OSError):
                await self.look()
            due = max(due + RESOLUTION_SECONDS, loop.time())
            await asyncio.sleep(due - loop.time())

    async def look(self) -> None:
        """Measure once and hand it over as one value."""
        at = self.driver.clock()
        pods = await self.usage.read()
        counted = await self.gateway.statistics() if self.gateway is not None else {}
        before, since = self._counted, self._counted_at
        self._counted, self._counted_at = counted, at
        seconds = seconds_between(since, at) if since is not None else 0.0
        services = self.driver.cluster.store.list(SERVICE)
        loads = with_pods(
            service_loads(services, before, counted, seconds), self.driver.cluster.store.list(POD)
        )
        self.view.latest = Measurements(at, seconds or RESOLUTION_SECONDS, pods, loads)
