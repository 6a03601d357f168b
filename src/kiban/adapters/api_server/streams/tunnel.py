"""kubectl's port forwarding: SPDY, in the messages of a WebSocket or on a connection of its own.

For every connection the client opens two streams with one `requestid`: errors, which we alone
write, and data, whose bytes go to the pod and back. A stream's end is passed on in each direction,
so that half-closed connections work. Source: client-go/tools/portforward, KEP-4006.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from kiban.adapters.api_server.streams.spdy import (
    GOAWAY,
    PING,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    RST_STREAM,
    SYN_STREAM,
    Control,
    Data,
    Frame,
    FrameReader,
    FrameWriter,
    SpdyError,
)
from kiban.adapters.api_server.streams.statuses import refusal
from kiban.adapters.api_server.streams.wires import Wire

PROTOCOL = "SPDY/3.1+portforward.k8s.io"
READ_BYTES = 32 * 1024
STREAM_LIMIT = 1024
# What may wait for a pod that reads slowly before the client must wait too.
WAITING_MESSAGES = 64


@dataclass(slots=True)
class _Connection:
    """One forwarded connection: the data stream and what waits to be sent to the pod."""

    stream: int
    errors: int
    port: int
    waiting: "asyncio.Queue[bytes]" = field(default_factory=lambda: asyncio.Queue(WAITING_MESSAGES))
    task: "asyncio.Task[None] | None" = None


class Tunnel:
    """All connections of one `kubectl port-forward`."""

    def __init__(self, wire: Wire, address: str) -> None:
        self._wire = wire
        self._address = address
        self._reader = FrameReader()
        self._writer = FrameWriter()
        self._error_streams: dict[str, int] = {}
        self._connections: dict[int, _Connection] = {}

    async def run(self) -> None:
        """Carry frames until the client is gone."""
        try:
            async for piece in self._wire:
                for frame in self._reader.feed(piece):
                    await self._take(frame)
        except SpdyError as error:
            await self._wire.close(str(error))
        finally:
            tasks = [c.task for c in self._connections.values() if c.task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _take(self, frame: Frame) -> None:
        match frame:
            case Data(stream, payload, fin):
                connection = self._connections.get(stream)
                if connection is not None and payload:
                    await connection.waiting.put(payload)
                if connection is not None and fin:
                    await connection.waiting.put(b"")
            case Control(kind=kind) if kind == SYN_STREAM:
                await self._open(frame)
            case Control(kind=kind) if kind == PING:
                await self._send(self._writer.ping(frame.payload))
            case Control(kind=kind) if kind == RST_STREAM:
                self._reset(frame.stream)
            case Control(kind=kind) if kind == GOAWAY:
                await self._wire.close()

    async def _open(self, frame: Control) -> None:
        type, request = frame.headers.get("streamtype"), frame.headers.get("requestid", "")
        port = frame.headers.get("port", "")
        too_many = len(self._connections) + len(self._error_streams) >= STREAM_LIMIT
        if type not in ("error", "data") or not port.isdigit() or not 0 < int(port) < 65536:
            await self._send(self._writer.rst_stream(frame.stream, PROTOCOL_ERROR))
        elif too_many or (type == "data" and request not in self._error_streams):
            await self._send(self._writer.rst_stream(frame.stream, REFUSED_STREAM))
        elif type == "error":
            await self._send(self._writer.syn_reply(frame.stream))
            self._error_streams[request] = frame.stream
        else:
            await self._send(self._writer.syn_reply(frame.stream))
            connection = _Connection(frame.stream, self._error_streams.pop(request), int(port))
            connection.task = asyncio.create_task(self._forward(connection))
            self._connections[frame.stream] = connection

    def _reset(self, stream: int) -> None:
        connection = self._connections.get(stream)
        if connection is not None and connection.task is not None:
            connection.task.cancel()

    # One connection

    async def _forward(self, connection: _Connection) -> None:
        try:
            try:
                reader, writer = await asyncio.open_connection(self._address, connection.port)
            except OSError as error:
                await self._refuse(connection, error)
                return
            await self._carry(connection, reader, writer)
        except ConnectionError:
            pass
        finally:
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._connections.pop(connection.stream, None)
        # Whoever waits to put something in finds room, and nobody reads it any more.
        while not connection.waiting.empty():
            connection.waiting.get_nowait()

    async def _refuse(self, connection: _Connection, error: OSError) -> None:
        said = refusal(connection.port, error)
        await self._send(self._writer.data(Data(connection.errors, said, fin=True)))
        await self._send(self._writer.data(Data(connection.stream, b"", fin=True)))

    async def _carry(
        self, connection: _Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        sending = asyncio.create_task(_to_pod(connection, writer))
        try:
            with suppress(ConnectionResetError):
                while data := await reader.read(READ_BYTES):
                    await self._send(self._writer.data(Data(connection.stream, data)))
            await self._send(self._writer.data(Data(connection.stream, b"", fin=True)))
            await self._send(self._writer.data(Data(connection.errors, b"", fin=True)))
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.close()

    async def _send(self, data: bytes) -> None:
        await self._wire.send(data)


async def _to_pod(connection: _Connection, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await connection.waiting.get():
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        # The pod reads no more; what still comes must not hold up other connections.
        while await connection.waiting.get():
            pass
