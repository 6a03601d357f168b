"""exec and attach: a program's streams and a client's channels joined, until either is over.

Clients come over WebSocket or, the older and some others, over SPDY.
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Protocol

import orjson
from aiohttp import web

from kiban.adapters.api_server.streams.backlog import Backlog
from kiban.adapters.api_server.streams.channels import (
    PROTOCOLS,
    RESIZE,
    STDERR,
    STDIN,
    STDOUT,
    Channels,
    SocketChannels,
)
from kiban.adapters.api_server.streams.spdy_channels import SpdyChannels
from kiban.adapters.api_server.streams.statuses import exit_status, start_failure
from kiban.adapters.api_server.streams.upgrade import (
    check_upgrade,
    container_not_found,
    opened,
    spdy_protocol,
    wants_spdy,
)
from kiban.adapters.api_server.streams.wires import plain_wire
from kiban.cluster.api.values import PodExec

# A daemon that a program left behind may hold its output open for ever.
DRAIN_SECONDS = 5.0
# How soon it is noticed that a client went away while there is no room for its input.
PING_SECONDS = 5.0


class RunningProgram(Protocol):
    """A program as the streams see it: `processes.programs.Program` is one, an attachment to a
    container another."""

    ended: asyncio.Future[int]
    outputs: dict[int, int]

    async def read(self, output: int) -> bytes: ...
    async def write(self, data: bytes) -> None: ...
    async def finish_input(self) -> None: ...
    def resize(self, width: int, height: int) -> None: ...
    async def end(self) -> None: ...


class Containers(Protocol):
    """Runs programs in containers; the process runtime does."""

    def is_running(self, wish: PodExec) -> bool: ...
    def run(self, wish: PodExec) -> RunningProgram: ...
    def attach(self, wish: PodExec) -> RunningProgram: ...


async def serve_command(
    received: web.BaseRequest, wish: PodExec, containers: Containers
) -> web.StreamResponse:
    """Answer an exec or attach request to its end. Raises `Failure` before the upgrade."""
    if wants_spdy(received):
        protocol = spdy_protocol(received, PROTOCOLS)
        _check_running(wish, containers)
        wire = await plain_wire(received, protocol)
        channels = SpdyChannels(wire)
        with suppress(ConnectionError):
            await channels.open(wish)
            await _run(channels, wish, containers)
        await channels.close()
        return wire.answer
    check_upgrade(received, PROTOCOLS)
    _check_running(wish, containers)
    socket = await opened(received, PROTOCOLS)
    with suppress(ConnectionError):
        # Tells the client that all is set up, as Kubernetes does.
        await socket.send_bytes(bytes([STDOUT]))
        await _run(SocketChannels(socket), wish, containers)
    await socket.close()
    return socket


def _check_running(wish: PodExec, containers: Containers) -> None:
    if not containers.is_running(wish):
        raise container_not_found(wish.container)


async def _run(channels: Channels, wish: PodExec, containers: Containers) -> None:
    try:
        program = containers.run(wish) if wish.command else containers.attach(wish)
    except (OSError, ValueError, LookupError) as error:
        await channels.finish(start_failure((*wish.command, "")[0], error))
        return
    try:
        await _first_of(_to_client(channels, wish, program), _from_client(channels, wish, program))
    finally:
        await asyncio.shield(program.end())


async def _to_client(channels: Channels, wish: PodExec, program: RunningProgram) -> None:
    wanted = {STDOUT: wish.stdout, STDERR: wish.stderr}
    pumps = [
        asyncio.create_task(_pump(channels, program, output, wanted[output]))
        for output in program.outputs
    ]
    try:
        code = await asyncio.shield(program.ended)
        await asyncio.wait(pumps, timeout=DRAIN_SECONDS)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
    await channels.finish(exit_status(code))


async def _pump(channels: Channels, program: RunningProgram, output: int, wanted: bool) -> None:
    while data := await program.read(output):
        if wanted:
            await channels.send(output, data)


async def _from_client(channels: Channels, wish: PodExec, program: RunningProgram) -> None:
    """Carry what the client says until it is gone."""
    backlog = Backlog()
    carrying = asyncio.create_task(backlog.carry(program.write, program.finish_input))
    try:
        async for channel, data in channels:
            if channel == STDIN and wish.stdin:
                backlog.add(data)
            elif channel == RESIZE:
                _resize(program, data)
            while backlog.is_full:
                await _wait_for_room(channels, backlog)
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)


async def _wait_for_room(channels: Channels, backlog: Backlog) -> None:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await backlog.until_less()
    except TimeoutError:
        await channels.ping()


def _resize(program: RunningProgram, data: bytes) -> None:
    with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        size = orjson.loads(data)
        program.resize(int(size["Width"]), int(size["Height"]))


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run works at once until one ends; the others are given up."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
