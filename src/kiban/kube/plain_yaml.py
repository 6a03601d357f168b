"""YAML to plain data as kubectl reads it, from libyaml's events.

Twice as fast as PyYAML's loader, which resolves every scalar anew, and not recursive, so that no
depth exhausts a stack. Keys are text, as in JSON. A date is text, `y` is true.
"""

import re
from functools import lru_cache
from typing import Any

import yaml

# Deeper than this nobody writes; what looks at the data afterwards is recursive.
MAX_DEPTH = 100
# An alias counts as often as it is used: a few lines could else become gigabytes.
MAX_SHARED = 100_000

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0o?[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(
        ("true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"), True
    ),
    **dict.fromkeys(
        ("false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"), False
    ),
}
_TEXT_TAG = "tag:yaml.org,2002:str"
_KNOWN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("map", "seq", "int", "bool",
                                                                  "float", "null"))  # fmt: skip
_MERGE = "<<"


class NotPlain(ValueError):
    """YAML that is no plain data, and where; named as libyaml's own errors name it."""

    def __init__(self, problem: str, event: Any) -> None:
        super().__init__(problem)
        self.problem = problem
        self.problem_mark = event.start_mark


def read_plain(text: str) -> list[Any]:
    """The values of the documents of a text. Raises `yaml.YAMLError`, or `NotPlain`."""
    return _Builder(text).build()


def repeated_keys(text: str) -> list[tuple[int, str]]:
    """The keys that a map has twice, of which kubectl takes the last one; with their lines. Raises
    as `read_plain` does."""
    builder = _Builder(text)
    builder.repeated = []
    builder.build()
    return builder.repeated


@lru_cache(maxsize=8192)
def scalar_value(text: str) -> Any:
    """What a plain scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        digits = text.lower()
        base = 16 if "x" in digits else 8 if re.fullmatch(r"0o?[0-7]+", digits) else 10
        return int(digits.removeprefix("0o"), base) if len(text) < 20 else text
    return float(text) if _FLOAT.fullmatch(text) else text


class _Builder:
    """The state of building: the collection that is open, and those around it."""

    def __init__(self, text: str) -> None:
        self.next = yaml.CSafeLoader(text).get_event
        self.anchors: dict[str, Any] = {}
        self.shared = 0
        # Where somebody asks: the keys that were there already, but for those taken in by `<<`.
        self.repeated: list[tuple[int, str]] | None = None
        self.taken_in: dict[int, dict[str, None]] = {}

    def build(self) -> list[Any]:
        documents: list[Any] = []
        stack: list[tuple[Any, str | None]] = []
        current: Any = None
        key: str | None = None
        while True:
            event: Any = self.next()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                value = event.value
                # Keys stay as they were written.
                if key is None and type(current) is dict:
                    key = value
                    continue
                value = self.scalar(event)
            elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                value = self.opened(event, {} if kind is yaml.MappingStartEvent else [])
                if key is None and type(current) is dict:
                    raise NotPlain("a key must be plain text", event)
                stack.append((current, key))
                if len(stack) > MAX_DEPTH:
                    raise NotPlain(f"nested deeper than {MAX_DEPTH} levels", event)
                current, key = value, None
                continue
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                value = current
                current, key = stack.pop()
            elif kind is yaml.AliasEvent:
                value = self.alias(event)
            elif kind is yaml.StreamEndEvent:
                return documents
            else:
                continue
            if current is None:
                documents.append(value)
            elif type(current) is list:
                current.append(value)
            else:
                if self.repeated is not None:
                    self.note(current, key or "", value, event.start_mark.line + 1)
                _put(current, key or "", value, event)
                key = None

    def note(self, holder: dict[str, Any], key: str, value: Any, line: int) -> None:
        """Remember a key that a map has already by its own."""
        assert self.repeated is not None
        taken_in = self.taken_in.setdefault(id(holder), {})
        if key == _MERGE:
            for source in value if isinstance(value, list) else [value]:
                fresh = source.keys() - holder.keys() if isinstance(source, dict) else ()
                taken_in |= dict.fromkeys(fresh)
        elif key in holder and key not in taken_in:
            self.repeated.append((line, key))
        else:
            taken_in.pop(key, None)

    def scalar(self, event: Any) -> Any:
        if event.tag is not None and event.tag != "!":
            if event.tag != _TEXT_TAG and event.tag not in _KNOWN_TAGS:
                raise NotPlain(f"the tag {event.tag} means nothing to Kubernetes", event)
            value = event.value if event.tag == _TEXT_TAG else scalar_value(event.value)
        else:
            value = scalar_value(event.value) if event.implicit[0] else event.value
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def opened(self, event: Any, value: Any) -> Any:
        if event.tag is not None and event.tag not in _KNOWN_TAGS:
            raise NotPlain(f"the tag {event.tag} means nothing to Kubernetes", event)
        if event.anchor:
            self.anchors[event.anchor] = value
        return value

    def alias(self, event: Any) -> Any:
        if event.anchor not in self.anchors:
            raise NotPlain(f"*{event.anchor} names no anchor before it", event)
        value = self.anchors[event.anchor]
        self.shared += _size(value, MAX_SHARED)
        if self.shared > MAX_SHARED:
            raise NotPlain(f"aliases stand for more than {MAX_SHARED} values", event)
        return value


def _put(holder: dict[str, Any], key: str, value: Any, event: Any) -> None:
    if key != _MERGE:
        holder[key] = value
        return
    for source in value if isinstance(value, list) else [value]:
        if not isinstance(source, dict):
            raise NotPlain("<< takes in maps only", event)
        for name, item in source.items():
            holder.setdefault(name, item)


def _size(value: Any, most: int) -> int:
    """How many values there are in one, counting no further than a limit."""
    count, waiting = 0, [value]
    while waiting and count <= most:
        one = waiting.pop()
        count += 1
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return count
