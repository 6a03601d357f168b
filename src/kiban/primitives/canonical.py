"""Plain data as text, one way only: the same value gives the same bytes on every machine.

JSON for machines and hashes; YAML for people and Git. The YAML is written by us because the
common emitters leave strings unquoted that kubectl reads as another type (`y`, `1e3`, `0o14`):
here a string is plain only when no YAML reader can take it for anything else.
"""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import orjson

_PLAIN = re.compile(
    r"[A-Za-z_/][A-Za-z0-9_./@%+-]*(?::[A-Za-z0-9_./@%+-]+)*(?: [A-Za-z0-9_./@%+()-]+)*"
)
# fmt: off
_WORDS = frozenset((
    "y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "infinity",
))
# fmt: on
# What ends a text in a line of several.
_MARKS = re.compile(r"[,\[\]{}\"']|: |^\s|\s$")
_UNPRINTABLE = re.compile(
    "[^\\n\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys and no spaces."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def digest(value: Any, size: int = 16) -> str:
    """A hash of a value in hexadecimal, `2 * size` digits."""
    return blake2b(canonical_json(value), digest_size=size).hexdigest()


def yaml_text(value: Any) -> str:
    """One YAML document, without a marker line, ending in a newline; keys keep their order."""
    if _is_leaf(value):
        return _leaf(value, 0) + "\n"
    return "\n".join(_lines(value, 0)) + "\n"


def one_line(value: Any, *, inside: bool = False) -> str:
    """A value for people to read, in one line: with braces and brackets as in YAML, and quotes only
    where a text would run into them."""
    if isinstance(value, Mapping):
        items = (f"{one_line(key, inside=True)}: {one_line(value[key], inside=True)}"
                 for key in value)  # fmt: skip
        return "{" + ", ".join(items) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(one_line(item, inside=True) for item in value) + "]"
    if isinstance(value, str):
        is_plain = value.isprintable() and not (inside and _MARKS.search(value))
        return value if value and is_plain else quoted(value)
    return _scalar(value)


def yaml_documents(values: list[Any]) -> str:
    """Several documents with `---` between them."""
    return "---\n".join(yaml_text(value) for value in values)


def _lines(value: Any, depth: int) -> Iterator[str]:
    """The lines of a collection that is not empty, each indented for its depth."""
    pad = "  " * depth
    if isinstance(value, dict):
        for key, item in value.items():
            if _is_leaf(item):
                yield f"{pad}{_scalar(str(key))}: {_leaf(item, depth + 1)}"
            else:
                yield f"{pad}{_scalar(str(key))}:"
                # A list stands at its key's own indentation, as kubectl writes it.
                yield from _lines(item, depth if isinstance(item, list) else depth + 1)
    else:
        for item in value:
            if _is_leaf(item):
                yield f"{pad}- {_leaf(item, depth + 1)}"
            else:
                first, *rest = _lines(item, depth + 1)
                yield f"{pad}- {first.lstrip(' ')}"
                yield from rest


def _is_leaf(value: Any) -> bool:
    return not (isinstance(value, dict | list) and value)


def _leaf(value: Any, depth: int) -> str:
    if isinstance(value, str) and "\n" in value and _is_block(value):
        return _block(value, depth)
    return _scalar(value)


def _is_block(value: str) -> bool:
    return not _UNPRINTABLE.search(value) and not value.startswith((" ", "\n"))


def _block(value: str, depth: int) -> str:
    body = value.rstrip("\n")
    trailing = len(value) - len(body)
    mark = {0: "|-", 1: "|"}.get(trailing, "|+")
    pad = "  " * max(depth, 1)
    lines = [pad + line if line else "" for line in body.split("\n")]
    return mark + "\n" + "\n".join(lines) + "\n" * max(0, trailing - 1)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _WORDS and len(value) < 120
        return value if plain else quoted(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, list):
        return "[]"
    text = json.dumps(value)
    # YAML 1.1 takes 1e-05 for a string; with a point it is a number to every reader.
    return text.replace("e", ".0e") if "e" in text and "." not in text else text


def quoted(value: str) -> str:
    """A text in double quotes, on one line."""
    return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
