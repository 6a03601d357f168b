"""The channels between a command and its client, whatever carries them.

0 is input, 1 output, 2 errors, 3 the final Status, 4 the terminal's size. Over a WebSocket every
message is binary and its first byte names the channel; in `v5.channel.k8s.io`, 255 closes the one
that follows, which `v4` cannot say.
Source: k8s.io/apimachinery/pkg/util/remotecommand/constants.go.
"""

from collections.abc import AsyncIterator
from typing import Protocol

from aiohttp import WSMsgType, web

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255


class Channels(Protocol):
    """What a command and its client say to each other."""

    def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        """What the client says, by channel; nothing at all stands for a channel's end."""
        ...

    async def send(self, channel: int, data: bytes) -> None: ...
    async def ping(self) -> None:
        """Find out whether the client is still there. Raises `ConnectionError`."""
        ...

    async def finish(self, status: bytes) -> None:
        """Say how it ended; nothing follows."""
        ...

    async def close(self) -> None: ...


class SocketChannels:
    """Channels in the messages of a WebSocket."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self._socket = socket

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        async for message in self._socket:
            if message.type not in (WSMsgType.BINARY, WSMsgType.TEXT):
                continue
            data = message.data if isinstance(message.data, bytes) else message.data.encode()
            channel, rest = (data[0], data[1:]) if data else (CLOSE, b"")
            if channel == CLOSE and rest:
                yield rest[0], b""
            elif rest:
                yield channel, rest

    async def send(self, channel: int, data: bytes) -> None:
        await self._socket.send_bytes(bytes([channel]) + data)

    async def ping(self) -> None:
        await self._socket.ping()

    async def finish(self, status: bytes) -> None:
        await self.send(ERROR, status)

    async def close(self) -> None:
        await self._socket.close()
