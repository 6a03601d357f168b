"""Where the copies differ, and whether somebody meant it.

A field that differs in the same way for many objects follows the environment: replicas, sizes,
hosts. One that differs for few was probably changed in one copy and forgotten in the others; those
are the differences that nobody knew of. What differs only by the name of the environment in it
does not differ.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.adopt.copies import Copy, Name, every_name
from kiban.adopt.meaning import meaning
from kiban.adopt.placeholders import Words
from kiban.adopt.proposals import image_and_tag
from kiban.adopt.secret_values import has_values
from kiban.primitives.differences import MISSING, differences, dotted

# Up to this share of the objects that could differ, a difference counts as an accident.
RARE = 0.25
# What environments are there to differ in. The registry of an image is not.
_MEANT = ("replicas", "minReplicas", "maxReplicas", "storage", "cpu", "memory")
_TAG = "tag"
# Everybody knows where a pod's fields are.
_POD = re.compile(r"^spec\.(?:jobTemplate\.spec\.)?template\.spec\.")
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """One field of one object that is not the same in every environment that has it, with the
    value in each; an empty path is the object itself."""

    object: Name
    path: str
    values: Mapping[str, Any]
    is_accident: bool

    def __str__(self) -> str:
        groups: dict[str, list[str]] = {}
        for environment, value in self.values.items():
            groups.setdefault(_shown(value), []).append(environment)
        # What only one of them says comes first.
        said = sorted(groups.items(), key=lambda item: len(item[1]))
        words = ", ".join(f"{value} in {' and '.join(names)}" for value, names in said)
        where = _POD.sub("", self.path)
        return f"{self.object} {where}: {words}" if where else f"{self.object}: {words}"


def drifts(copies: Sequence[Copy]) -> tuple[Drift, ...]:
    """Every difference between the copies, those that look like accidents first."""
    if len(copies) < 2:
        return ()
    found: list[tuple[Name, Path, dict[str, Any]]] = []
    seen: dict[tuple[str, ...], int] = {}
    for name in every_name(copies):
        for path, values in _of_object(name, copies):
            found.append((name, path, values))
            pattern = _pattern(name, path)
            seen[pattern] = seen.get(pattern, 0) + 1
    kinds: dict[str, int] = {}
    for name in every_name(copies):
        kinds[name.kind] = kinds.get(name.kind, 0) + 1
    made = [
        Drift(name, dotted(path), values, _is_rare(name, path, seen, kinds))
        for name, path, values in found
    ]
    return tuple(sorted(made, key=lambda one: (not one.is_accident, one.object, one.path)))


def _of_object(name: Name, copies: Sequence[Copy]) -> list[tuple[Path, dict[str, Any]]]:
    having = [copy for copy in copies if name in copy.objects]
    found: list[tuple[Path, dict[str, Any]]] = []
    if len(having) < len(copies):
        there = {copy.environment: "there" if copy in having else MISSING for copy in copies}
        found.append(((), there))
    if any(has_values(copy.objects[name]) for copy in having):
        return found
    trees = {copy.environment: _split_images(meaning(copy.objects[name])) for copy in having}
    neutral = {copy.environment: _neutral(copy, trees[copy.environment]) for copy in having}
    first, *others = neutral
    paths = {entry.path for one in others for entry in differences(neutral[first], neutral[one])}
    for path in sorted(paths, key=str):
        values = {environment: _at(tree, path) for environment, tree in trees.items()}
        # `/dev/null` is no environment, though one may be called so.
        is_same = all(value == values[first] for value in values.values())
        if not is_same and not any(path[:length] in paths for length in range(1, len(path))):
            found.append((path, values))
    return found


def _neutral(copy: Copy, tree: Any) -> Any:
    """With a placeholder for the name of the environment."""
    return Words("", copy.environment, copy.namespace, "").templated(tree)


def _split_images(tree: Any) -> Any:
    if isinstance(tree, Mapping):
        found = {key: _split_images(value) for key, value in tree.items()}
        if isinstance(image := found.get("image"), str):
            found["image"], found[_TAG] = image_and_tag(image)
        return found
    return [_split_images(item) for item in tree] if isinstance(tree, list) else tree


def _at(tree: Any, path: Path) -> Any:
    for part in path:
        try:
            tree = tree[part]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return tree


def _pattern(name: Name, path: Path) -> tuple[str, ...]:
    """The same field of other objects of the kind, whatever they are called."""
    return (name.kind, *(part if part != name.name else "*" for part in map(str, path)))


def _is_rare(
    name: Name, path: Path, seen: Mapping[tuple[str, ...], int], kinds: Mapping[str, int]
) -> bool:
    if path and (path[-1] in _MEANT or path[-1] == _TAG):
        return False
    return seen[_pattern(name, path)] <= max(1, RARE * kinds[name.kind])


def _shown(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    text = str(value).removeprefix("=") if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
