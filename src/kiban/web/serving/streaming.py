"""Streams of server-sent events: a picture whole, then only its changes, compressed as they go."""

import asyncio
import zlib
from collections.abc import Callable
from contextlib import suppress

import orjson
from aiohttp import web

from kiban.web.pictures.picture import Picture, difference, whole

# Changes within this time reach the browser together.
GATHERED_SECONDS = 0.1
# A silent stream says something so often, so that both ends notice when it is gone.
ALIVE_SECONDS = 15.0


class Bell:
    """Tells every stream that something has changed."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Event] = set()

    @property
    def listeners(self) -> int:
        return len(self._waiting)

    def ring(self) -> None:
        for event in self._waiting:
            event.set()

    def listen(self) -> asyncio.Event:
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def forget(self, event: asyncio.Event) -> None:
        self._waiting.discard(event)


class EventStream:
    """One open response of server-sent events. Use it as an async context manager."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        self._packer = zlib.compressobj(6, zlib.DEFLATED, 31) if packed else None
        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        if packed:
            headers["Content-Encoding"] = "gzip"
        self._response = web.StreamResponse(headers=headers)

    async def __aenter__(self) -> "EventStream":
        await self._response.prepare(self._request)
        return self

    async def __aexit__(self, *_: object) -> None:
        with suppress(ConnectionError):
            await self._response.write_eof()

    @property
    def response(self) -> web.StreamResponse:
        return self._response

    async def send(self, kind: str, data: object) -> None:
        """One event. Raises `ConnectionError` when nobody reads it any more."""
        await self._write(b"event: %s\ndata: %s\n\n" % (kind.encode(), orjson.dumps(data)))

    async def keep(self) -> None:
        await self._write(b": still here\n\n")

    async def _write(self, text: bytes) -> None:
        if self._packer is not None:
            text = self._packer.compress(text) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        await self._response.write(text)


async def stream_picture(
    request: web.Request, bell: Bell, draw: Callable[[], Picture]
) -> web.StreamResponse:
    """Send a picture and every change of it until the browser leaves."""
    changed, stream = bell.listen(), EventStream(request)
    try:
        with suppress(ConnectionError):
            async with stream:
                await _show(stream, changed, draw)
    finally:
        bell.forget(changed)
    return stream.response


async def _show(stream: EventStream, changed: asyncio.Event, draw: Callable[[], Picture]) -> None:
    shown = draw()
    await stream.send("whole", whole(shown))
    while True:
        try:
            await asyncio.wait_for(changed.wait(), ALIVE_SECONDS)
        except TimeoutError:
            await stream.keep()
            continue
        await asyncio.sleep(GATHERED_SECONDS)
        changed.clear()
        picture = draw()
        if (message := difference(shown, picture)) is not None:
            await stream.send("change", message)
        shown = picture
