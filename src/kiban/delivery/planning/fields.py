"""What differs between two manifests, for people: field by field, with defaults folded away and
the entries of lists known by their names rather than by their places."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kiban.delivery.compare import as_stored, kind_info
from kiban.delivery.marks import APPLIED_ANNOTATION
from kiban.kube.defaults import default
from kiban.kube.objects import SECRET, Manifest, key_of
from kiban.kube.schema import ANYTHING, Shape, shape_of
from kiban.primitives.quantities import parse_quantity

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field; None on the side where it is absent. Values of Secrets are hidden."""

    path: str
    before: Any
    after: Any


def field_changes(before: Manifest, after: Manifest) -> tuple[FieldChange, ...]:
    """Every field that means something else, in the order of the schema's names.

    Both sides get the API server's defaults first, so that writing a default down is no change.
    """
    info = kind_info(after)
    shape = shape_of(info) if info is not None else ANYTHING
    left, right = (_complete(manifest) for manifest in (before, after))
    hides = key_of(after).group_kind == SECRET
    return tuple(
        _masked(change) if hides and change.path.startswith("data") else change
        for change in _compare(left, right, shape, "")
    )


def _complete(manifest: Manifest) -> Manifest:
    filled = default(as_stored(manifest))
    annotations = {
        name: value
        for name, value in (filled["metadata"].get("annotations") or {}).items()
        if name != APPLIED_ANNOTATION
    }
    metadata = {**filled["metadata"], "annotations": annotations}
    return {
        **{key: value for key, value in filled.items() if key != "status"},
        "metadata": metadata,
    }


def _masked(change: FieldChange) -> FieldChange:
    sides = (HIDDEN if side is not None else None for side in (change.before, change.after))
    return FieldChange(change.path, *sides)


def _compare(before: Any, after: Any, shape: Shape, path: str) -> Iterator[FieldChange]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            child = shape.child(name) or ANYTHING
            yield from _compare(before.get(name), after.get(name), child, _joined(path, name))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, shape, path)
    elif not _is_same(before, after, shape):
        yield FieldChange(path, before, after)


def _lists(before: list[Any], after: list[Any], shape: Shape, path: str) -> Iterator[FieldChange]:
    if shape.relation == "map" and shape.keys:
        left = {_name(entry, shape): entry for entry in before}
        right = {_name(entry, shape): entry for entry in after}
        for name in [*left, *(name for name in right if name not in left)]:
            yield from _compare(left.get(name), right.get(name), shape.items, f"{path}[{name}]")
    elif len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _compare(old, new, shape.items, f"{path}[{index}]")
    else:
        yield FieldChange(path, before, after)


def _name(entry: Any, shape: Shape) -> str:
    """What an entry is called: the values of the fields that tell it from others."""
    return ",".join(str(entry.get(key, shape.key_default(key))) for key in shape.keys)


def _is_same(before: Any, after: Any, shape: Shape) -> bool:
    if before == after and isinstance(before, bool) == isinstance(after, bool):
        return True
    if _is_nothing(before) and _is_nothing(after):
        return True
    if shape.form == "quantity":
        try:
            return parse_quantity(before) == parse_quantity(after)
        except (TypeError, ValueError):
            return False
    return False


def _is_nothing(value: Any) -> bool:
    return value is None or value in ({}, [], "")


def _joined(path: str, name: str) -> str:
    if "." in name or "/" in name:
        return f'{path}["{name}"]'
    return f"{path}.{name}" if path else name
