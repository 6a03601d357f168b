"""The platform a tour runs on, seen from outside as players see it and from inside as it is."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from kiban.adapters.load import LoadProcess
from kiban.kube.objects import POD, Manifest, is_deleting
from kiban.wiring.local_cluster import LocalCluster
from kiban.wiring.up import Up

PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.02
SETTLE_SECONDS = 1.0


@dataclass(slots=True)
class Stage:
    """One platform that is up, the load on it, and a client of our own."""

    up: Up
    local: LocalCluster
    load: LoadProcess
    client: aiohttp.ClientSession
    url: str
    _started: float = field(default_factory=time.monotonic)

    @property
    def environment(self) -> str:
        return self.up.drivers[0].scope.environment

    @property
    def namespace(self) -> str:
        return self.up.drivers[0].scope.namespace

    async def phase(self, name: str, words: str) -> None:
        """Requests from now on belong to this phase."""
        await self.load.phase(name)
        self.say(f"{name}: {words}")

    def say(self, line: str) -> None:
        self.up.screen.say(f"[{time.monotonic() - self._started:5.1f} s] {line}")

    async def until(
        self, true: Callable[[], Awaitable[bool]], start: float | None = None
    ) -> float | None:
        """Seconds from `start` until something is true; None when it never is."""
        start = time.monotonic() if start is None else start
        while time.monotonic() - start < PATIENCE_SECONDS:
            with suppress(aiohttp.ClientError, TimeoutError):
                if await true():
                    return time.monotonic() - start
            await asyncio.sleep(POLL_SECONDS)
        return None

    async def until_whole(self) -> None:
        """Wait until every service is well, and a moment longer."""

        async def whole() -> bool:
            return self.up.is_ready

        await self.until(whole)
        await asyncio.sleep(SETTLE_SECONDS)

    async def answers_with(self, tag: str) -> bool:
        """Whether the next answer of stamp comes from this release."""
        async with self.client.get(f"{self.url}/stamp/ada") as answer:
            return answer.headers.get("x-release") == tag

    async def is_whole_page(self) -> bool:
        """Whether the next page needs no defaults."""
        async with self.client.get(f"{self.url}/?user=ada") as answer:
            return answer.status == 200 and "x-defaults" not in answer.headers

    def pods(self, service: str = "", *, deleting: bool = False) -> list[Manifest]:
        """The pods of a service, or of all; those on their way out only when asked for."""
        labels = {"kiban.dev/service": service} if service else {}
        pods = self.local.cluster.store.selected(POD, self.namespace, labels)
        return [pod for pod in pods if deleting or not is_deleting(pod)]

    def pid(self, pod: Manifest) -> int:
        """The process of a pod's first container, and so its process group."""
        container = pod["spec"]["containers"][0]["name"]
        pid = self.local.runtime.pid_of(self.namespace, pod["metadata"]["name"], container)
        assert pid is not None, f"{pod['metadata']['name']} has no process"
        return pid
