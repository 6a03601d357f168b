"""Reading the binary bodies that kubectl's typed commands send: `create`, `auth`, `drain`, tokens.

Only requests are read; answers are JSON, which such clients accept too. A field
that is not in the table of messages makes the body unreadable: nothing is ever dropped in silence.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from kiban.cluster.api.protobuf_messages import MESSAGES
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant, rfc3339

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
# What the server answers with is of no interest in a request, and may hold anything.
_SKIPPED = frozenset({"Empty"})


class Unreadable(Exception):
    """A body with a kind or a field that the table does not know."""


def decoded(body: bytes) -> Manifest:
    """The object in a binary body. Raises `Unreadable`."""
    if not body.startswith(_MAGIC):
        raise Unreadable("the body does not begin with the magic number")
    try:
        envelope = _message(body[len(_MAGIC) :], "Unknown")
        type_ = envelope.get("type") or {}
        kind = type_.get("kind", "")
        if kind not in MESSAGES:
            raise Unreadable(f"bodies of kind {kind!r} are read as JSON or YAML only")
        return {**type_, **_message(envelope.get("raw", b""), kind)}
    except (IndexError, UnicodeDecodeError) as error:
        raise Unreadable(f"the body ends early: {error}") from error


def _message(data: bytes, name: str) -> dict[str, Any]:
    fields = MESSAGES[name]
    result: dict[str, Any] = {}
    for number, value in _fields(data):
        if name in _SKIPPED:
            continue
        if number not in fields:
            raise Unreadable(f"field {number} of {name} is not known here")
        key, type_ = fields[number]
        if type_.startswith("["):
            item = value.decode() if type_ == "[s" else _value(value, type_[1:])
            result.setdefault(key, []).append(item)
        elif type_.startswith("{"):
            entry, content = _entry(value, type_[1:])
            result.setdefault(key, {})[entry] = content
        else:
            read = _value(value, type_)
            if not key:
                # The message is part of the one around it, in JSON as in Go.
                result.update(read)
            elif read is not None:
                result[key] = read
    return result


def _entry(data: Any, type_: str) -> tuple[str, Any]:
    """One entry of a map: a message of a key and a value."""
    parts = dict(_fields(data))
    raw = parts.get(2, b"")
    if type_ == "q":
        return parts.get(1, b"").decode(), _message(raw, "Quantity").get("text", "0")
    value = raw.decode() if type_ == "s" else b64encode(raw).decode()
    return parts.get(1, b"").decode(), value


def _value(value: Any, type_: str) -> Any:
    match type_:
        case "s":
            return value.decode() or None
        case "raw":
            return value
        case "i":
            return _signed(value) or None
        case "I":
            return _signed(value)
        case "b":
            return bool(value) or None
        case "B":
            return bool(value)
        case "t":
            seconds = _message(value, "Time").get("seconds")
            return rfc3339(Instant(seconds * 1_000_000)) if seconds is not None else None
        case "x":
            both = _message(value, "IntOrString")
            return both.get("text", "") if both.get("type") else both.get("number", 0)
    return _message(value, type_)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a message: numbers for the wire type 0, bytes for all others."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        wire = tag & 7
        if wire == 0:
            value, at = _varint(data, at)
            yield tag >> 3, value
            continue
        if wire == 2:
            size, at = _varint(data, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise Unreadable(f"wire type {wire} is not in use")
        if at + size > len(data):
            raise IndexError(at + size)
        yield tag >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
