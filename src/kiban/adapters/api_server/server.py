"""The Kubernetes API over HTTP: requests in, answers out, streams kept going.

All decisions are the cluster's; this reads bytes, names the user, waits for the journal and
writes bytes. It listens on the loopback, unless told otherwise.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, Protocol
from urllib.parse import parse_qsl

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict

from kiban.adapters.api_server.auditing import DENIED, HEADER, Arrival, arrival
from kiban.adapters.api_server.certificates import ServerIdentity
from kiban.adapters.api_server.credentials import Authenticator, user_of_certificate
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.limits import Crowd, Limits
from kiban.adapters.api_server.streams.commands import Containers, serve_command
from kiban.adapters.api_server.streams.feeding import Feed, TooSlow
from kiban.adapters.api_server.streams.forwarding import serve_ports
from kiban.adapters.api_server.streams.proxying import serve_proxied
from kiban.adapters.api_server.tls import tls_context
from kiban.cluster.api.bodies import BODY_LIMIT
from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure, bad_request, internal, unauthorized
from kiban.cluster.api.negotiation import PLAIN
from kiban.cluster.api.rendering import failure_response
from kiban.cluster.api.values import (
    Consult,
    PodExec,
    PodLogs,
    PodPortForward,
    Proxied,
    Request,
    Response,
)
from kiban.cluster.authorization.rights import ANONYMOUS
from kiban.cluster.consulting import Consultation
from kiban.kube.objects import get_in
from kiban.primitives.instants import Instant

LOG = logging.getLogger("kiban.api_server")
LOOPBACK = "127.0.0.1"
DEFAULT_LIMITS = Limits()
# A body that is too long is read on for a while, so that its sender gets to read why it is
# refused; after that the connection is closed on it.
BODY_PATIENCE = 4 * BODY_LIMIT
UNKNOWN_VERSION = "version of HTTP that is not served"


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
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._driver = driver
        self._authenticator = authenticator
        self._logs = logs
        self._containers = containers
        self._limits = limits
        self._crowd = Crowd(limits)
        self._runner: web.ServerRunner | None = None
        self.address = ""

    @property
    def watches(self) -> int:
        """How many there are now."""
        return self._crowd.watches

    async def start(
        self, port: int = 0, identity: ServerIdentity | None = None, *, also: str = ""
    ) -> str:
        """Listen on the loopback, and `also` on another address; where to reach it from here.
        Without an identity it speaks plain HTTP, on the loopback only."""
        assert identity is not None or not also, "only TLS leaves this machine"
        idle = self._limits.idle_seconds
        server = web.Server(
            self._handle, access_log=None, keepalive_timeout=idle, request_factory=_received
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        context = tls_context(identity) if identity else None
        common: dict[str, Any] = {"ssl_context": context, "backlog": 1024}
        # Every address of IPv4 has the loopback among them.
        everywhere = also == "0.0.0.0"
        first = web.TCPSite(self._runner, also if everywhere else LOOPBACK, port, **common)
        await first.start()
        bound = self._runner.addresses[0][1]
        if also and not everywhere:
            await web.TCPSite(self._runner, also, bound, **common).start()
        self.address = f"{'https' if identity else 'http'}://{LOOPBACK}:{bound}"
        return self.address

    async def stop(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    async def _handle(self, received: web.BaseRequest) -> web.StreamResponse:
        came = arrival(
            received.method, received.raw_path, received.remote or "", self._driver.clock()
        )
        try:
            if UNKNOWN_VERSION in received:
                raise bad_request("the request's first line names no version of HTTP/1")
            user, headers = self._known(received, came)
            response = await self._answer(received, user, headers, came)
            response.headers[HEADER] = came.id
            if isinstance(response.errand, PodExec | PodPortForward):
                with self._crowd.watch(user):
                    return await self._upgrade(received, response.errand)
            if isinstance(response.errand, Proxied):
                return await serve_proxied(received, response.errand)
        except Failure as failure:
            response = failure_response(failure, PLAIN)
            response.headers[HEADER] = came.id
        except Exception:  # noqa: BLE001: the outermost edge; our bug must not end the connection
            LOG.exception("%s %s", received.method, received.path_qs)
            message = "Internal error occurred: the server has a bug; its log says more"
            response = failure_response(Failure(500, "InternalError", message), PLAIN)
        if response.stream is not None:
            with self._crowd.watch(user):
                return await self._stream(received, response)
        if isinstance(response.errand, PodLogs):
            with self._crowd.watch(user):
                return await self._stream_logs(received, response.errand)
        return _plain(response)

    def _known(self, received: web.BaseRequest, came: Arrival) -> tuple[User, dict[str, str]]:
        """Who asks, and the headers. Raises `Failure`."""
        if len(received.headers) > self._limits.headers:
            message = f"the request has more than {self._limits.headers} headers"
            raise Failure(431, "RequestHeaderFieldsTooLarge", message)
        headers = _headers_of(received)
        user = self._user(received, headers.get("authorization"))
        if user is None:
            if self._crowd.is_noted():
                self._driver.record(came.refused(headers, None, 401))
            raise unauthorized()
        return user, headers

    async def _answer(
        self, received: web.BaseRequest, user: User, headers: dict[str, str], came: Arrival
    ) -> Response:
        url = received.rel_url
        query = tuple(parse_qsl(url.raw_query_string, keep_blank_values=True))
        with self._crowd.request(user):
            body = await self._body(received) if received.can_read_body else b""
            request = Request(
                received.method, url.path, query, headers, body, user, self._consultation(received)
            )
            note = came.entry if user is not ANONYMOUS else partial(self._of_stranger, came)
            response = self._driver.handle(request, note)
            if isinstance(response.errand, Consult):
                response = await self._driver.consulted(request, response, note)
            if response.stream is not None or response.errand is not None:
                self._crowd.check_watch(user)
            try:
                await self._driver.until_durable(response.revision)
            except Exception as error:
                raise internal(f"the store cannot be written: {error}") from error
            return response

    def _consultation(self, received: web.BaseRequest) -> Consultation | None:
        if self._driver.consultant is None or received.method in ("GET", "HEAD"):
            return None
        return Consultation(self._driver.clock())

    def _of_stranger(
        self, came: Arrival, request: Request, response: Response, now: Instant
    ) -> bytes | None:
        if response.status in DENIED and not self._crowd.is_noted():
            return None
        return came.entry(request, response, now)

    async def _body(self, received: web.BaseRequest) -> bytes:
        """The whole body, from a client that does not take forever. Raises `Failure`."""
        if received.content.is_eof():
            # It has come together with the headers, as most do.
            return received.content.read_nowait()[: BODY_LIMIT + 1]
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                return await _body(received)
        except TimeoutError:
            raise Failure(408, "Timeout", "the request's body did not come in time") from None
        except ConnectionError:
            raise bad_request("the connection ended before the request's body did") from None

    def _user(self, received: web.BaseRequest, authorization: str | None) -> User | None:
        """Who asks, by a certificate or a token, or the anonymous user; None when what is shown
        is worth nothing."""
        transport, now = received.transport, self._driver.clock()
        certificate = transport.get_extra_info("peercert") if transport is not None else None
        if certificate:
            return user_of_certificate(certificate, now)
        user = self._authenticator.user_of(authorization)
        if user is None:
            token = (authorization or "").removeprefix("Bearer ")
            user = self._driver.cluster.user_of_token(token, now)
        return user

    # Streams

    async def _stream(self, received: web.BaseRequest, response: Response) -> web.StreamResponse:
        stream = response.stream
        assert stream is not None
        answer = web.StreamResponse(headers=_headers(response))
        answer.enable_chunked_encoding()
        feed = Feed(self._driver, received, stream, self._limits.slow_reader_seconds)
        try:
            with suppress(ConnectionError):
                await answer.prepare(received)
                await feed.run()
                await answer.write_eof()
        except TooSlow:
            if received.transport is not None:
                received.transport.abort()
        return answer

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


def _received(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """A request that is always answered in HTTP/1: aiohttp answers in the version that is asked
    for, of which HTTP/0.9 and versions that never were are read too."""
    known = message.version in (HttpVersion10, HttpVersion11)
    if not known:
        message = message._replace(version=HttpVersion11, should_close=True)
    loop = asyncio.get_running_loop()
    received = web.BaseRequest(message, payload, protocol, writer, task, loop)
    if not known:
        received[UNKNOWN_VERSION] = True
    return received


def _text(header: str) -> str:
    """A header's value; bytes that are not UTF-8 become marks, so that it can be written again."""
    if header.isascii():
        return header
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
