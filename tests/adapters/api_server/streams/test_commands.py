"""exec and port forwarding as bytes on a WebSocket: both versions of the channels, refusals, and a
client that goes away."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from tests.adapters.processes.stage import Stage, pod, staged

from kiban.adapters.api_server.credentials import Authenticator
from kiban.adapters.api_server.server import ApiServer
from kiban.reconcile.commands import Create

EXEC = "/api/v1/namespaces/default/pods/p/exec"
V4, V5 = "v4.channel.k8s.io", "v5.channel.k8s.io"


@asynccontextmanager
async def served(directory: Path, slot: int) -> AsyncIterator[tuple[Stage, aiohttp.ClientSession]]:
    """A stage with the running pod `p`, and a session with its API."""
    async with staged(directory, slot) as stage:
        api = ApiServer(stage.driver, Authenticator("token"), containers=stage.runtime)
        address = await api.start()
        stage.do(Create(pod("p")))
        await stage.until(lambda: stage.is_ready("p"))
        headers = {"Authorization": "Bearer token"}
        try:
            async with aiohttp.ClientSession(address, headers=headers) as session:
                yield stage, session
        finally:
            await api.stop()


def query(*command: str, **more: str) -> list[tuple[str, str]]:
    wanted = {"stdout": "true", "stderr": "true", **more}
    return [*(("command", word) for word in command), *wanted.items()]


async def heard(socket: aiohttp.ClientWebSocketResponse) -> dict[int, bytes]:
    """Everything until the end, by channel."""
    said: dict[int, bytes] = {}
    async for message in socket:
        said[message.data[0]] = said.get(message.data[0], b"") + message.data[1:]
    return said


def play(directory: Path, slot: int, story: Callable[..., Any]) -> None:
    async def run() -> None:
        async with served(directory, slot) as (stage, session):
            async with asyncio.timeout(30):
                await story(stage, session)

    asyncio.run(run())


def test_both_versions_tell_outputs_apart_and_end_with_a_status(tmp_path: Path) -> None:
    async def story(stage: Stage, session: aiohttp.ClientSession) -> None:
        for version in (V4, V5):
            asked = query("sh", "-c", "echo out; echo err >&2; kill -TERM $$")
            async with session.ws_connect(EXEC, params=asked, protocols=[version]) as socket:
                assert socket.protocol == version
                said = await heard(socket)
            assert (said[1], said[2]) == (b"out\n", b"err\n")
            assert json.loads(said[3]) == {
                "metadata": {},
                "status": "Failure",
                "reason": "NonZeroExitCode",
                "message": "command terminated with exit code 143",
                "details": {"causes": [{"reason": "ExitCode", "message": "143"}]},
            }

    play(tmp_path, 91, story)


def test_input_is_ended_by_a_close_message(tmp_path: Path) -> None:
    async def story(stage: Stage, session: aiohttp.ClientSession) -> None:
        asked = query("sh", "-c", "cat; echo end", stdin="true")
        async with session.ws_connect(EXEC, params=asked, protocols=[V5]) as socket:
            await socket.send_bytes(b"\0hello\n")
            await socket.send_bytes(b"\x04not a size")
            await socket.send_bytes(b"\x09unknown")
            await socket.send_bytes(b"\xff\x00")
            said = await heard(socket)
        assert said[1] == b"hello\nend\n"
        assert json.loads(said[3])["status"] == "Success"

    play(tmp_path, 92, story)


def test_refusals_are_plain_answers(tmp_path: Path) -> None:
    async def story(stage: Stage, session: aiohttp.ClientSession) -> None:
        async def refusal(method: str, **headers: str) -> tuple[int, str]:
            asked = session.request(method, EXEC, params=query("true"), headers=headers)
            async with asked as answer:
                return answer.status, (await answer.json())["message"]

        assert await refusal("GET") == (400, "Upgrade request required")
        status, message = await refusal("POST", Upgrade="h2c", Connection="Upgrade")
        assert status == 400 and "served are WebSocket" in message
        spdy = {"Upgrade": "SPDY/3.1", "Connection": "Upgrade"}
        status, message = await refusal("POST", **spdy)
        assert status == 403 and "unable to negotiate protocol" in message

    play(tmp_path, 93, story)


def test_a_program_ends_when_its_client_goes_away(tmp_path: Path) -> None:
    async def story(stage: Stage, session: aiohttp.ClientSession) -> None:
        # It reads nothing, so that input waits, and what it started left its group.
        asked = query("sh", "-c", "setsid sleep 617 & echo up; sleep 617", stdin="true")
        async with session.ws_connect(EXEC, params=asked, protocols=[V5]) as socket:
            await socket.send_bytes(b"\0" + b"x" * 300_000)
            while (await socket.receive_bytes()) != b"\x01up\n":
                pass
            await stage.until(lambda: bool(sleepers()))
        await stage.until(lambda: not sleepers())

    play(tmp_path, 94, story)


def sleepers() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == b"sleep\x00617\x00":
                found.append(path.parent.name)
        except OSError:
            continue
    return found
