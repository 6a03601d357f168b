"""One YAML file to a located tree, from the text alone, with every mistake positioned.

The tree is built from libyaml's events rather than by `compose`, whose recursion crashes the
process on deeply nested input. Scalars are read as YAML 1.2 reads them, which is what people
expect: `yes`, `012` and `12:30` are text.
"""

import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from kiban.primitives.located import Located
from kiban.primitives.problems import Place, Problem

# Limits against files that were not written by people. An alias counts as often as it is used.
MAX_CHARACTERS = 1_000_000
MAX_NODES = 50_000
MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*)(?:[eE][-+]?[0-9]+)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_STRING_TAG = "tag:yaml.org,2002:str"


class _Unreadable(Exception):
    """The file cannot be read further."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def read_yaml(file: str, text: str) -> tuple[Located | None, list[Problem]]:
    """The tree of a file (None when it is empty or unreadable) and what is wrong with it."""
    if len(text) > MAX_CHARACTERS:
        what = f"the file is larger than {MAX_CHARACTERS} characters"
        return None, [Problem("spec/too-large", what, Place(file))]
    reader = _Reader(file)
    try:
        return reader.read(text), reader.problems
    except _Unreadable as unreadable:
        return None, [*reader.problems, unreadable.problem]
    except yaml.MarkedYAMLError as error:
        mark: Any = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        what = f"this is not YAML: {error.problem or error.context}"
        return None, [*reader.problems, Problem("spec/yaml", what, place)]
    except yaml.YAMLError as error:
        what = f"this is not YAML: {str(error).splitlines()[0]}"
        return None, [*reader.problems, Problem("spec/yaml", what, Place(file))]


class _Reader:
    """The state of reading one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Located, int]] = {}
        self.nodes = 0

    def read(self, text: str) -> Located | None:
        events: Iterator[Any] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        root: Located | None = None
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                first: Any = next(events)
                if root is not None:
                    self.stop("spec/documents", "the file holds more than one document", first)
                root = self.node(first, events, 0)
        return root

    def node(self, event: Any, events: Iterator[Any], depth: int) -> Located:
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        before = self.nodes
        self.count(1, event)
        if depth > MAX_DEPTH:
            self.stop("spec/too-deep", f"nested deeper than {MAX_DEPTH} levels", event)
        if isinstance(event, yaml.ScalarEvent):
            found = self.at(event, self.scalar(event), event.value)
        elif isinstance(event, yaml.MappingStartEvent):
            found = self.mapping(event, events, depth)
        else:
            found = self.at(event, [])
            while not isinstance(item := next(events), yaml.SequenceEndEvent):
                found.value.append(self.node(item, events, depth + 1))
        if event.anchor:
            self.anchors[event.anchor] = (found, self.nodes - before)
        return found

    def mapping(self, event: Any, events: Iterator[Any], depth: int) -> Located:
        found = self.at(event, {})
        inherited: list[Located] = []
        key: Any
        while not isinstance(key := next(events), yaml.MappingEndEvent):
            if not isinstance(key, yaml.ScalarEvent):
                self.stop("spec/key", "a key must be plain text", key)
            item = self.node(next(events), events, depth + 1)
            item = Located(item.value, self.file, item.line, item.column, text=item.text)
            mark: Any = key.start_mark
            item.key_line, item.key_column = mark.line + 1, mark.column + 1
            if key.value == "<<" and key.style in (None, ""):
                inherited += item.value if isinstance(item.value, list) else [item]
            elif key.value in found.value:
                first = found.value[key.value].key_line
                what = f"`{key.value}` is written twice; the first is on line {first}"
                self.problems.append(
                    Problem("spec/duplicate-key", what, item.key_place(), fix="keep one of them")
                )
            else:
                found.value[key.value] = item
        for base in inherited:
            if isinstance(base.value, dict):
                found.value = {**base.value, **found.value}
        return found

    def alias(self, event: Any) -> Located:
        known = self.anchors.get(event.anchor)
        if known is None:
            self.stop("spec/alias", f"`*{event.anchor}` names no anchor before it", event)
        self.count(known[1], event)
        return known[0]

    def scalar(self, event: Any) -> Any:
        value: str = event.value
        if event.tag not in (None, _STRING_TAG):
            self.stop("spec/tag", f"the tag {event.tag} is not understood here", event)
        if event.tag or event.style not in (None, ""):
            return value
        if value in _WORDS:
            return _WORDS[value]
        if _INTEGER.fullmatch(value):
            return int(value, 16 if value.startswith("0x") else 10) if len(value) < 20 else value
        return float(value) if _FLOAT.fullmatch(value) else value

    def at(self, event: Any, value: Any, text: str = "") -> Located:
        mark = event.start_mark
        return Located(value, self.file, mark.line + 1, mark.column + 1, text=text)

    def count(self, nodes: int, event: Any) -> None:
        self.nodes += nodes
        if self.nodes > MAX_NODES:
            self.stop("spec/too-large", f"the file holds more than {MAX_NODES} values", event)

    def stop(self, code: str, what: str, event: Any) -> NoReturn:
        mark = event.start_mark
        raise _Unreadable(Problem(code, what, Place(self.file, mark.line + 1, mark.column + 1)))
