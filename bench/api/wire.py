"""As little HTTP/1.1 as a load needs, on kept connections: what it costs is not the server's."""

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import orjson


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens, and what it wants to hear."""

    port: int
    token: str
    authority: str = ""

    @property
    def context(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self.authority) if self.authority else None


class Connection(asyncio.Protocol):
    """One kept connection. Answers have a length, except those of `watch`, which go on."""

    def __init__(self, address: Address) -> None:
        self._token = address.token
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[bytes] | None = None
        self._parts: list[bytes] = []
        self._missing = -1
        self._watcher: Callable[[bytes], None] | None = None
        self.status = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's own.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        if self._watcher is not None:
            self._watcher(data)
            return
        if self._missing < 0:
            head, found, data = (b"".join(self._parts) + data).partition(b"\r\n\r\n")
            if not found:
                self._parts = [head]
                return
            self._parts = []
            self.status = int(head[9:12])
            self._missing = _length(head)
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing == 0 and self._answer is not None:
            answer, self._answer = self._answer, None
            self._missing = -1
            body, self._parts = b"".join(self._parts), []
            answer.set_result(body)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("the server hung up"))

    async def ask(self, method: str, path: str, body: bytes = b"", *, kind: str = "") -> bytes:
        """The body of the answer; its status is in `status`. `kind` is what is sent, or wanted."""
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        name = "Content-Type" if body else "Accept"
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Bearer {self._token}\r\n"
            f"User-Agent: bench/1.0\r\n{name}: {kind or 'application/json'}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(head.encode() + body)
        return await self._answer

    def watch(self, path: str, watcher: Callable[[bytes], None]) -> None:
        """Have everything that comes from now on shown to a function."""
        assert self._transport is not None
        self._watcher = watcher
        head = (
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {self._token}\r\n\r\n"
        )
        self._transport.write(head.encode())

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line[:15].lower() == b"content-length:":
            return int(line[15:])
    raise ValueError(f"an answer without a length: {head!r}")


async def connected(address: Address, context: ssl.SSLContext | None) -> Connection:
    """A connection on which its first answer has come already."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(
        lambda: Connection(address),
        "127.0.0.1",
        address.port,
        ssl=context,
        server_hostname="localhost" if context else None,
    )
    await connection.ask("GET", "/readyz")
    return connection


async def connections(address: Address, count: int) -> list[Connection]:
    context = address.context
    return [await connected(address, context) for _ in range(count)]


def checked(connection: Connection, body: bytes, *wanted: int) -> bytes:
    """The body, if the status is one of those that are wanted."""
    if connection.status not in wanted:
        said = orjson.loads(body).get("message", "") if body.startswith(b"{") else repr(body[:200])
        raise AssertionError(f"{connection.status}: {said}")
    return body
