"""The sources of figures of a platform as its newest good commit names them."""

import asyncio
import os
from collections.abc import Callable, Mapping

import aiohttp

from kiban.adapters.gateway import Gateway
from kiban.adapters.metrics import GatewayFigures, MetricSources, open_sources
from kiban.adapters.metrics.gateway import EVERY_SECONDS
from kiban.operations.gates import Measured, Question
from kiban.primitives.instants import Instant
from kiban.spec import Platform
from kiban.spec.gates import GATEWAY, MetricSource


class PlatformFigures:
    """A `MetricsPort` that follows what the platform says of its sources."""

    def __init__(
        self,
        platform: Callable[[], Platform],
        session: aiohttp.ClientSession,
        gateway: Gateway | None,
        clock: Callable[[], Instant],
    ) -> None:
        self._platform, self._session, self._clock = platform, session, clock
        self._gateway = GatewayFigures(gateway.statistics, clock) if gateway else None
        self._wanted: Mapping[str, MetricSource] | None = None
        self._sources = MetricSources({}, self._gateway)

    async def measure(self, question: Question) -> Measured:
        wanted = self._platform().spec.metrics
        if wanted != self._wanted:
            self._wanted = wanted
            opened = open_sources(wanted, self._session, os.environ, self._clock)
            self._sources = MetricSources(opened, self._gateway)
        return await self._sources.measure(question)

    async def run(self) -> None:
        """Keep reading the gateway's counters for as long as any gate asks for them."""
        while True:
            if self._gateway is not None and self._asks_gateway():
                await self._gateway.look()
            await asyncio.sleep(EVERY_SECONDS)

    def _asks_gateway(self) -> bool:
        return any(
            gate.source == GATEWAY
            for environment in self._platform().environments.values()
            for gate in environment.gates.values()
        )
