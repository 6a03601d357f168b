"""A runtime for clusters started with `--modelled`: images that the store holds run as processes,
all others as modelled containers on the wall clock."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

from kiban.adapters.images import ImageStore
from kiban.adapters.processes.runtime import ProcessRuntime
from kiban.cluster.api.values import PodLogs
from kiban.cluster.asks import (
    Ask,
    ContainerId,
    PullImage,
    RemovePod,
    Report,
    StartContainer,
    WriteFiles,
)
from kiban.cluster.modelled import ModelledContainers
from kiban.primitives.instants import Instant, seconds_between


class ModelledRuntime:
    """A process runtime that makes up what it cannot run."""

    def __init__(
        self, processes: ProcessRuntime, images: ImageStore, clock: Callable[[], Instant]
    ) -> None:
        self._processes = processes
        self._images = images
        self._clock = clock
        self._model = ModelledContainers()
        self._modelled: set[ContainerId] = set()

    @property
    def post(self) -> Callable[[Report], None]:
        return self._processes.post

    @post.setter
    def post(self, post: Callable[[Report], None]) -> None:
        self._processes.post = post

    def carry_out(self, asks: Sequence[Ask]) -> None:
        for ask in asks:
            if isinstance(ask, RemovePod):
                self._modelled = {id for id in self._modelled if id.pod_uid != ask.pod_uid}
                self._processes.carry_out([ask])
            if self._is_modelled(ask):
                self._make_up(ask)
            elif not isinstance(ask, RemovePod):
                self._processes.carry_out([ask])

    async def logs(self, wish: PodLogs) -> AsyncIterator[bytes]:
        async for piece in self._processes.logs(wish):
            yield piece

    async def close(self) -> None:
        await self._processes.close()

    def _is_modelled(self, ask: Ask) -> bool:
        if isinstance(ask, RemovePod):
            return True
        if isinstance(ask, WriteFiles):
            return False
        if isinstance(ask, PullImage):
            return self._images.find(ask.image) is None
        if isinstance(ask, StartContainer) and self._images.find(ask.image) is None:
            self._modelled.add(ask.id)
        return ask.id in self._modelled

    def _make_up(self, ask: Ask) -> None:
        now = self._clock()
        loop = asyncio.get_running_loop()
        for at, report in self._model.answer(ask, now):
            loop.call_later(seconds_between(now, at), self.post, report)
