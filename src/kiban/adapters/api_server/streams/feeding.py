"""A watch's answer, fed as soon as more is durable.

What a thousand watchers want to see at once is written to each connection straight from the news
of its durability: a turn of a task for each would cost several times what the writing itself does.
Only a reader that does not keep up is waited for, in the task of its request.
"""

import asyncio
from contextlib import suppress

from aiohttp import web

from kiban.adapters.api_server.driver import WallDriver
from kiban.cluster.api.values import Stream
from kiban.primitives.instants import seconds_between

# How often it is looked whether a slow reader has read.
LOOK_SECONDS = 0.05


class TooSlow(Exception):
    """A client does not read what it asked for."""


class Feed:
    """One watch on its way to one client. Chunks are framed here, as HTTP/1.1 has them."""

    def __init__(
        self, driver: WallDriver, received: web.BaseRequest, stream: Stream, patience: float
    ) -> None:
        self._driver, self._stream, self._patience = driver, stream, patience
        self._protocol, self._transport = received.protocol, received.transport
        self._loop = asyncio.get_running_loop()
        self._turn: asyncio.Future[None] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Until the stream ends. Raises `ConnectionError` when the client goes, `TooSlow` when it
        has taken nothing for as long as patience lasts."""
        self._driver.follow(self.push)
        try:
            while not self._stream.ended:
                await self._until_read()
                self._turn = self._loop.create_future()
                self._tick()
                await self._turn
        finally:
            self._driver.unfollow(self.push)
            if self._timer is not None:
                self._timer.cancel()

    def push(self) -> None:
        """Send what is new, if the client can take it; else the task has to wait for that."""
        if self._turn.done():
            return
        transport = self._transport
        if transport is None or transport.is_closing() or self._protocol.writing_paused:
            self._turn.set_result(None)
            return
        try:
            chunk = self._stream.pull(self._driver.clock(), self._driver.durable)
        except Exception as error:  # noqa: BLE001 - it belongs to the request, not to the news
            self._turn.set_exception(error)
            return
        if chunk:
            transport.write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if self._stream.ended:
            self._turn.set_result(None)

    def _tick(self) -> None:
        """Push, and do so again when the stream has something to say although nothing changed."""
        self.push()
        due = None if self._turn.done() else self._stream.next_due()
        if due is not None:
            wait = max(0.0, seconds_between(self._driver.clock(), due))
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(wait, self._tick)

    async def _until_read(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                while True:
                    if self._transport is None or self._transport.is_closing():
                        raise ConnectionResetError
                    if not self._protocol.writing_paused:
                        return
                    await asyncio.sleep(LOOK_SECONDS)
        raise TooSlow
