"""Sets of field paths, in the form of FieldsV1: nested maps from path elements to what is below.

A path is in the set when its node is empty or holds `"."`. The root itself is never in a set, so
the empty map is the empty set. Path elements are `f:name`, `k:{"name":"a"}`, `v:"x"`, `i:0`.
Sets are values: no function changes its arguments, and results may share parts with them; a set
from which nothing is taken comes back as it is.
"""

from functools import lru_cache
from typing import Any

import orjson

FieldSet = dict[str, Any]

SELF = "."
LEAF: FieldSet = {}


def is_member(node: FieldSet) -> bool:
    """Whether the path that leads to this node is in the set."""
    return not node or SELF in node


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    if not right or left is right:
        return left
    if not left:
        return right
    result = dict(left)
    for key, node in right.items():
        mine = result.get(key)
        if mine is None:
            result[key] = node
        elif key != SELF:
            result[key] = _joined(mine, node)
    return result


def _joined(left: FieldSet, right: FieldSet) -> FieldSet:
    """The union below one path element; an empty node stands for the path itself."""
    if not left and not right:
        return LEAF
    if not left:
        return right if SELF in right else {SELF: LEAF, **right}
    if not right:
        return left if SELF in left else {SELF: LEAF, **left}
    return union(left, right)


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths of `left` that are not, exactly, in `right`."""
    if not right:
        return left
    if left.keys().isdisjoint(right):
        return _below(left)
    result: FieldSet = {}
    for key, node in left.items():
        if key == SELF:
            continue
        other = right.get(key)
        if other is None:
            result[key] = node
            continue
        below = difference(_below(node), other) if node else {}
        if is_member(node) and not is_member(other):
            result[key] = {SELF: LEAF, **below} if below else LEAF
        elif below:
            result[key] = below
    return result


def _below(node: FieldSet) -> FieldSet:
    return {key: child for key, child in node.items() if key != SELF} if SELF in node else node


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths that are in both."""
    result: FieldSet = {}
    for key, node in left.items():
        other = right.get(key)
        if other is None or key == SELF:
            continue
        below = intersection(node, other) if node and other else {}
        if is_member(node) and is_member(other):
            result[key] = {SELF: LEAF, **below} if below else LEAF
        elif below:
            result[key] = below
    return result


def without_tree(left: FieldSet, right: FieldSet) -> FieldSet:
    """The paths of `left` that are neither in `right` nor below a path of it."""
    if not right:
        return left
    if left.keys().isdisjoint(right):
        return left
    result: FieldSet = {}
    for key, node in left.items():
        other = right.get(key)
        if other is None or key == SELF:
            result[key] = node
        elif not is_member(other):
            below = without_tree(node, other) if node else LEAF
            if below or is_member(node):
                result[key] = LEAF if len(below) == 1 and SELF in below else below
    return result


def paths_of(fields: FieldSet, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every path of the set; at each level first the members, then what is below, both sorted."""
    names = sorted(key for key in fields if key != SELF)
    found = [(*above, name) for name in names if is_member(fields[name])]
    for name in names:
        found += paths_of(fields[name], (*above, name))
    return found


def shared(fields: FieldSet) -> FieldSet:
    """The set, made of parts that are held once: objects of one kind mostly have the same fields,
    and these may be half of an object. Parts are two levels down, since some, such as a pod's
    addresses, are like no other object's."""
    return {key: _of_shared_parts(node) if node else LEAF for key, node in fields.items()}


def _of_shared_parts(fields: FieldSet) -> FieldSet:
    parts: FieldSet = {}
    for key, node in fields.items():
        text = orjson.dumps(node) if node else b""
        parts[key] = _part(text) if len(text) >= SMALLEST_PART else node
    return parts


SMALLEST_PART = 80


@lru_cache(maxsize=8192)
def _part(text: bytes) -> FieldSet:
    fields: FieldSet = orjson.loads(text)
    return fields
