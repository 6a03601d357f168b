"""Limits of the server, over real connections: too much is refused, and hurts nobody else."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from typing import Any

import aiohttp
import pytest

from kiban.adapters.api_server.credentials import Authenticator
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.limits import Limits
from kiban.adapters.api_server.server import DEFAULT_LIMITS, ApiServer
from kiban.cluster.api.bodies import BODY_LIMIT
from kiban.cluster.cluster import assembled

CONFIGS = "/api/v1/namespaces/default/configmaps"
HEADERS = {"Authorization": "Bearer token"}


@asynccontextmanager
async def served(
    limits: Limits = DEFAULT_LIMITS,
) -> AsyncIterator[tuple[ApiServer, aiohttp.ClientSession]]:
    driver = WallDriver(assembled(1, []))
    await driver.start()
    server = ApiServer(driver, Authenticator("token"), limits=limits)
    address = await server.start()
    async with aiohttp.ClientSession(address, headers=HEADERS) as session:
        yield server, session
    await server.stop()
    await driver.stop()


def config(name: str, size: int = 1) -> dict[str, Any]:
    metadata = {"name": name}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"v": "x" * size},
    }


async def status_of(session: aiohttp.ClientSession) -> int:
    """What an ordinary read is answered with."""
    async with session.get(CONFIGS) as answer:
        return answer.status


async def sent(server: ApiServer, request: bytes) -> bytes:
    """The first line of the answer to raw bytes."""
    port = int(server.address.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.readline(), 10)
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def test_a_watch_that_is_not_read_is_closed_and_blocks_nobody() -> None:
    async def story() -> None:
        async with served(Limits(slow_reader_seconds=0.3)) as (server, session):
            port = int(server.address.rpartition(":")[2])
            _, lazy = await asyncio.open_connection("127.0.0.1", port, limit=1024)
            line = (
                f"GET {CONFIGS}?watch=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n\r\n"
            )
            lazy.write(line.encode())
            async with session.get(CONFIGS, params={"watch": "1"}, read_bufsize=2**22) as watch:
                async with asyncio.timeout(20):
                    for number in range(30):
                        async with session.post(CONFIGS, json=config(f"c{number}", 900_000)):
                            pass
                        event = json.loads(await watch.content.readline())
                        assert event["object"]["metadata"]["name"] == f"c{number}"
                    while server.watches > 1:
                        await asyncio.sleep(0.02)
                assert server.watches == 1
            lazy.close()

    asyncio.run(story())


def test_watches_beyond_the_limit_are_told_to_come_later() -> None:
    async def story() -> None:
        async with (
            served(Limits(watches=1)) as (_, session),
            session.get(CONFIGS, params={"watch": "1"}),
        ):
            async with session.get(CONFIGS, params={"watch": "1"}) as refused:
                assert refused.status == 429
                assert (await refused.json())["details"]["retryAfterSeconds"] == 1
            assert await status_of(session) == 200

    asyncio.run(story())


def test_a_body_without_an_end_is_refused() -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 1_000_000

    async def story() -> None:
        async with served() as (_, session):
            long = b'"' + b"x" * (BODY_LIMIT + 1)
            async with session.post(CONFIGS, data=BytesIO(long)) as answer:
                assert answer.status == 413
            # Closed on the sender, when it does not stop to read.
            with suppress(aiohttp.ClientError):
                async with session.post(CONFIGS, data=endless()) as answer:
                    assert answer.status == 413
            assert await status_of(session) == 200

    asyncio.run(story())


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"Authorization: Bearer \xff\xfe", b"401"),
        (b"Authorization: Bearer token\r\nUser-Agent: \xff\xfe", b"201"),
        (b"Authorization: Bearer token\r\nAccept: \xff\xfe", b"406"),
        (b"Authorization: Bearer token" + b"\r\nX: y" * 101, b"4"),
    ],
)
def test_odd_headers_are_answered(header: bytes, status: bytes) -> None:
    async def story() -> None:
        async with served() as (server, session):
            body = json.dumps(config("a")).encode()
            length = b"Content-Type: application/json\r\nContent-Length: %d\r\n" % len(body)
            line = b"POST " + CONFIGS.encode() + b" HTTP/1.1\r\nHost: x\r\n"
            first = await sent(server, line + length + header + b"\r\n\r\n" + body)
            assert first.split(b" ")[1].startswith(status), first
            assert await status_of(session) == 200

    asyncio.run(story())


@pytest.mark.parametrize("path", ["/%ff", "/api/v1/%00", "/api/v1/pods?%ff=%00", "/%2e%2e/x", "//"])
def test_odd_paths_are_answered(path: str) -> None:
    async def story() -> None:
        async with served() as (server, _):
            request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n\r\n"
            first = await sent(server, request.encode())
            assert first.split(b" ")[1][:1] in (b"2", b"4"), first

    asyncio.run(story())


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    async def story() -> None:
        few = Limits(per_second=0.001, burst=2)
        async with served(few) as (_, session):
            nobody = {"Authorization": ""}
            told = []
            for _ in range(3):
                async with session.get("/version", headers=nobody) as answer:
                    told.append((answer.status, answer.headers.get("Retry-After")))
            assert told == [(200, None), (200, None), (429, "1")]
            for _ in range(5):
                assert await status_of(session) == 200

    asyncio.run(story())


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def story() -> None:
        async with served(Limits(body_seconds=0.2)) as (server, session):
            head = f"POST {CONFIGS} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer token\r\n"
            first = await sent(server, f"{head}Content-Length: 100\r\n\r\n{{".encode())
            assert first.split(b" ")[1] == b"408"
            assert await status_of(session) == 200

    asyncio.run(story())


@pytest.mark.parametrize("said", [b"", b"GET /version HTTP/1.1\r\nHost: x\r\n"])
def test_a_connection_without_a_request_is_closed(said: bytes) -> None:
    async def story() -> None:
        async with served(Limits(idle_seconds=0.3)) as (server, session):
            assert await sent(server, said) == b""
            assert await status_of(session) == 200

    asyncio.run(story())


def test_an_endless_url_is_refused() -> None:
    async def story() -> None:
        async with served() as (server, session):
            line = b"GET /api/v1/pods?labelSelector=" + b"x" * 100_000 + b" HTTP/1.1\r\n"
            first = await sent(server, line + b"Host: x\r\nAuthorization: Bearer token\r\n\r\n")
            assert first.split(b" ")[1].startswith(b"4"), first
            assert await status_of(session) == 200

    asyncio.run(story())
