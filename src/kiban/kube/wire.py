"""The fields of Kubernetes' binary messages by their numbers, as a constant table.

`scripts/extract_wire_facts.py` wrote the table; it is read once, when the first binary body comes.
"""

import json
import zlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

WIRE_VERSION = "1.32"


@dataclass(frozen=True, slots=True)
class WireField:
    """One field: its name in JSON (none: its fields lie inline) and what it holds.

    `form` is `one`, `list` or `map` (from texts). `type` is s text, y bytes, i number, b boolean,
    t time, T time with microseconds, q quantity, x number or text, j JSON, e a message
    of nothing but a list; anything else names a message.
    """

    name: str
    form: str
    type: str


@cache
def _table() -> dict[str, Any]:
    data = files("kiban.kube").joinpath("data", f"wire-{WIRE_VERSION}.json.gz").read_bytes()
    types: dict[str, Any] = json.loads(zlib.decompress(data, 31))["types"]
    return types


@cache
def message_fields(type_name: str) -> dict[int, WireField] | None:
    """The fields of a message; None of one that is not known."""
    row = _table().get(type_name)
    if row is None:
        return None
    return {int(number): _field(name, code) for number, (name, code) in row.items()}


def _field(name: str, code: str) -> WireField:
    form = {"[": "list", "{": "map"}.get(code[0], "one")
    return WireField(name, form, code if form == "one" else code[1:])
