"""The channels of a command over SPDY: a stream for each, which the client opens and names by its
header `streamtype`; the command starts when all that it asked for are there.

Source: kubelet's remotecommand (pkg/kubelet/server/remotecommand/httpstream.go).
"""

import asyncio
from collections.abc import AsyncIterator

from kiban.adapters.api_server.streams.channels import ERROR, RESIZE, STDERR, STDIN, STDOUT
from kiban.adapters.api_server.streams.spdy import (
    GOAWAY,
    PING,
    PROTOCOL_ERROR,
    RST_STREAM,
    SYN_STREAM,
    Control,
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    SpdyError,
)
from kiban.adapters.api_server.streams.wires import Wire
from kiban.cluster.api.values import PodExec

NAMES = {"stdin": STDIN, "stdout": STDOUT, "stderr": STDERR, "error": ERROR, "resize": RESIZE}
# As long as the kubelet waits for a client to open its streams.
OPENING_SECONDS = 30.0
PIECE_BYTES = 64 * 1024


class SpdyChannels:
    """Channels as SPDY streams. Call `open` before anything else."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._reader = FrameReader()
        self._writer = FrameWriter()
        self._streams: dict[int, int] = {}
        self._channels: dict[int, int] = {}
        self._said: list[tuple[int, bytes]] = []
        self._pieces = aiter(wire)

    async def open(self, wish: PodExec) -> None:
        """Wait for the client's streams. Raises `ConnectionError` when they do not come."""
        wanted = {ERROR} | {
            channel
            for channel, asked in (
                (STDIN, wish.stdin),
                (STDOUT, wish.stdout),
                (STDERR, wish.stderr and not wish.tty),
                (RESIZE, wish.tty),
            )
            if asked
        }
        try:
            async with asyncio.timeout(OPENING_SECONDS):
                while not wanted <= self._streams.keys():
                    await self._take_piece()
        except (TimeoutError, StopAsyncIteration) as error:
            raise ConnectionResetError("the client did not open its streams") from error

    async def __aiter__(self) -> AsyncIterator[tuple[int, bytes]]:
        while True:
            said, self._said = self._said, []
            for channel, data in said:
                yield channel, data
            try:
                await self._take_piece()
            except StopAsyncIteration:
                return

    async def send(self, channel: int, data: bytes) -> None:
        stream = self._streams.get(channel)
        # No stream, no interest.
        for at in range(0, len(data) if stream else 0, PIECE_BYTES):
            assert stream is not None
            frame = Data(stream, data[at : at + PIECE_BYTES])
            await self._wire.send(self._writer.data(frame))

    async def ping(self) -> None:
        await self._wire.send(self._writer.ping(b"\0\0\0\2"))

    async def finish(self, status: bytes) -> None:
        for channel in (STDOUT, STDERR):
            if channel in self._streams:
                await self._wire.send(self._writer.data(Data(self._streams[channel], b"", True)))
        await self._wire.send(self._writer.data(Data(self._streams[ERROR], status, fin=True)))

    async def close(self) -> None:
        await self._wire.close()

    async def _take_piece(self) -> None:
        piece = await anext(self._pieces)
        try:
            for frame in self._reader.feed(piece):
                await self._take(frame)
        except SpdyError as error:
            await self._wire.close(str(error))
            raise ConnectionResetError(str(error)) from error

    async def _take(self, frame: Frame) -> None:
        match frame:
            case Data(stream, payload, fin) if stream in self._channels:
                if payload:
                    self._said.append((self._channels[stream], payload))
                if fin:
                    self._said.append((self._channels[stream], b""))
            case Control(kind=kind) if kind == SYN_STREAM:
                await self._open_stream(frame)
            case Control(kind=kind) if kind == RST_STREAM and frame.stream in self._channels:
                self._said.append((self._channels[frame.stream], b""))
            case Control(kind=kind) if kind == PING and frame.payload[-1:] != b"\2":
                await self._wire.send(self._writer.ping(frame.payload))
            case Control(kind=kind) if kind == GOAWAY:
                raise ConnectionResetError("the client says goodbye")

    async def _open_stream(self, frame: Control) -> None:
        channel = NAMES.get(frame.headers.get("streamtype", ""))
        if channel is None or channel in self._streams:
            await self._wire.send(self._writer.rst_stream(frame.stream, PROTOCOL_ERROR))
            return
        self._streams[channel] = frame.stream
        self._channels[frame.stream] = channel
        await self._wire.send(self._writer.syn_reply(frame.stream))
        if frame.fin:
            self._said.append((channel, b""))
