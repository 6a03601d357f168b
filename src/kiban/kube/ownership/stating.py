"""The set of fields that a configuration states, and whether it fits its kind, in one walk.

It is what `check_configuration` and `collect` say, for configurations without faults. Objects that
hold nothing but scalars, as most do, are judged by their keys and types, once for all that have
the same ones; their field sets are shared.
"""

from typing import Any

from kiban.kube.ownership.collecting import collect, value_fields
from kiban.kube.ownership.configurations import check_configuration, fits
from kiban.kube.ownership.elements import elements_of
from kiban.kube.ownership.fieldsets import LEAF, SELF, FieldSet
from kiban.kube.schema.shapes import MOST_STEPS, Shape


class _Misfit(Exception):
    """Something is wrong; what, is said by `check_configuration`."""


def stated_fields(config: dict[str, Any], shape: Shape) -> FieldSet:
    """The fields of a configuration. Raises `WrongConfiguration` when it does not fit its kind."""
    try:
        return _map(config, shape)
    except _Misfit:
        check_configuration(config, shape, allow_duplicates=False)
        return collect(config, shape)


def _map(value: dict[str, Any], shape: Shape) -> FieldSet:
    types = tuple(map(type, value.values()))
    if dict not in types and list not in types:
        return _flat(value, types, shape)
    found: FieldSet = {}
    steps, declared = shape.steps, shape.form == "object"
    for key, child in value.items():
        element, inner = steps[key]
        if inner is None:
            raise _Misfit
        if not isinstance(child, dict | list):
            if not (
                (inner.form == "string" and isinstance(child, str)) or fits(child, inner, False)
            ):
                raise _Misfit
            found[element] = LEAF
            continue
        below, is_leaf = _container(child, inner)
        if is_leaf or (not child and isinstance(child, dict)):
            found[element] = below or LEAF
        elif not declared:
            found[element] = {SELF: LEAF, **below} if below else LEAF
        elif below:
            found[element] = below
    return found


def _flat(value: dict[str, Any], types: tuple[type, ...], shape: Shape) -> FieldSet:
    """The fields of an object of scalars."""
    seen = (tuple(value), types)
    known: FieldSet | None = shape.flat.get(seen)
    if known is None:
        if not fits(value, shape, False):
            raise _Misfit
        known = collect(value, shape)
        if len(shape.flat) < MOST_STEPS:
            shape.flat[seen] = known
    return known


def _container(value: Any, shape: Shape) -> tuple[FieldSet, bool]:
    """What is owned below an object or a list, and whether it is itself a leaf."""
    if shape.form == "any":
        return value_fields(value, shape)
    is_object = isinstance(value, dict)
    is_open = shape.form in ("object", "map") if is_object else shape.relation != "atomic"
    if is_open and not shape.atomic and (is_object or shape.form == "list"):
        return (_map if is_object else _list)(value, shape), False
    if not fits(value, shape, False):
        raise _Misfit
    return value_fields(value, shape)


def _list(value: list[Any], shape: Shape) -> FieldSet:
    found: FieldSet = {}
    inner = shape.items
    for element, item in zip(elements_of(value, shape), value, strict=True):
        if element in found:
            raise _Misfit
        if isinstance(item, dict | list):
            below, is_leaf = _container(item, inner)
            found[element] = LEAF if is_leaf or not below else _with_itself(below)
        elif fits(item, inner, False):
            found[element] = LEAF
        else:
            raise _Misfit
    return found


def _with_itself(below: FieldSet) -> FieldSet:
    return {SELF: LEAF, **below}
