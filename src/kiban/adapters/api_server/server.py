"""The Kubernetes API over HTTP: requests in, answers out, streams kept going.

All decisions are the cluster's; this reads bytes, names the user, waits for the journal and
writes bytes. It listens on loopback only.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Protocol
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import CIMultiDict

from kiban.adapters.api_server.certificates import ServerIdentity
from kiban.adapters.api_server.credentials import Authenticator, user_of_certificate
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.streams.commands import Containers, serve_command
from kiban.adapters.api_server.streams.forwarding import serve_ports
from kiban.adapters.api_server.streams.proxying import serve_proxied
from kiban.adapters.api_server.tls import tls_context
from kiban.cluster.api.bodies import BODY_LIMIT
from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure, internal, too_many_requests, unauthorized
from kiban.cluster.api.negotiation import PLAIN
from kiban.cluster.api.rendering import failure_response
from kiban.cluster.api.values import (
    PodExec,
    PodLogs,
    PodPortForward,
    Proxied,
    Request,
    Response,
    Stream,
)
from kiban.kube.objects import get_in
from kiban.primitives.instants import Instant, seconds_between

LOG = logging.getLogger("kiban.api_server")
LOOPBACK = "127.0.0.1"
# How long a client may sit on an idle connection before it is closed.
KEEP_ALIVE_SECONDS = 75.0
# Watches at a time: each holds a connection, of the some 10,000 that a process may have.
WATCHES_LIMIT = 4_000
# Clients send about ten; no server needs to keep and search any number of them.
HEADERS_LIMIT = 100
# A body that is too long is read on for a while, so that its sender gets to read why it is
# refused; after that the connection is closed on it.
BODY_PATIENCE = 4 * BODY_LIMIT
# How long a watch's client may take no bytes, although there are some, before it is closed. What
# it has not seen waits in the history, not in memory of its own; it may come back for it.
SLOW_READER_SECONDS = 30.0


class LogSource(Protocol):
    """Reads containers' logs; the process runtime is one."""

    def logs(self, wish: PodLogs) -> AsyncIterator[bytes]: ...


class ApiServer:
    """Serves a driven cluster on a loopback port."""

    def __init__(
        self,
        driver: WallDriver,
        authenticator: Authenticator,
        *,
        logs: LogSource | None = None,
        containers: Containers | None = None,
        slow_reader_seconds: float = SLOW_READER_SECONDS,
    ) -> None:
        self._driver = driver
        self._authenticator = authenticator
        self._logs = logs
        self._containers = containers
        self._slow_reader_seconds = slow_reader_seconds
        self.watches = 0
        self._runner: web.ServerRunner | None = None
        self.address = ""

    async def start(self, port: int = 0, identity: ServerIdentity | None = None) -> str:
        """Listen; the address to reach it. Without an identity it speaks plain HTTP."""
        server = web.Server(self._handle, access_log=None, keepalive_timeout=KEEP_ALIVE_SECONDS)
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        context = tls_context(identity) if identity else None
        site = web.TCPSite(self._runner, LOOPBACK, port, ssl_context=context, backlog=1024)
        await site.start()
        bound = self._runner.addresses[0][1]
        self.address = f"{'https' if identity else 'http'}://{LOOPBACK}:{bound}"
        return self.address

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, received: web.BaseRequest) -> web.StreamResponse:
        try:
            response = await self._answer(received)
            if isinstance(response.errand, PodExec | PodPortForward):
                return await self._upgrade(received, response.errand)
            if isinstance(response.errand, Proxied):
                return await serve_proxied(received, response.errand)
        except Failure as failure:
            response = failure_response(failure, PLAIN)
        except Exception:  # noqa: BLE001: the outermost edge; our bug must not end the connection
            LOG.exception("%s %s", received.method, received.path_qs)
            message = "Internal error occurred: the server has a bug; its log says more"
            response = failure_response(Failure(500, "InternalError", message), PLAIN)
        if response.stream is not None:
            return await self._stream(received, response)
        if isinstance(response.errand, PodLogs):
            return await self._stream_logs(received, response.errand)
        return _plain(response)

    async def _answer(self, received: web.BaseRequest) -> Response:
        if len(received.headers) > HEADERS_LIMIT:
            message = f"the request has more than {HEADERS_LIMIT} headers"
            raise Failure(431, "RequestHeaderFieldsTooLarge", message)
        headers = _headers_of(received)
        user = self._user(received, headers.get("authorization"))
        body = await _body(received) if received.can_read_body else b""
        url = received.rel_url
        request = Request(
            received.method,
            url.path,
            tuple(parse_qsl(url.raw_query_string, keep_blank_values=True)),
            headers,
            body,
            user,
        )
        response = self._driver.handle(request)
        if response.stream is not None and self.watches >= WATCHES_LIMIT:
            raise too_many_requests(f"there are {WATCHES_LIMIT} watches already", retry_seconds=1)
        try:
            await self._driver.until_durable(response.revision)
        except Exception as error:
            raise internal(f"the store cannot be written: {error}") from error
        return response

    def _user(self, received: web.BaseRequest, authorization: str | None) -> User:
        """Who asks: by a certificate, a token, or nobody. Raises `Failure`."""
        transport, now = received.transport, self._driver.clock()
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        if certificate:
            user = user_of_certificate(certificate, now)
        else:
            user = self._authenticator.user_of(authorization)
            if user is None:
                token = (authorization or "").removeprefix("Bearer ")
                user = self._driver.cluster.user_of_token(token, now)
        if user is None:
            raise unauthorized()
        return user

    # Streams

    async def _stream(self, received: web.BaseRequest, response: Response) -> web.StreamResponse:
        stream = response.stream
        assert stream is not None
        answer = web.StreamResponse(headers=_headers(response))
        answer.enable_chunked_encoding()
        await answer.prepare(received)
        changed = self._driver.listen()
        self.watches += 1
        try:
            with suppress(ConnectionError):
                await self._pump(stream, changed, answer)
                await answer.write_eof()
        except _TooSlow:
            if received.transport is not None:
                received.transport.abort()
        finally:
            self.watches -= 1
            self._driver.forget(changed)
        return answer

    async def _pump(
        self, stream: Stream, changed: asyncio.Event, answer: web.StreamResponse
    ) -> None:
        while True:
            changed.clear()
            chunk = stream.pull(self._driver.clock(), self._driver.durable)
            if chunk:
                await self._write(answer, chunk)
            if stream.ended:
                return
            due = stream.next_due()
            with suppress(TimeoutError):
                await asyncio.wait_for(changed.wait(), _seconds_until(due, self._driver.clock()))

    async def _upgrade(
        self, received: web.BaseRequest, wish: PodExec | PodPortForward
    ) -> web.StreamResponse:
        """Let the connection go over to a program or to ports. Raises `Failure` before that."""
        if isinstance(wish, PodPortForward):
            pod = self._driver.cluster.store.get(wish.pod) or {}
            address = get_in(pod, "status", "podIP", default="")
            if not address:
                raise internal(f"pod {wish.pod.name} is not running")
            return await serve_ports(received, address, wish.ports)
        if self._containers is None:
            raise internal("this server runs no containers")
        return await serve_command(received, wish, self._containers)

    async def _write(self, answer: web.StreamResponse, chunk: bytes) -> None:
        """Send, as fast as the client reads. Raises `_TooSlow` when it does not."""
        try:
            async with asyncio.timeout(self._slow_reader_seconds):
                await answer.write(chunk)
        except TimeoutError:
            raise _TooSlow from None

    async def _stream_logs(self, received: web.BaseRequest, wish: PodLogs) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/plain"})
        answer.enable_chunked_encoding()
        await answer.prepare(received)
        if self._logs is not None:
            with suppress(ConnectionError):
                async for chunk in self._logs.logs(wish):
                    await answer.write(chunk)
        with suppress(ConnectionError):
            await answer.write_eof()
        return answer


class _TooSlow(Exception):
    """A client does not read what it asked for."""


def _text(header: str) -> str:
    """A header's value; bytes that are not UTF-8 become marks, so that it can be written again."""
    return header.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _headers_of(received: web.BaseRequest) -> dict[str, str]:
    """The headers by their names in lower case; values of one that says whom to impersonate are
    joined by line ends, of any other the last one counts."""
    headers: dict[str, str] = {}
    for name, value in received.headers.items():
        name = name.lower()
        if name.startswith("impersonate-") and name in headers:
            value = f"{headers[name]}\n{value}"
        headers[name] = _text(value)
    return headers


async def _body(received: web.BaseRequest) -> bytes:
    """The whole body; one byte over the limit is enough to know that it is too long."""
    parts, size = [], 0
    async for part in received.content.iter_any():
        if size <= BODY_LIMIT:
            parts.append(part)
        size += len(part)
        if size > BODY_PATIENCE:
            break
    return b"".join(parts)[: BODY_LIMIT + 1]


def _seconds_until(due: Instant | None, now: Instant) -> float | None:
    return None if due is None else max(0.0, seconds_between(now, due))


def _headers(response: Response) -> CIMultiDict[str]:
    headers = CIMultiDict(
        {"Content-Type": response.content_type, "Cache-Control": "no-cache, private"}
    )
    headers.update(response.headers)
    for warning in response.warnings:
        quoted = warning.replace("\\", "\\\\").replace('"', '\\"')
        headers.add("Warning", f'299 - "{quoted}"')
    return headers


def _plain(response: Response) -> web.Response:
    # Never compressed: on loopback that costs ten times what it saves.
    return web.Response(status=response.status, body=response.body, headers=_headers(response))
