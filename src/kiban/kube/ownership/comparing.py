"""Which fields differ between two states of an object.

Source: structured-merge-diff typed/compare.go. Equal subtrees are skipped at once, so the cost
follows what changed and not the size of the object.
"""

from dataclasses import dataclass, field
from typing import Any

from kiban.kube.ownership.elements import elements_of
from kiban.kube.ownership.fieldsets import LEAF, SELF, FieldSet, union
from kiban.kube.schema.shapes import ANYTHING, Shape


class _Missing:
    """What stands for a value that is not there, as opposed to null."""


MISSING = _Missing()


@dataclass(slots=True)
class Comparison:
    """The field paths that came, went and changed."""

    added: FieldSet = field(default_factory=dict)
    removed: FieldSet = field(default_factory=dict)
    modified: FieldSet = field(default_factory=dict)

    @property
    def taken(self) -> FieldSet:
        return union(self.added, self.modified)

    @property
    def is_same(self) -> bool:
        return not (self.added or self.removed or self.modified)


def compare(before: Any, after: Any, shape: Shape) -> Comparison:
    """Compare two whole objects."""
    result = Comparison()
    _map(before, after, shape, (result.added, result.removed, result.modified))
    return result


# The three sets under construction at one place of the tree: added, removed, modified.
_Sets = tuple[FieldSet, FieldSet, FieldSet]


def _map(before: Any, after: Any, shape: Shape, sets: _Sets) -> None:
    before = before if isinstance(before, dict) else {}
    after = after if isinstance(after, dict) else {}
    if before is after:
        return
    steps = shape.steps
    for key, old in before.items():
        new = after.get(key, MISSING)
        if new is not old and new != old:
            element, inner = steps[key]
            _child(element, old, new, inner or ANYTHING, sets)
    for key, new in after.items():
        if key not in before:
            element, inner = steps[key]
            _child(element, MISSING, new, inner or ANYTHING, sets)


def _child(element: str, before: Any, after: Any, shape: Shape, sets: _Sets) -> None:
    added, removed, modified = sets
    if before is MISSING:
        added[element] = whole(after, shape)
        return
    if after is MISSING:
        removed[element] = whole(before, shape)
        return
    if not _is_open(before, after, shape):
        modified[element] = LEAF
        return
    below: _Sets = ({}, {}, {})
    if shape.form == "list":
        _list(before, after, shape, below)
    else:
        _map(before, after, shape, below)
    for place, found in zip(sets, below, strict=True):
        if found:
            place[element] = found


def whole(value: Any, shape: Shape) -> FieldSet:
    """All there is at and below a value that came or went whole."""
    if not isinstance(value, dict | list) or not _is_open(value, value, shape):
        return LEAF
    found: FieldSet = {}
    if isinstance(value, list):
        inner = shape.items
        for element, item in _items(value, shape).items():
            found[element] = whole(item, inner)
    else:
        steps = shape.steps
        for key, child in value.items():
            element, below = steps[key]
            simple = not isinstance(child, dict | list)
            found[element] = LEAF if simple else whole(child, below or ANYTHING)
    found[SELF] = LEAF
    return found


def _is_open(before: Any, after: Any, shape: Shape) -> bool:
    """Whether to look inside: neither a scalar, nor atomic, nor empty on both sides."""
    if shape.atomic:
        return False
    if shape.form == "list":
        return shape.relation != "atomic" and _filled(before, after, list)
    return shape.form in ("object", "map", "any") and _filled(before, after, dict)


def _filled(before: Any, after: Any, kind: type) -> bool:
    for side in (before, after):
        if side is not MISSING and side is not None and not isinstance(side, kind):
            return False
    return bool(isinstance(before, kind) and before) or bool(isinstance(after, kind) and after)


def _list(before: Any, after: Any, shape: Shape, sets: _Sets) -> None:
    old = _items(before, shape)
    new = _items(after, shape)
    inner = shape.items
    for element, item in old.items():
        other = new.get(element, MISSING)
        if other is not item and other != item:
            _child(element, item, other, inner, sets)
    for element, item in new.items():
        if element not in old:
            _child(element, MISSING, item, inner, sets)


def _items(value: Any, shape: Shape) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if isinstance(value, list):
        for element, item in zip(elements_of(value, shape), value, strict=True):
            found.setdefault(element, item)
    return found
