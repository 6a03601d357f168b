"""exec and attach over WebSocket: `v5.channel.k8s.io`, and `v4` for older clients.

Every message is binary and its first byte names a channel: 0 input, 1 output, 2 errors, 3 the
final Status, 4 the terminal's size; in v5, 255 closes the channel that follows.
Source: k8s.io/apimachinery/pkg/util/remotecommand/constants.go.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import suppress
from typing import Any, Protocol

import orjson
from aiohttp import WSMsgType, web

from kiban.adapters.api_server.streams.backlog import Backlog
from kiban.adapters.api_server.streams.statuses import SUCCESS, exit_status, start_failure
from kiban.adapters.api_server.streams.upgrade import check_upgrade, container_not_found, opened
from kiban.cluster.api.values import PodExec

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
# A daemon that a program left behind may hold its output open for ever.
DRAIN_SECONDS = 5.0
# How soon it is noticed that a client went away while there is no room for its input.
PING_SECONDS = 5.0


class RunningProgram(Protocol):
    """A program as the streams see it; `processes.programs.Program` is one."""

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
    def attach(self, wish: PodExec) -> AsyncIterator[bytes]: ...


async def serve_command(
    received: web.BaseRequest, wish: PodExec, containers: Containers
) -> web.StreamResponse:
    """Answer an exec or attach request to its end. Raises `Failure` before the upgrade."""
    check_upgrade(received, PROTOCOLS)
    if not containers.is_running(wish):
        raise container_not_found(wish.container)
    socket = await opened(received, PROTOCOLS)
    with suppress(ConnectionError):
        # Tells the client that all is set up, as Kubernetes does.
        await socket.send_bytes(bytes([STDOUT]))
        if wish.command:
            await _run(socket, wish, containers)
        else:
            await _attach(socket, wish, containers)
    await socket.close()
    return socket


async def _attach(socket: web.WebSocketResponse, wish: PodExec, containers: Containers) -> None:
    async def show() -> None:
        async for piece in containers.attach(wish):
            if piece and wish.stdout:
                await socket.send_bytes(bytes([STDOUT]) + piece)
        await _say(socket, SUCCESS)

    await _first_of(show(), _until_closed(socket))


async def _run(socket: web.WebSocketResponse, wish: PodExec, containers: Containers) -> None:
    try:
        program = containers.run(wish)
    except (OSError, ValueError, LookupError) as error:
        await _say(socket, start_failure(wish.command[0], error))
        return
    try:
        await _first_of(_to_client(socket, wish, program), _from_client(socket, program))
    finally:
        await asyncio.shield(program.end())


async def _to_client(socket: web.WebSocketResponse, wish: PodExec, program: RunningProgram) -> None:
    wanted = {STDOUT: wish.stdout, STDERR: wish.stderr}
    pumps = [
        asyncio.create_task(_pump(socket, program, output, wanted[output]))
        for output in program.outputs
    ]
    try:
        code = await asyncio.shield(program.ended)
        await asyncio.wait(pumps, timeout=DRAIN_SECONDS)
    finally:
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
    await _say(socket, exit_status(code))


async def _pump(
    socket: web.WebSocketResponse, program: RunningProgram, output: int, wanted: bool
) -> None:
    while data := await program.read(output):
        if wanted:
            await socket.send_bytes(bytes([output]) + data)


async def _from_client(socket: web.WebSocketResponse, program: RunningProgram) -> None:
    """Carry messages until the client is gone."""
    backlog = Backlog()
    carrying = asyncio.create_task(backlog.carry(program.write, program.finish_input))
    try:
        async for message in socket:
            if message.type in (WSMsgType.BINARY, WSMsgType.TEXT):
                data = message.data if isinstance(message.data, bytes) else message.data.encode()
                _take(data, program, backlog)
            while backlog.is_full:
                await _wait_for_room(socket, backlog)
    finally:
        carrying.cancel()
        await asyncio.gather(carrying, return_exceptions=True)


def _take(data: bytes, program: RunningProgram, backlog: Backlog) -> None:
    channel, rest = (data[0], data[1:]) if data else (CLOSE, b"")
    if channel == STDIN and rest:
        backlog.add(rest)
    elif channel == CLOSE and rest == bytes([STDIN]):
        backlog.add(b"")
    elif channel == RESIZE:
        _resize(program, rest)


async def _wait_for_room(socket: web.WebSocketResponse, backlog: Backlog) -> None:
    try:
        async with asyncio.timeout(PING_SECONDS):
            await backlog.until_less()
    except TimeoutError:
        await socket.ping()


def _resize(program: RunningProgram, data: bytes) -> None:
    with suppress(orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        size = orjson.loads(data)
        program.resize(int(size["Width"]), int(size["Height"]))


async def _until_closed(socket: web.WebSocketResponse) -> None:
    async for _ in socket:
        pass


async def _say(socket: web.WebSocketResponse, status: bytes) -> None:
    await socket.send_bytes(bytes([ERROR]) + status)


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
