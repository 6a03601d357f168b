"""A connection that carries SPDY: the messages of a WebSocket, or the bytes of a connection that
went over to SPDY itself.

The second is how clients did it before WebSockets, and kubectl still does when told to: a POST
with `Upgrade: SPDY/3.1`, after whose answer both sides send frames. aiohttp knows no such upgrade;
here it is handed a parser that keeps the bytes as they come.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Protocol, cast

from aiohttp import WSMsgType, web

UPGRADE = "SPDY/3.1"
# What may wait before the client is no longer read.
WAITING_BYTES = 1024 * 1024
# How long a client may take to close a connection on which all is said.
FAREWELL_SECONDS = 3.0


class Wire(Protocol):
    """Bytes in pieces, both ways."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def send(self, data: bytes) -> None: ...
    async def close(self, fault: str = "") -> None: ...


class SocketWire:
    """SPDY in the binary messages of a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for message in self._socket:
            if message.type == WSMsgType.BINARY:
                yield message.data

    async def send(self, data: bytes) -> None:
        await self._socket.send_bytes(data)

    async def close(self, fault: str = "") -> None:
        if fault:
            await self._socket.close(code=1002, message=fault.encode()[:120])
        else:
            await self._socket.close()


class PlainWire:
    """A connection that has left HTTP behind."""

    def __init__(self, received: web.BaseRequest, answer: web.StreamResponse) -> None:
        assert received.transport is not None
        self._transport = received.transport
        self.answer = answer
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._ended = False
        self._came = asyncio.Event()

    # What aiohttp calls as bytes come

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        self._waiting.append(data)
        self._size += len(data)
        if self._size > WAITING_BYTES:
            self._transport.pause_reading()
        self._came.set()
        return False, b""

    def feed_eof(self) -> None:
        self._ended = True
        self._came.set()

    # A wire

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            while self._waiting:
                data = self._waiting.popleft()
                self._size -= len(data)
                if self._size <= WAITING_BYTES and not self._transport.is_closing():
                    self._transport.resume_reading()
                yield data
            if self._ended:
                return
            self._came.clear()
            await self._came.wait()

    async def send(self, data: bytes) -> None:
        if self._ended:
            raise ConnectionResetError("the client is gone")
        await self.answer.write(data)

    async def close(self, fault: str = "") -> None:
        """Hang up, once the client has had time to: what it has not read would be lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if fault else FAREWELL_SECONDS):
                async for _ in self:
                    pass
        self._transport.close()


async def plain_wire(received: web.BaseRequest, protocol: str) -> PlainWire:
    """Answer that the connection goes over to SPDY, with one of the client's protocols."""
    headers = {
        "Connection": "Upgrade",
        "Upgrade": UPGRADE,
        "X-Stream-Protocol-Version": protocol,
    }
    answer = web.StreamResponse(status=101, headers=headers)
    await answer.prepare(received)
    wire = PlainWire(received, answer)
    received.protocol.set_parser(cast(Any, wire))
    received.protocol.keep_alive(False)
    return wire
