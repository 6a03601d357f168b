"""Inheritance: what stands above is laid over what stands below, key by key.

A layer is a located tree with a name that people know (`team contents`). `null` removes what was
inherited; a `null` that removes nothing is a mistake. Scalars and lists are replaced whole. What
was removed is kept as a `null` until the end (`settled`), and a map that was said anew after a
removal is remembered as such: so layers give the same in any grouping.
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


class Anew(dict[str, Located]):
    """A map that was said after its like was removed: nothing from below shows through it."""


def over(below: Located | None, above: Located, problems: list[Problem]) -> Located:
    """One layer over another, as a layer of its own; neither is changed."""
    if not isinstance(above.value, dict) or isinstance(above.value, Anew):
        return above
    base = below.value if below is not None and isinstance(below.value, dict) else {}
    hides = below is not None and (below.value is not base or isinstance(base, Anew))
    value: dict[str, Located] = Anew(base) if hides else dict(base)
    for key, item in above.value.items():
        known = base.get(key)
        if item.value is None:
            if known is None or known.value is None:
                problems.append(_hits_nothing(key, item))
            value[key] = item
        else:
            value[key] = over(known, item, problems)
    return above.with_value(value)


def settled(tree: Located) -> Located:
    """What holds in the end: without the marks of what was removed."""
    if not isinstance(tree.value, dict):
        return tree
    value = {key: settled(item) for key, item in tree.value.items() if item.value is not None}
    same = len(value) == len(tree.value) and all(value[key] is tree.value[key] for key in value)
    return tree if same else tree.with_value(value)


def merge(below: Located | None, above: Located, problems: list[Problem]) -> Located:
    """The tree of `above` over `below`, settled; neither is changed."""
    return settled(over(below, above, problems))


def merge_all(layers: Iterable[Layer], problems: list[Problem]) -> Located | None:
    """All layers, the lowest first, settled."""
    found: Located | None = None
    for layer in layers:
        found = over(found, layer.tree, problems)
    return settled(found) if found is not None else None


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
