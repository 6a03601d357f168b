"""The set of fields that an object states. Source: structured-merge-diff typed/tofieldset.go."""

from typing import Any

from kiban.kube.ownership.elements import elements_of
from kiban.kube.ownership.fieldsets import LEAF, SELF, FieldSet
from kiban.kube.schema.shapes import ANYTHING, Shape


def collect(value: Any, shape: Shape) -> FieldSet:
    """The field set of a whole object."""
    return _map(value, shape) if isinstance(value, dict) else {}


def _map(value: dict[str, Any], shape: Shape) -> FieldSet:
    """Fields of a struct are owned by their leaves; other map entries by their own path too."""
    found: FieldSet = {}
    steps, declared = shape.steps, shape.form == "object"
    for key, child in value.items():
        element, inner = steps[key]
        if not isinstance(child, dict | list):
            found[element] = LEAF
            continue
        below, is_leaf = value_fields(child, inner or ANYTHING)
        if is_leaf or (not child and isinstance(child, dict)):
            found[element] = below or LEAF
        elif not declared or inner is None:
            found[element] = {SELF: LEAF, **below} if below else LEAF
        elif below:
            found[element] = below
    return found


def value_fields(value: Any, shape: Shape) -> tuple[FieldSet, bool]:
    """What is owned below a value, and whether the value itself is a leaf."""
    if shape.atomic or not isinstance(value, dict | list):
        return LEAF, not (value is None and shape.form in ("list", "map", "object"))
    if isinstance(value, dict):
        return (_map(value, shape), False) if shape.form != "list" else (LEAF, True)
    if shape.form != "list" or shape.relation == "atomic":
        return LEAF, True
    return _list(value, shape), False


def _list(value: list[Any], shape: Shape) -> FieldSet:
    found: FieldSet = {}
    inner = shape.items
    for element, item in zip(elements_of(value, shape), value, strict=True):
        if element in found:
            found[element] = LEAF
            continue
        below, is_leaf = value_fields(item, inner)
        found[element] = LEAF if is_leaf or not below else {SELF: LEAF, **below}
    return found
