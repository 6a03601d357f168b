"""Carries out one probe or hook handler: HTTP, TCP, gRPC health, or a program.

Hundreds of pods are probed by one event loop, so HTTP is spoken here in a few lines instead of
through a client. Messages are worded as the kubelet words them.
"""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

USER_AGENT = "kube-probe/1.36"
MOST_REDIRECTS = 10
HEAD_LIMIT_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a handler succeeded, and what is said about it when it did not."""

    success: bool
    message: str = ""


async def ask_http(handler: Mapping[str, Any], address: str) -> Answer:
    """GET; 200 to 399 is success. Redirects are followed on the same host only."""
    host = handler.get("host") or address
    is_tls = str(handler.get("scheme") or "HTTP").upper() == "HTTPS"
    path = str(handler.get("path") or "/")
    path = path if path.startswith("/") else f"/{path}"
    url = f"http{'s' if is_tls else ''}://{host}:{handler['port']}{path}"
    headers = {entry["name"]: entry["value"] for entry in handler.get("httpHeaders") or []}
    for _ in range(MOST_REDIRECTS + 1):
        try:
            status, location = await _get(url, headers)
        except OSError as error:
            return Answer(False, f'Get "{url}": dial tcp {urlsplit(url).netloc}: {_reason(error)}')
        except (ValueError, asyncio.IncompleteReadError):
            return Answer(False, f'Get "{url}": EOF')
        if not 200 <= status < 400:
            return Answer(False, f"HTTP probe failed with statuscode: {status}")
        target = _target(url, location) if 300 <= status < 400 else ""
        if not target:
            return Answer(True)
        url = target
    return Answer(False, f'Get "{url}": stopped after {MOST_REDIRECTS} redirects')


async def ask_tcp(handler: Mapping[str, Any], address: str) -> Answer:
    """Success when the port takes a connection."""
    host, port = handler.get("host") or address, int(handler["port"])
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError as error:
        return Answer(False, f"dial tcp {host}:{port}: {_reason(error)}")
    writer.close()
    return Answer(True)


def _target(url: str, location: str) -> str:
    """Where to go next; nowhere when the redirect leaves the host."""
    here, there = urlsplit(url), urlsplit(location)
    if not location or (there.netloc and there.hostname != here.hostname):
        return ""
    if there.netloc:
        return location
    return (
        f"{here.scheme}://{here.netloc}{location if location.startswith('/') else '/' + location}"
    )


async def _get(url: str, headers: Mapping[str, str]) -> tuple[int, str]:
    """The status code and the Location of an answer."""
    parts = urlsplit(url)
    context = _trusting() if parts.scheme == "https" else None
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port, ssl=context, limit=HEAD_LIMIT_BYTES
    )
    try:
        path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
        sent = {"Host": parts.netloc, "User-Agent": USER_AGENT, "Accept": "*/*", **headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items())]
        writer.write(("\r\n".join([*lines, "Connection: close", "", ""])).encode("latin-1"))
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError as error:
        raise ValueError("the head of the answer is too long") from error
    finally:
        writer.close()
    status, *fields = head.decode("latin-1").split("\r\n")
    found = (field.partition(":") for field in fields)
    location = next((value.strip() for name, _, value in found if name.lower() == "location"), "")
    return int(status.split(" ", 2)[1]), location


@cache
def _trusting() -> ssl.SSLContext:
    """Probes do not verify certificates, as the kubelet's do not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connect: connection refused"
    with suppress(AttributeError):
        return f"connect: {error.strerror or error}".lower()
    return str(error)
