"""Receivers as the world has them: a web server and a mail server on this machine."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

import orjson
from aiohttp import web

PATIENCE_SECONDS = 30.0


@dataclass
class Posted:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return orjson.loads(self.body)


@dataclass
class WebReceiver:
    """Takes POSTs. Answers each with the next of `answers`, and with 200 when there is none."""

    url: str = ""
    posted: list[Posted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.posted.append(Posted(request.path, dict(request.headers), body))
        self.changed.set()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def until(self, wanted: Callable[[list[Posted]], bool]) -> list[Posted]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not wanted(self.posted):
                self.changed.clear()
                await self.changed.wait()
        return self.posted


@asynccontextmanager
async def web_receiver(port: int = 0) -> AsyncIterator[WebReceiver]:
    found = WebReceiver()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    assert site._server is not None
    address = site._server.sockets[0].getsockname()  # type: ignore[attr-defined]
    found.url = f"http://127.0.0.1:{address[1]}"
    try:
        yield found
    finally:
        await runner.cleanup()


@dataclass
class MailServer:
    """Takes mail by SMTP. Answers the end of each with the next of `answers`, or 250."""

    port: int = 0
    mails: list[Message] = field(default_factory=list)
    senders: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            word = line.strip().upper()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                writer.write(await self._mail(reader))
            elif word.startswith(b"MAIL FROM"):
                self.senders.append(line.decode().partition(":")[2].strip())
                writer.write(b"250 ok\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                break
            else:
                writer.write(b"250 ok\r\n")
            await writer.drain()

    async def _mail(self, reader: asyncio.StreamReader) -> bytes:
        lines = []
        while (line := await reader.readline()) != b".\r\n":
            lines.append(line)
        answer = self.answers.pop(0) if self.answers else "250 ok"
        if answer.startswith("250"):
            self.mails.append(message_from_bytes(b"".join(lines)))
            self.changed.set()
        return f"{answer}\r\n".encode()

    async def until(self, count: int) -> list[Message]:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(self.mails) < count:
                self.changed.clear()
                await self.changed.wait()
        return self.mails


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    found = MailServer()
    server = await asyncio.start_server(found.talk, "127.0.0.1", 0)
    found.port = server.sockets[0].getsockname()[1]
    async with server:
        yield found
