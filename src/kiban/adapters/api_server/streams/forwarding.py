"""Port forwarding: which protocol, and the connections to the pod.

kubectl tunnels SPDY in the messages (`SPDY/3.1+portforward.k8s.io`), or the whole connection goes
over to SPDY, as with older clients; the Python clients use two
channels per port (`v4.channel.k8s.io`), data on 2i and errors on 2i+1, each of which begins with
the port in two bytes, the low one first. Source: kubelet's portforward package.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

from aiohttp import WSMsgType, web

from kiban.adapters.api_server.streams.statuses import refusal
from kiban.adapters.api_server.streams.tunnel import PROTOCOL as TUNNEL
from kiban.adapters.api_server.streams.tunnel import Tunnel
from kiban.adapters.api_server.streams.upgrade import (
    check_upgrade,
    opened,
    spdy_protocol,
    wants_spdy,
)
from kiban.adapters.api_server.streams.wires import SocketWire, plain_wire
from kiban.cluster.api.failures import bad_request

CHANNELS = "v4.channel.k8s.io"
PLAIN = "portforward.k8s.io"
PROTOCOLS = (TUNNEL, CHANNELS)
READ_BYTES = 32 * 1024
# Two channels for each in one byte.
PORTS_LIMIT = 127


async def serve_ports(
    received: web.BaseRequest, address: str, ports: Sequence[int]
) -> web.StreamResponse:
    """Answer a request for ports of a pod at an address. Raises `Failure` before the upgrade."""
    if wants_spdy(received):
        wire = await plain_wire(received, spdy_protocol(received, (PLAIN,)))
        with suppress(ConnectionError):
            await Tunnel(wire, address).run()
        await wire.close()
        return wire.answer
    # kr8s names no protocol; Kubernetes takes that for channels too.
    check_upgrade(received, PROTOCOLS, unnamed=True)
    offered = received.headers.get("Sec-WebSocket-Protocol", "")
    if TUNNEL not in offered:
        _check_ports(ports)
    socket = await opened(received, PROTOCOLS)
    with suppress(ConnectionError):
        if socket.ws_protocol == TUNNEL:
            await Tunnel(SocketWire(socket), address).run()
        else:
            await _Channels(socket, address, ports).run()
    await socket.close()
    return socket


def _check_ports(ports: Sequence[int]) -> None:
    if not ports:
        raise bad_request('query parameter "port" is required')
    if len(ports) > PORTS_LIMIT:
        raise bad_request(f"at most {PORTS_LIMIT} ports can be forwarded at once")
    for port in ports:
        if not 0 < port < 65536:
            raise bad_request(f"port {port} must be between 1 and 65535, inclusive")


class _Channels:
    """One connection for each port, opened at once."""

    def __init__(self, socket: web.WebSocketResponse, address: str, ports: Sequence[int]) -> None:
        self._socket = socket
        self._address = address
        self._ports = ports
        self._writers: dict[int, asyncio.StreamWriter] = {}

    async def run(self) -> None:
        tasks = []
        try:
            for index, port in enumerate(self._ports):
                number = port.to_bytes(2, "little")
                await self._say(2 * index, number)
                await self._say(2 * index + 1, number)
                reader = await self._connect(index, port)
                if reader is not None:
                    tasks.append(asyncio.create_task(self._pump(index, reader)))
            await self._take_messages()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for writer in self._writers.values():
                writer.close()

    async def _connect(self, index: int, port: int) -> asyncio.StreamReader | None:
        try:
            reader, self._writers[index] = await asyncio.open_connection(self._address, port)
        except OSError as error:
            await self._say(2 * index + 1, refusal(port, error))
            return None
        return reader

    async def _pump(self, index: int, reader: asyncio.StreamReader) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(READ_BYTES):
                await self._say(2 * index, data)
        # There is no sign for the end of one channel: the whole conversation ends with the last.
        self._writers.pop(index).close()
        if not self._writers:
            await self._socket.close()

    async def _take_messages(self) -> None:
        async for message in self._socket:
            if message.type != WSMsgType.BINARY or not message.data:
                continue
            writer = self._writers.get(message.data[0] // 2)
            if writer is not None and message.data[0] % 2 == 0:
                with suppress(ConnectionError):
                    writer.write(message.data[1:])
                    await writer.drain()

    async def _say(self, channel: int, data: bytes) -> None:
        await self._socket.send_bytes(bytes([channel]) + data)
