"""Text to manifests, each with where it was written: YAML of one or many documents, JSON, lists.

What cannot be read is a problem with its line, and the rest is read all the same.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import yaml

from kiban.kube.objects import Manifest
from kiban.kube.plain_yaml import read_plain
from kiban.primitives.problems import Place, Problem

_MARKER = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_EMPTY = re.compile(r"(?:\s*(?:#[^\n]*|%[^\n]*|\.\.\.)?\s*(?:\n|$))*")


@dataclass(frozen=True, slots=True)
class Document:
    """One manifest, and the text it came from.

    `text` is the whole document that begins at `line` of the file; `inside` is where in it the
    manifest stands when the document is a list of several.
    """

    manifest: Manifest
    file: str
    line: int
    text: str
    inside: tuple[str | int, ...] = ()


def read_documents(file: str, text: str) -> tuple[list[Document], list[Problem]]:
    """The manifests of a text. What is YAML but no manifest is left out."""
    problems: list[Problem] = []
    found: list[Document] = []
    for line, part in _parts(text):
        try:
            trees = _loaded(part)
        except (yaml.YAMLError, ValueError) as error:
            problems.append(_unreadable(file, line, error))
            continue
        for tree in trees:
            for inside, manifest in _manifests(tree, ()):
                found.append(Document(manifest, file, line, part, inside))
    return found, problems


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """The documents with the number of their first line. A marker at the beginning of a line
    ends a document wherever it stands, inside a block of text too."""
    starts = [0, *(match.start() for match in _MARKER.finditer(text) if match.start())]
    line = 1
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        part = text[start:end]
        body = part[3:] if part.startswith("---") else part
        if not _EMPTY.fullmatch(body):
            yield line, part
        line += part.count("\n")


def _loaded(part: str) -> list[Any]:
    if part.lstrip()[:1] == "{":
        try:
            return [orjson.loads(part)]
        except orjson.JSONDecodeError:
            # Several values one after the other, as `jq` writes them; or YAML after all.
            if found := _json_values(part):
                return found
    return read_plain(part)


def _json_values(part: str) -> list[Any]:
    """The JSON values of a text of nothing else."""
    decoder, text, place = json.JSONDecoder(), part.strip(), 0
    found: list[Any] = []
    while place < len(text):
        try:
            value, place = decoder.raw_decode(text, place)
        except ValueError:
            return []
        found.append(value)
        while text[place : place + 1].isspace():
            place += 1
    return found


def _manifests(
    tree: Any, inside: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Manifest]]:
    if not isinstance(tree, dict) or not isinstance(tree.get("kind"), str):
        return
    if tree["kind"].endswith("List") and isinstance(tree.get("items"), list):
        for index, item in enumerate(tree["items"]):
            yield from _manifests(item, (*inside, "items", index))
    elif isinstance(tree.get("apiVersion"), str) and _is_named(tree.get("metadata")):
        yield inside, tree


def _is_named(metadata: Any) -> bool:
    """Whether the metadata are fit to be told apart from others."""
    if not isinstance(metadata, dict):
        return False
    metadata.setdefault("name", metadata.get("generateName"))
    namespace = metadata.get("namespace")
    if namespace is None:
        metadata.pop("namespace", None)
    return isinstance(metadata["name"], str) and isinstance(namespace, str | None)


def _unreadable(file: str, line: int, error: Exception) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    said = getattr(error, "problem", None) or getattr(error, "context", None)
    what = f"this is not YAML: {said or str(error).partition(chr(10))[0]}"
    place = Place(file, line + mark.line, mark.column + 1) if mark else Place(file, line, 1)
    return Problem("manifest/yaml", what, place)
