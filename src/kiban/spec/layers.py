"""Inheritance: what stands above is merged over what stands below, key by key.

A layer is a located tree with a name that people know (`team contents`). `null` removes what was
inherited; a `null` that removes nothing is a mistake. Scalars and lists are replaced whole.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kiban.primitives.located import Located, plain
from kiban.primitives.problems import Problem


@dataclass(frozen=True, slots=True)
class Layer:
    """One source of values for a service."""

    name: str
    tree: Located


@dataclass(frozen=True, slots=True)
class Origin:
    """One step in the history of a value: which layer set it, where, to what."""

    layer: str
    place: str
    value: object


def merge(below: Located | None, above: Located, problems: list[Problem]) -> Located:
    """The tree of `above` over `below`; neither is changed."""
    if not isinstance(above.value, dict):
        return above
    base = below.value if below is not None and isinstance(below.value, dict) else {}
    value = dict(base)
    for key, item in above.value.items():
        if item.value is None:
            if key not in base:
                problems.append(_hits_nothing(key, item))
            value.pop(key, None)
        elif isinstance(item.value, dict):
            value[key] = merge(base.get(key), item, problems)
        else:
            value[key] = item
    return above.with_value(value)


def merge_all(layers: Iterable[Layer], problems: list[Problem]) -> Located | None:
    """All layers, the lowest first."""
    found: Located | None = None
    for layer in layers:
        found = merge(found, layer.tree, problems)
    return found


def origins(layers: Iterable[Layer], path: tuple[str, ...]) -> Iterator[Origin]:
    """The layers that say something at a path, the lowest first; the last one holds."""
    for layer in layers:
        found = layer.tree.get(*path)
        if found is not None:
            yield Origin(layer.name, str(found.place()), _shown(found))


def _shown(node: Located) -> object:
    value = plain(node)
    return dict(value) if isinstance(value, Mapping) else value


def _hits_nothing(key: str, item: Located) -> Problem:
    return Problem(
        "spec/override-hits-nothing",
        f"`{key}: null` removes nothing: no layer below sets `{key}`",
        item.key_place(),
        why="an override that changes nothing is usually a misspelled one",
        fix="delete the line, or correct the name",
    )
