"""What leaves an object when its applier stops mentioning it.

A field goes if and only if the applier owned it before, does not state it now, and nobody else
owns it; whatever contains an owned field stays. Source: structured-merge-diff merge/update.go
(prune, addBackOwnedItems, addBackDanglingItems) and typed/remove.go.
"""

from collections.abc import Iterable
from functools import reduce
from typing import Any

from kiban.kube.ownership.collecting import collect
from kiban.kube.ownership.elements import item_element
from kiban.kube.ownership.fieldsets import (
    LEAF,
    SELF,
    FieldSet,
    difference,
    intersection,
    is_member,
    union,
)
from kiban.kube.schema.shapes import ANYTHING, Shape


def prune(merged: Any, last: FieldSet, owned: Iterable[FieldSet], shape: Shape) -> Any:
    """`merged` without what only the applier's last configuration had.

    `owned` are the sets of all entries as they are now, the applier's new one included.
    """
    nothing: FieldSet = {}
    kept = reduce(union, owned, nothing)
    if not difference(last, kept):
        return merged
    last_named = with_named(last, shape)
    everything = with_named(collect(merged, shape), shape)
    pruned = remove(merged, last_named, shape)
    left = union(with_named(collect(pruned, shape), shape), with_named(kept, shape))
    pruned = remove(merged, difference(everything, left), shape)
    gone = difference(everything, with_named(collect(pruned, shape), shape))
    return remove(merged, intersection(gone, last_named), shape)


def with_named(fields: FieldSet, shape: Shape) -> FieldSet:
    """The set with every declared field on the way to a member made a member itself."""
    result: FieldSet = {}
    for element, node in fields.items():
        if element == SELF:
            result[element] = node
            continue
        declared = element.startswith("f:") and shape.form == "object"
        below = with_named(node, _inside(shape, element)) if node else node
        if declared and below and SELF not in below and shape.child(element[2:]) is not None:
            below = {SELF: LEAF, **below}
        result[element] = below
    return result


def _inside(shape: Shape, element: str) -> Shape:
    if element.startswith("f:"):
        return shape.child(element[2:]) or ANYTHING
    return shape.items if shape.form == "list" else ANYTHING


def remove(value: Any, fields: FieldSet, shape: Shape) -> Any:
    """The value without the fields; containers that become empty turn into null."""
    if isinstance(value, list):
        return _without_items(value, fields, shape)
    if not isinstance(value, dict) or shape.atomic:
        return value
    kept: dict[str, Any] = {}
    for key, child in value.items():
        node = fields.get(f"f:{key}")
        if node is None:
            kept[key] = child
        elif not is_member(node):
            kept[key] = remove(child, node, shape.child(key) or ANYTHING)
    return kept or None


def _without_items(value: list[Any], fields: FieldSet, shape: Shape) -> Any:
    if shape.form != "list" or shape.relation == "atomic":
        return value
    kept: list[Any] = []
    for item in value:
        node = fields.get(item_element(item, shape))
        if node is None:
            kept.append(item)
        elif not is_member(node):
            kept.append(remove(item, node, shape.items))
    return kept or None
