"""Specs as text that people like to read: one line for what is small, a block for what is not."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kiban.primitives.canonical import quoted, yaml_text

WIDTH = 100
# Every YAML reader takes these for text; what looks like a number, a date or a word does not.
_PLAIN = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./@%+-]*(?::[A-Za-z0-9_./@%+-]+)*")
_NUMBER_LIKE = re.compile(r"[-+.0-9_:xXoOa-fA-F]+")
_WORDS = frozenset(
    ("y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "infinity")
)


def written(tree: Mapping[str, Any]) -> str:
    """A map as YAML, its keys in their order."""
    return "\n".join(_lines(tree, 0)) + "\n" if tree else ""


def _lines(tree: Mapping[str, Any], depth: int) -> Iterator[str]:
    pad = "  " * depth
    for key, value in tree.items():
        name = scalar(str(key))
        line = f"{pad}{name}: {flow(value)}"
        is_block = isinstance(value, str) and "\n" in value
        if len(line) <= WIDTH and not is_block:
            yield line
        elif isinstance(value, Mapping) and value:
            yield f"{pad}{name}:"
            yield from _lines(value, depth + 1)
        elif isinstance(value, list) and value:
            yield f"{pad}{name}:"
            for item in value:
                yield from _item(item, pad)
        elif is_block:
            # Empty lines at its end are a part of it.
            text = yaml_text({"x": value}).removeprefix("x:").removesuffix("\n")
            first, *rest = text.split("\n")
            yield f"{pad}{name}:{first}"
            yield from (f"{pad}{one}" if one else one for one in rest)
        else:
            yield line


def _item(item: Any, pad: str) -> Iterator[str]:
    line = f"{pad}- {flow(item)}"
    if len(line) <= WIDTH or not isinstance(item, Mapping):
        yield line
        return
    first, *rest = _lines(item, 0)
    yield f"{pad}- {first}"
    yield from (f"{pad}  {one}" for one in rest)


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """A single value, quoted only where a reader could take it for something else."""
    if not isinstance(value, str):
        return yaml_text(value).rstrip("\n")
    is_plain = (
        _PLAIN.fullmatch(value) is not None
        and not _NUMBER_LIKE.fullmatch(value)
        and value.lower() not in _WORDS
    )
    if is_plain:
        return value
    return quoted(value) if "\n" in value else yaml_text(value).rstrip("\n")
