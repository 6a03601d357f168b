"""Write `src/kiban/kube/data/wire-<version>.json.gz`: the fields of Kubernetes' binary messages by
their numbers on the wire.

Every Go program that speaks this form carries the descriptors of its messages, packed with gzip;
they are read out of such a program, kubectl for one, at development time. Messages of versions
that are not served, lists and everything no request holds stay out.

    python scripts/extract_wire_facts.py /usr/bin/kubectl 1.32
"""

import gzip
import json
import re
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from kiban.kube.facts import facts

OUT = Path(__file__).resolve().parent.parent / "src" / "kiban" / "kube" / "data"
GZIP = re.compile(rb"\x1f\x8b\x08\x00\x00\x00\x00\x00")
LIMIT_BYTES = 2_000_000
META = "io.k8s.apimachinery.pkg.apis.meta.v1"
# What these messages say is one JSON value and no object.
VALUES = {
    f"{META}.Time": "t",
    f"{META}.MicroTime": "T",
    f"{META}.FieldsV1": "j",
    "io.k8s.apimachinery.pkg.api.resource.Quantity": "q",
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": "x",
    "io.k8s.apimachinery.pkg.runtime.RawExtension": "j",
}
SCALARS = {3: "i", 5: "i", 8: "b", 9: "s", 12: "y"}
MESSAGE, REPEATED = 11, 3
# Sent to every group, in the name of its own version.
COMMON = ("DeleteOptions",)
# Kinds that only subresources serve.
ACTS = ("policy.v1.Eviction", "autoscaling.v1.Scale", "authentication.v1.TokenRequest")


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
            yield tag >> 3, value
        elif tag & 7 == 2:
            size, at = varint(data, at)
            yield tag >> 3, data[at : at + size]
            at += size
        else:
            raise ValueError(f"wire type {tag & 7}")


def descriptors(program: bytes) -> dict[str, Any]:
    """`{message: {"fields": [field, …], "nested": {name: [field, …]}}}`, of every package."""
    found: dict[str, Any] = {}
    for match in GZIP.finditer(program):
        try:
            packed = program[match.start() : match.start() + LIMIT_BYTES]
            parts = list(fields(zlib.decompressobj(31).decompress(packed)))
            name = next(value for number, value in parts if number == 1).decode()
        except (zlib.error, ValueError, IndexError, StopIteration, AttributeError):
            continue
        if not name.endswith("/generated.proto"):
            continue
        package = next(value for number, value in parts if number == 2).decode()
        for number, value in parts:
            if number == 4:
                message = list(fields(value))
                found[f"{package}.{_name(message)}"] = {
                    "fields": _fields_of(message),
                    "nested": {_name(inner): _fields_of(inner) for inner in _nested(message)},
                }
    return found


def _name(message: list[tuple[int, Any]]) -> str:
    return str(next(value for number, value in message if number == 1).decode())


def _nested(message: list[tuple[int, Any]]) -> Iterator[list[tuple[int, Any]]]:
    return (list(fields(value)) for number, value in message if number == 3)


def _fields_of(message: list[tuple[int, Any]]) -> list[dict[int, Any]]:
    return [dict(fields(value)) for number, value in message if number == 2]


def published(proto: str) -> str:
    """The name of a type in the schemas: `k8s.io.api.core.v1.Pod` is `io.k8s.api.core.v1.Pod`."""
    return "io.k8s." + proto.lstrip(".").removeprefix("k8s.io.")


class Table:
    """The messages that are needed, gathered from the kinds down."""

    def __init__(self, messages: dict[str, Any]) -> None:
        self.messages = {published(name): message for name, message in messages.items()}
        self.types: dict[str, dict[str, list[str]]] = {}

    def add(self, type_name: str) -> None:
        message = self.messages.get(type_name)
        if message is None or type_name in self.types:
            return
        row: dict[str, list[str]] = {}
        self.types[type_name] = row
        for field in sorted(message["fields"], key=lambda field: field[3]):
            row[str(field[3])] = self._field(type_name, field, message["nested"])

    def _field(self, owner: str, field: dict[int, Any], nested: dict[str, Any]) -> list[str]:
        repeated = field.get(4) == REPEATED
        known = facts()["types"].get(owner, {}).get("f")
        # A few messages write a name with another case than JSON does.
        written = {key.lower(): key for key in known or ()}
        name = written.get(field[1].decode().lower(), field[1].decode())
        if field[5] != MESSAGE:
            return [name, ("[" if repeated else "") + SCALARS[field[5]]]
        target = field[6].decode()
        entry = nested.get(target.rpartition(".")[2])
        if entry is not None:
            value = next(part for part in entry if part[3] == 2)
            return [name, "{" + self._code(value)]
        # In JSON such a message is part of the one around it.
        inline = known is not None and name not in known and not repeated
        return ["" if inline else name, ("[" if repeated else "") + self._code(field)]

    def _code(self, field: dict[int, Any]) -> str:
        if field[5] != MESSAGE:
            return SCALARS[field[5]]
        target = published(field[6].decode())
        if target in VALUES:
            return VALUES[target]
        inner = self.messages[target]["fields"]
        if [part[1] for part in inner] == [b"items"] and inner[0][5] != MESSAGE:
            return "e"
        self.add(target)
        return target


def main(program: str, version: str) -> None:
    table = Table(descriptors(Path(program).read_bytes()))
    for row in facts()["kinds"]:
        table.add(row["type"])
    for name in ACTS:
        table.add(f"io.k8s.api.{name}")
    for name in COMMON:
        table.add(f"{META}.{name}")
    for name in ("Unknown", "TypeMeta"):
        table.add(f"io.k8s.apimachinery.pkg.runtime.{name}")
    text = json.dumps({"version": version, "types": table.types}, separators=(",", ":"))
    path = OUT / f"wire-{version}.json.gz"
    path.write_bytes(gzip.compress(text.encode(), mtime=0))
    sys.stdout.write(f"{path.name}: {len(table.types)} messages\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
