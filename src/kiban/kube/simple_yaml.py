"""YAML as programs and most people write it, read line by line: maps and lists in blocks, a scalar
to a line, literal blocks. About three times as fast as libyaml's events.

Whatever it does not know by sight, an anchor, a folded line, a mistake, it does not read at all:
then `plain_yaml` reads the whole document. So it never has to say what is wrong, and a test holds
it to read nothing in another way.
"""

import re
from functools import lru_cache
from typing import Any

import yaml

from kiban.kube.plain_yaml import read_plain, scalar_value

# ASCII without tabs and returns. Deeper than this is left to the careful reader.
_ODD = re.compile(r"[^\n -~]")
_MAX_DEPTH = 50
_MAX_KEY = 128
# Indentation, a dash, a key, the rest.
_LINE = re.compile(
    r"( *)(-(?: +|$))?(?:([A-Za-z0-9_./$][A-Za-z0-9_./$-]*|\"[^\"\\]*\"):(?: +|$))?(.*)"
)
_PLAIN_BEGINNINGS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.$(+~<=^;\\-"
)
_DOUBLE = re.compile(r'"([^"\\]*)"')
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_LITERAL = {"|": "\n", "|-": ""}


class _Unknown(Exception):
    """A line that is not simple."""


def read_simple(text: str) -> dict[str, Any] | None:
    """The map that a document is; None when it must be read with more care."""
    if _ODD.search(text):
        return None
    lines = text.split("\n")
    try:
        return _Reader(lines, 1 if lines[0] == "---" else 0).map()
    except _Unknown:
        return None


# What the end of a line is: nothing, a scalar, what must be read with care, a literal block.
_NOTHING, _SCALAR, _CAREFUL, _BLOCK = range(4)
_Line = tuple[int, int, str | None, int, Any]


@lru_cache(maxsize=16384)
def _line(text: str) -> _Line:
    """Column, width of the dash, key, what the rest is, and the rest. Manifests say the same
    lines again and again."""
    match = _LINE.match(text)
    # The pattern matches any line.
    space, dash, key, rest = match.groups()  # type: ignore[union-attr]
    if key is not None:
        key = key[1:-1] if key[0] == '"' else key
        if len(key) > _MAX_KEY:
            raise _Unknown
    kind, value = _ending(rest)
    if kind != _NOTHING and dash is None and key is None:
        # Words without a key: a scalar of several lines, a mark, a directive.
        raise _Unknown
    return len(space), len(dash or ""), key, kind, value


def _ending(rest: str) -> tuple[int, Any]:
    first = rest[:1]
    if first in ("", "#"):
        return _NOTHING, None
    if first in _PLAIN_BEGINNINGS:
        rest = rest.partition(" #")[0].rstrip(" ")
        marks = ("-", "---", "...")
        if ": " in rest or rest[-1] == ":" or rest[:2] == "- " or rest in marks:
            raise _Unknown
        return _SCALAR, scalar_value(rest)
    if match := _DOUBLE.fullmatch(rest.rstrip(" ")):
        return _SCALAR, match[1]
    if match := _SINGLE.fullmatch(rest.rstrip(" ")):
        return _SCALAR, match[1].replace("''", "'")
    if first == '"' or (first in "[{" and "&" not in rest and "*" not in rest):
        return _CAREFUL, rest
    if rest in _LITERAL:
        return _BLOCK, _LITERAL[rest]
    raise _Unknown


class _Reader:
    """The lines, and the collections that are open with the columns they begin at. `slot` is the
    key or index of the innermost one that waits for what the next lines hold."""

    def __init__(self, lines: list[str], first: int) -> None:
        self.lines = lines
        self.at = first
        self.root: dict[str, Any] = {}
        self.open: list[tuple[int, Any]] = [(0, self.root)]
        self.slot: str | int | None = None

    def map(self) -> dict[str, Any] | None:
        lines, count, open_ = self.lines, len(self.lines), self.open
        while self.at < count:
            column, dash, key, kind, value = _line(lines[self.at])
            self.at += 1
            if dash:
                self._to_list(column)
                if key is None:
                    index = self._add(self._made(kind, value, column) if kind > _SCALAR else value)
                    self.slot = index if kind == _NOTHING else None
                    continue
                column += dash
                holder: dict[str, Any] = {}
                self.slot = self._add(None)
                self._open(column, holder)
            elif key is None:
                continue
            else:
                at, holder = open_[-1]
                if at != column or type(holder) is not dict:
                    holder = self._to_map(column)
            holder[key] = self._made(kind, value, column) if kind > _SCALAR else value
            self.slot = key if kind == _NOTHING else None
        return self.root if self.root else None

    def _made(self, kind: int, value: Any, column: int) -> Any:
        return _careful(value) if kind == _CAREFUL else self._literal(column, value)

    def _to_list(self, column: int) -> None:
        """Make the list that has its dashes at a column the innermost."""
        open_ = self.open
        while len(open_) > 1 and open_[-1][0] > column:
            open_.pop()
            self.slot = None
        at, holder = open_[-1]
        if at == column and type(holder) is list:
            self.slot = None
        elif self.slot is not None and (column > at or type(holder) is dict):
            self._open(column, [])
        else:
            raise _Unknown

    def _to_map(self, column: int) -> dict[str, Any]:
        """Make the map that has its keys at a column the innermost."""
        open_ = self.open
        while len(open_) > 1 and (
            open_[-1][0] > column or (open_[-1][0] == column and type(open_[-1][1]) is list)
        ):
            open_.pop()
            self.slot = None
        at, holder = open_[-1]
        if at != column or type(holder) is not dict:
            if self.slot is None or column <= at:
                raise _Unknown
            holder = {}
            self._open(column, holder)
        return holder

    def _open(self, column: int, value: Any) -> None:
        self.open[-1][1][self.slot] = value
        self.open.append((column, value))
        self.slot = None
        if len(self.open) > _MAX_DEPTH:
            raise _Unknown

    def _add(self, value: Any) -> int:
        items: list[Any] = self.open[-1][1]
        items.append(value)
        return len(items) - 1

    def _literal(self, column: int, end: str) -> str:
        """A block whose lines stand deeper than a column."""
        lines, start = self.lines, self.at
        first = lines[start] if start < len(lines) else ""
        indent = len(first) - len(first.lstrip(" "))
        # Blank lines before the first say nothing about how deep it stands.
        if not first.strip(" ") or indent <= column:
            raise _Unknown
        pad = " " * indent
        at = start
        while at < len(lines) and (lines[at].startswith(pad) or not lines[at].strip(" ")):
            at += 1
        # Without an end of line at the end of the file, the last one has none either.
        if at >= len(lines) and lines[-1]:
            raise _Unknown
        if at < len(lines) and len(lines[at]) - len(lines[at].lstrip(" ")) > column:
            raise _Unknown
        self.at = at
        text = "\n".join(line[indent:] for line in lines[start:at])
        return text.rstrip("\n") + end


def _careful(text: str) -> Any:
    """A list or map on one line, or a text with escapes."""
    if text in ("{}", "[]"):
        return {} if text == "{}" else []
    try:
        [value] = read_plain(text)
    except (yaml.YAMLError, ValueError) as error:
        raise _Unknown from error
    return value
