"""Reading the binary bodies that Go programs send: kubectl's typed commands and most operators.

Only requests are read; answers are JSON, which such clients accept too. A field
that is not in the table of messages makes the body unreadable: nothing is ever dropped in silence.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

import orjson

from kiban.kube.kinds import standard_kinds
from kiban.kube.objects import Manifest
from kiban.kube.schema.zeros import drops_zero
from kiban.kube.wire import WireField, message_fields
from kiban.primitives.instants import Instant, rfc3339, rfc3339_micro

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
_MAGIC = b"k8s\x00"
_RUNTIME = "io.k8s.apimachinery.pkg.runtime"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
# Kinds that no path of their own serves.
_ACTS = {
    ("policy/v1", "Eviction"): "io.k8s.api.policy.v1.Eviction",
    ("autoscaling/v1", "Scale"): "io.k8s.api.autoscaling.v1.Scale",
    ("authentication.k8s.io/v1", "TokenRequest"): "io.k8s.api.authentication.v1.TokenRequest",
}
_DEPTH_LIMIT = 100


class Unreadable(Exception):
    """A body with a kind or a field that the table does not know."""


def decoded(body: bytes) -> Manifest:
    """The object in a binary body. Raises `Unreadable`."""
    if not body.startswith(_MAGIC):
        raise Unreadable("the body does not begin with the magic number")
    try:
        type_, raw = _envelope(body[len(_MAGIC) :])
        name = _type_name(type_.get("apiVersion", ""), type_.get("kind", ""))
        return {**type_, **_message(raw, name, 0)}
    except (IndexError, ValueError, OverflowError, AttributeError, TypeError) as error:
        raise Unreadable(f"the body ends early or is damaged: {error}") from error


def _envelope(data: bytes) -> tuple[dict[str, Any], bytes]:
    parts = dict(_fields(data))
    return _message(parts.get(1, b""), f"{_RUNTIME}.TypeMeta", 0), parts.get(2, b"")


def _type_name(api_version: str, kind: str) -> str:
    if (api_version, kind) in _ACTS:
        return _ACTS[api_version, kind]
    # Sent to every group, in the name of its own version.
    if kind == "DeleteOptions":
        return f"{_META}.{kind}"
    for info in standard_kinds():
        known = info.kind == kind and info.api_version == api_version
        if known and message_fields(info.type_name) is not None:
            return info.type_name
    raise Unreadable(f"bodies of kind {kind!r} are read as JSON or YAML only")


def _message(data: bytes, name: str, depth: int) -> dict[str, Any]:
    fields = message_fields(name)
    if fields is None or depth > _DEPTH_LIMIT:
        raise Unreadable(f"messages {name} are not known here, or too deep")
    result: dict[str, Any] = {}
    for number, value in _fields(data):
        field = fields.get(number)
        if field is None:
            raise Unreadable(f"field {number} of {name.rpartition('.')[2]} is not known here")
        _put(result, field, value, name, depth)
    return result


def _put(result: dict[str, Any], field: WireField, value: Any, owner: str, depth: int) -> None:
    if field.form == "list":
        result.setdefault(field.name, []).append(_value(value, field.type, depth))
    elif field.form == "map":
        entry = dict(_fields(value))
        empty: Any = 0 if field.type in ("i", "b") else b""
        read = _value(entry.get(2, empty), field.type, depth)
        result.setdefault(field.name, {})[entry.get(1, b"").decode()] = read
    elif not field.name:
        # The message is part of the one around it, in JSON as in Go.
        result.update(_value(value, field.type, depth))
    else:
        read = _value(value, field.type, depth)
        is_zero = read is None or read is False or read == 0 or read == ""
        # Go sends plain values whatever they are, and pointers only when they are set.
        if read is not None and not (is_zero and drops_zero(owner, field.name, read)):
            result[field.name] = read


def _value(value: Any, type_: str, depth: int) -> Any:
    match type_:
        case "s":
            return value.decode()
        case "y":
            return b64encode(value).decode()
        case "i":
            return value - (1 << 64) if value >> 63 else value
        case "b":
            return bool(value)
        case "j":
            raw = dict(_fields(value)).get(1, b"")
            return orjson.loads(raw) if raw else None
        case "t" | "T" | "q" | "x" | "e":
            return _SCALARS[type_](list(_fields(value)))
    return _message(value, type_, depth + 1)


def _time(parts: list[tuple[int, Any]]) -> str | None:
    # A time that was never set is an empty message.
    seconds = dict(parts).get(1)
    return None if seconds is None else rfc3339(Instant(seconds * 1_000_000))


def _micro_time(parts: list[tuple[int, Any]]) -> str | None:
    found = dict(parts)
    if 1 not in found:
        return None
    return rfc3339_micro(Instant(found[1] * 1_000_000 + found.get(2, 0) // 1000))


def _quantity(parts: list[tuple[int, Any]]) -> str:
    return str(dict(parts).get(1, b"0").decode())


def _int_or_string(parts: list[tuple[int, Any]]) -> int | str:
    found = dict(parts)
    if found.get(1):
        return str(found.get(3, b"").decode())
    return int(_value(found.get(2, 0), "i", 0))


def _texts(parts: list[tuple[int, Any]]) -> list[str]:
    return [value.decode() for _, value in parts]


_SCALARS: dict[str, Any] = {
    "t": _time,
    "T": _micro_time,
    "q": _quantity,
    "x": _int_or_string,
    "e": _texts,
}


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
        if shift > 63:
            raise Unreadable("a number of more than 64 bits")
