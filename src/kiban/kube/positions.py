"""Where in a text a place of a manifest stands, and the text with another value there.

Nothing but the value changes: comments, order and indentation stay as people wrote them. A change
whose result does not read as what was meant is not made, such as one of an anchor that others
share.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import yaml

from kiban.kube.documents import Document
from kiban.kube.paths import changed, item_index
from kiban.kube.plain_yaml import read_plain
from kiban.primitives.canonical import yaml_text


class Edit(NamedTuple):
    """Characters of a text that are replaced by others."""

    start: int
    end: int
    text: str

    def applied(self, text: str) -> str:
        return text[: self.start] + self.text + text[self.end :]


class _Found(NamedTuple):
    """The deepest node on a path, its key, and the steps that lead no further."""

    node: Any
    key: Any
    parent: Any
    rest: tuple[str, ...]


def place_of(document: Document, steps: Sequence[str]) -> tuple[int, int]:
    """Line and column (from 1) in its file of the deepest part of a path."""
    root = _composed(document.text)
    if root is None:
        return document.line, 1
    found = _walk(root, (*map(str, document.inside), *steps))
    mark = (found.key or found.node).start_mark
    return document.line + mark.line, mark.column + 1


def edit_of(
    document: Document, steps: Sequence[str], value: Any, *, remove: bool = False
) -> Edit | None:
    """The edit of the document's text that makes the change; None where there is none, or nothing
    to change."""
    root = _composed(document.text)
    path = (*map(str, document.inside), *steps)
    if root is None or not path:
        return None
    edit = _edit(document.text, _walk(root, path), value, remove)
    if edit is None:
        return None
    try:
        [before] = read_plain(document.text)
        after = read_plain(edit.applied(document.text))
    except (yaml.YAMLError, ValueError):
        return None
    wanted = changed(before, path, value, remove=remove)
    return edit if wanted not in (None, before) and after == [wanted] else None


# Findings come object by object.
@lru_cache(maxsize=1)
def _composed(text: str) -> Any:
    try:
        return yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return None


def _walk(root: Any, steps: Sequence[str]) -> _Found:
    node, key, parent = root, None, None
    for index, step in enumerate(steps):
        if isinstance(node, yaml.MappingNode):
            pair = next((pair for pair in node.value if pair[0].value == step), None)
        elif isinstance(node, yaml.SequenceNode):
            at = item_index([_shallow(item) for item in node.value], step)
            pair = None if at is None else (None, node.value[at])
        else:
            pair = None
        if pair is None:
            return _Found(node, key, parent, tuple(steps[index:]))
        parent, (key, node) = node, pair
    return _Found(node, key, parent, ())


def _shallow(node: Any) -> Any:
    """An item of a list with what may tell it apart."""
    if isinstance(node, yaml.MappingNode):
        return {
            key.value: value.value
            for key, value in node.value
            if isinstance(value, yaml.ScalarNode)
        }
    return node.value


def _edit(text: str, found: _Found, value: Any, remove: bool) -> Edit | None:
    if remove:
        return None if found.rest else _removal(text, found)
    if not found.rest:
        return _replacement(text, found, value)
    node = found.node
    first, *inner = found.rest
    for step in reversed(inner):
        value = {step: value}
    if isinstance(node, yaml.ScalarNode) and node.value in ("", "~", "null"):
        space = "" if text[node.start_mark.index - 1 : node.start_mark.index] in " " else " "
        return Edit(_index(node.start_mark), _end(node), space + _flow({first: value}, text))
    if not isinstance(node, yaml.MappingNode):
        return None
    return _addition(text, node, {first: value})


def _addition(text: str, node: Any, addition: dict[str, Any]) -> Edit:
    """A key at the end of a map."""
    if node.flow_style or not node.value:
        end = _index(node.end_mark) - 1
        while text[end - 1].isspace():
            end -= 1
        comma = ", " if node.value else ""
        return Edit(end, end, comma + _flow(addition, text)[1:-1])
    last = _end(node.value[-1][1])
    line_end = text.find("\n", last)
    end = len(text) if line_end < 0 else line_end
    # As Windows ends its lines.
    is_return = text[end - 1] == "\r"
    end, line_break = (end - 1, "\r\n") if is_return else (end, "\n")
    pad = " " * node.value[0][0].start_mark.column
    lines = yaml_text(addition).rstrip("\n").split("\n")
    return Edit(end, end, "".join(f"{line_break}{pad}{line}" for line in lines))


def _replacement(text: str, found: _Found, value: Any) -> Edit:
    node = found.node
    start, end = _index(node.start_mark), _end(node)
    space = "" if start and text[start - 1].isspace() else " "
    return Edit(start, end, space + _flow(value, text))


def _removal(text: str, found: _Found) -> Edit | None:
    parent = found.parent
    if not isinstance(parent, yaml.MappingNode):
        return None
    keys = [key for key, _ in parent.value]
    at = keys.index(found.key)
    start, end = _index(found.key.start_mark), _end(found.node)
    if len(keys) == 1:
        return Edit(_index(parent.start_mark), _end(parent), "{}")
    if parent.flow_style:
        if at + 1 < len(keys):
            return Edit(start, _index(keys[at + 1].start_mark), "")
        return Edit(_end(parent.value[at - 1][1]), end, "")
    if at + 1 < len(keys):
        # What stands between, such as a comment about the next key, stays.
        line_end = text.find("\n", end)
        if at == 0 and text[start - found.key.start_mark.column : start].strip():
            return Edit(start, _index(keys[1].start_mark), "")
        return Edit(start - found.key.start_mark.column, line_end + 1, "")
    line_end = text.find("\n", end)
    end = len(text) if line_end < 0 else line_end + 1
    return Edit(start - found.key.start_mark.column, end, "")


def _index(mark: Any) -> int:
    index: int = mark.index
    return index


def _end(node: Any) -> int:
    """Where a node ends, without the space and comments after it."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return _index(node.end_mark)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)


def _flow(value: Any, text: str) -> str:
    """A value on one line, in the style of the text."""
    if text.lstrip()[:1] == "{" and not isinstance(value, str):
        return json.dumps(value)
    if isinstance(value, dict):
        return (
            "{" + ", ".join(f"{_flow(k, text)}: {_flow(v, text)}" for k, v in value.items()) + "}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item, text) for item in value) + "]"
    return yaml_text(value).rstrip("\n") if "\n" not in str(value) else json.dumps(value)
