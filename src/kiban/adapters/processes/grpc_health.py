"""One gRPC health check over a fresh HTTP/2 connection, without a gRPC library.

The request is fixed but for the service name, and of the answer only the first message matters,
so that the frames (RFC 9113) and headers (RFC 7541, literals only) fit on one page.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from kiban.adapters.processes.probes import Answer, _reason

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _GOAWAY = 0, 1, 3, 4, 7
_END_STREAM, _END_HEADERS, _ACK = 1, 4, 1
_SERVING = b"\x08\x01"


async def ask_grpc(handler: Mapping[str, Any], address: str) -> Answer:
    """grpc.health.v1.Health/Check: success when the answer is SERVING."""
    port, service = int(handler["port"]), str(handler.get("service") or "")
    try:
        reader, writer = await asyncio.open_connection(address, port)
    except OSError as error:
        return Answer(False, f"dial tcp {address}:{port}: {_reason(error)}")
    try:
        writer.write(_request(f"{address}:{port}", service))
        message = await _first_message(reader, writer)
    except (OSError, asyncio.IncompleteReadError):
        message = None
    finally:
        writer.close()
    if message is None:
        return Answer(False, f"failed to connect service {service!r}: no answer")
    if message != _SERVING:
        return Answer(False, f"service unhealthy (responded with {message.hex() or 'UNKNOWN'})")
    return Answer(True)


def _request(authority: str, service: str) -> bytes:
    headers = {
        ":method": "POST",
        ":scheme": "http",
        ":path": "/grpc.health.v1.Health/Check",
        ":authority": authority,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    block = b"".join(_literal(name, value) for name, value in headers.items())
    name = service.encode()
    message = b"\x0a" + bytes([len(name)]) + name if name else b""
    body = b"\0" + len(message).to_bytes(4) + message
    return (
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, 1, block)
        + _frame(_DATA, _END_STREAM, 1, body)
    )


async def _first_message(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> bytes | None:
    body = b""
    while True:
        head = await reader.readexactly(9)
        payload = await reader.readexactly(int.from_bytes(head[:3]))
        kind, flags = head[3], head[4]
        if kind == _SETTINGS and not flags & _ACK:
            writer.write(_frame(_SETTINGS, _ACK, 0, b""))
        elif kind == _DATA:
            body += payload
            if len(body) >= 5 and len(body) >= 5 + int.from_bytes(body[1:5]):
                return body[5 : 5 + int.from_bytes(body[1:5])]
        elif kind in (_RESET, _GOAWAY) or (kind == _HEADERS and flags & _END_STREAM):
            return None


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4) + payload


def _literal(name: str, value: str) -> bytes:
    return b"\0" + _text(name) + _text(value)


def _text(text: str) -> bytes:
    data = text.encode()
    assert len(data) < 127, "longer texts need the multi-byte form"
    return bytes([len(data)]) + data
