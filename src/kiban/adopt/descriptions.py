"""Services that somebody described in another language, in ours: what was said, in every
environment, and what ours cannot say, by name.

There are no objects to compare with, so everything that is not taken over is told.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kiban.adopt.copies import Copy
from kiban.adopt.extras import Extras
from kiban.adopt.folding import Leaf, folded
from kiban.adopt.proposals import Fields
from kiban.adopt.repository import Layout, repository_files
from kiban.compiler import compile_environment
from kiban.spec import load_platform

NO_RELEASE = "change-me"


@dataclass(slots=True)
class Described:
    """One environment: fields and releases by service, shared resources by their type, and what
    could not be said (`service.field`)."""

    environment: str
    services: dict[str, Fields] = field(default_factory=dict)
    releases: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)
    lines: int = 0

    def leave(self, service: str, fields: Iterable[str], why: str = "") -> None:
        """Tell what is not taken over."""
        self.unsaid += [f"{service}.{name}{f' ({why})' if why else ''}" for name in fields]


class Remains:
    """A description out of which is taken what is read, so that the rest can be told: nothing is
    left unsaid because nobody thought of it."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._tree: dict[str, Any] = {str(key): _copied(value) for key, value in tree.items()}

    def take(self, *path: str) -> Any:
        """The value at a path, which is gone then; None where there is none."""
        return _taken(self._tree, path)

    def look(self, *path: str) -> Any:
        """The value at a path, which stays."""
        found: Any = self._tree
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def names_above(self) -> list[str]:
        """The names at the top that are left."""
        return list(self._tree)

    def names(self) -> list[str]:
        """What is left, as dotted names."""
        return sorted(_names(self._tree))


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _taken(tree: dict[str, Any], path: tuple[str, ...]) -> Any:
    first, *rest = path
    if not rest:
        return tree.pop(first, None)
    inside = tree.get(first)
    if not isinstance(inside, dict):
        return None
    found = _taken(inside, tuple(rest))
    if not inside:
        del tree[first]
    return found


def _names(tree: Mapping[str, Any]) -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from (f"{key}.{name}" for name in _names(value))
        elif value not in (None, {}, []):
            yield key


@dataclass(frozen=True, slots=True)
class Translation:
    """The files of the new repo and what they do not say."""

    files: Mapping[str, str]
    environments: tuple[str, ...]
    services: tuple[str, ...]
    unsaid: tuple[str, ...]
    lines_before: int

    @property
    def lines_after(self) -> int:
        return sum(text.count("\n") for text in self.files.values())

    def standing(self, accepted: Iterable[str]) -> list[str]:
        """What nobody has accepted."""
        names = tuple(accepted)
        if "all" in names:
            return []
        return [one for one in self.unsaid if one.partition(" ")[0] not in names]


def translated(platform: str, described: Iterable[Described]) -> Translation:
    """The repo that says the same, as far as it can be said. Raises `KibanError` if it does not
    compile."""
    every = list(described)
    trees: dict[str, dict[str, Fields]] = {}
    for one in every:
        for service, fields in one.services.items():
            trees.setdefault(service, {})[one.environment] = fields
    trees = dict(sorted(trees.items()))

    def harms(service: str, environment: str, leaf: Leaf, value: Any) -> bool:
        return True

    resources = {name: type_ for one in every for name, type_ in one.resources.items()}
    layout = Layout(
        platform,
        [Copy(one.environment, ()) for one in every],
        folded(trees, harms),
        {one.environment: one.releases for one in every},
        {service: tuple(own) for service, own in trees.items()},
        Extras(),
        {},
        resources=resources,
        from_objects=False,
    )
    files = repository_files(layout)
    loaded = load_platform(files)
    for one in every:
        compile_environment(loaded, one.environment)
    unsaid = {f"{text}" for one in every for text in one.unsaid}
    lines = sum(one.lines for one in every)
    names = tuple(one.environment for one in every)
    return Translation(files, names, tuple(trees), tuple(sorted(unsaid)), lines)
