"""Passing a request on to a pod and its answer back, for the `proxy` parts of pods and services.

Credentials stay here, and what concerns one connection only; a path that the pod names in a
redirection is made one that leads through us again. Source: apimachinery/pkg/util/proxy.
"""

import os
import ssl

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from kiban.cluster.api.failures import Failure
from kiban.cluster.api.values import Proxied

READ_BYTES = 64 * 1024
CONNECT_SECONDS = 10.0
_OF_ONE_CONNECTION = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection",
        "te", "trailer", "transfer-encoding", "upgrade", "content-length",
    }
)  # fmt: skip
_OURS = frozenset({"authorization", "host"})


async def serve_proxied(received: web.BaseRequest, wish: Proxied) -> web.StreamResponse:
    """Answer with what the pod answers. Raises `Failure` when it cannot be reached."""
    before, after = _split(received.rel_url.raw_path, wish.depth)
    if not after:
        # As a page at this address means its links.
        query = received.rel_url.raw_query_string
        location = f"{before}/" + (f"?{query}" if query else "")
        return web.Response(status=301, headers={"Location": location})
    url = URL.build(
        scheme=wish.scheme,
        host=wish.address,
        port=wish.port,
        path=after,
        query_string=received.rel_url.raw_query_string,
        encoded=True,
    )
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS)
    async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session:
        try:
            asked = await session.request(
                received.method,
                url,
                headers=_kept(received.headers, _OURS),
                data=wish.body or None,
                allow_redirects=False,
                ssl=_trusting(),
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise _unreachable(wish, error) from error
        async with asked:
            return await _passed_back(received, asked, before)


async def _passed_back(
    received: web.BaseRequest, asked: aiohttp.ClientResponse, before: str
) -> web.StreamResponse:
    headers = _kept(asked.headers, frozenset())
    location = headers.get("Location", "")
    if location.startswith("/"):
        headers["Location"] = before + location
    answer = web.StreamResponse(status=asked.status, reason=asked.reason, headers=headers)
    await answer.prepare(received)
    try:
        async for piece in asked.content.iter_chunked(READ_BYTES):
            await answer.write(piece)
        await answer.write_eof()
    except (aiohttp.ClientError, ConnectionError):
        # Half an answer must not look like a whole one.
        if received.transport is not None:
            received.transport.abort()
    return answer


def _unreachable(wish: Proxied, error: Exception) -> Failure:
    why = str(error)
    if isinstance(error, aiohttp.ClientConnectorError):
        said = os.strerror(error.os_error.errno or 0).lower()
        why = f"dial tcp {wish.address}:{wish.port}: connect: {said}"
    return Failure(503, "ServiceUnavailable", f"error trying to reach service: {why}")


def _split(path: str, depth: int) -> tuple[str, str]:
    """The first parts of a path, and the rest of it as it was written."""
    at = found = 0
    while found < depth:
        while path[at : at + 1] == "/":
            at += 1
        end = path.find("/", at)
        found, at = found + 1, len(path) if end < 0 else end
    return path[:at], path[at:]


def _kept(headers: CIMultiDictProxy[str], more: frozenset[str]) -> CIMultiDict[str]:
    kept: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        if name.lower() not in _OF_ONE_CONNECTION | more:
            kept.add(name, value)
    return kept


def _trusting() -> ssl.SSLContext:
    """Pods show certificates of their own making; Kubernetes asks for no other either."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
