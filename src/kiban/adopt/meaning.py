"""What a manifest means, as plain data that is equal when the meaning is: with the API server's
defaults filled in, quantities by value, and the entries of lists that have names in any order.

The order of init containers counts, and that of variables when one refers to another.
"""

from collections.abc import Mapping
from typing import Any

from kiban.adopt.copies import OWN_PREFIX, without_nulls
from kiban.compiler.overlays import shape_for
from kiban.kube.defaults import default
from kiban.kube.objects import Manifest
from kiban.kube.schema import ANYTHING, Shape
from kiban.primitives.differences import Difference, differences
from kiban.primitives.quantities import parse_quantity

# The labels by which Kiban knows its own, which every object gets.
OWN_LABELS = frozenset(
    ("app.kubernetes.io/name", "app.kubernetes.io/part-of", "app.kubernetes.io/managed-by")
)
_ORDERED = ("initContainers",)


def meaning(manifest: Manifest) -> Any:
    """The canonical form of a manifest."""
    return canonical(completed(manifest), shape_for(manifest))


def completed(manifest: Manifest) -> Manifest:
    """With the defaults of the API server; as it is where they cannot be told."""
    manifest = without_nulls(manifest)
    try:
        filled = default(manifest)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        filled = manifest
    return {key: value for key, value in filled.items() if key != "status"}


def compared(original: Manifest, compiled: Manifest) -> list[Difference]:
    """Where what was compiled means something else; marks of ownership do not count. Where objects
    live is a part of their names (`Copy.name_of`), by which they were found."""
    sides = (original, unmarked(compiled, original))
    return list(differences(*(meaning(_placeless(one)) for one in sides)))


def _placeless(manifest: Manifest) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "namespace"}
    return {**manifest, "metadata": metadata}


def unmarked(compiled: Manifest, original: Manifest) -> Manifest:
    """Without the labels and notes that Kiban adds to the object itself."""
    known = original["metadata"].get("labels") or {}
    metadata = dict(compiled["metadata"])
    labels = {
        key: value
        for key, value in (metadata.pop("labels", None) or {}).items()
        if key in known or not (key in OWN_LABELS or key.startswith(OWN_PREFIX))
    }
    notes = {
        key: value
        for key, value in (metadata.pop("annotations", None) or {}).items()
        if not key.startswith(OWN_PREFIX)
    }
    metadata |= ({"labels": labels} if labels else {}) | ({"annotations": notes} if notes else {})
    return {**compiled, "metadata": metadata}


def canonical(value: Any, shape: Shape = ANYTHING, name: str = "") -> Any:
    """A value in the form in which equal meaning is equal data."""
    if isinstance(value, Mapping):
        found = {
            str(key): canonical(item, shape.child(str(key)) or ANYTHING, str(key))
            for key, item in value.items()
            if item is not None
        }
        return {key: item for key, item in found.items() if not _is_empty(key, item)}
    if isinstance(value, list):
        return _list(value, shape, name)
    if shape.form in ("quantity", "int-or-string") and isinstance(value, str | int | float):
        return _number(value)
    return value


def _is_empty(key: str, item: Any) -> bool:
    return key in ("labels", "annotations") and item == {}


def _list(value: list[Any], shape: Shape, name: str) -> Any:
    items = [canonical(item, shape.items or ANYTHING, name) for item in value]
    if shape.relation == "set":
        return sorted(items, key=str)
    if shape.relation != "map" or not shape.keys or is_ordered(value, name):
        return items
    found: dict[str, Any] = {}
    for raw, item in zip(value, items, strict=True):
        identity = key = identity_of(raw, shape)
        number = 1
        while key in found:
            number += 1
            key = f"{identity} ({number})"
        found[key] = item
    return found


def identity_of(item: Any, shape: Shape) -> str:
    """What an entry of a list is called by the fields that tell it from others."""
    if not isinstance(item, Mapping):
        return str(item)
    return ",".join(str(item.get(key, shape.key_default(key))) for key in shape.keys)


def is_ordered(items: list[Any], name: str) -> bool:
    """Whether the order of a list of named entries means something."""
    if name in _ORDERED:
        return True
    return name == "env" and any(
        isinstance(item, Mapping) and "$(" in str(item.get("value", "")) for item in items
    )


def _number(value: str | int | float) -> Any:
    if isinstance(value, bool):
        return value
    try:
        return f"={parse_quantity(str(value))}"
    except ValueError:
        return value
