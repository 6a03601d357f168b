"""What of a desired manifest is not so in the live object, field by field.

Only fields that would be applied count: what others added, defaulted or reported is theirs. Lists
are matched as the schema says they merge, quantities by value. So an object that is as wanted is
known to be without asking the API server.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from kiban.kube.kinds import KindInfo, standard_kinds
from kiban.kube.objects import SECRET, Manifest, key_of
from kiban.kube.schema import ANYTHING, Shape, shape_of
from kiban.primitives.differences import MISSING, Difference, Path, differences
from kiban.primitives.quantities import parse_quantity

# What of metadata can be wanted; the rest is identity, or the server's.
_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")
_NOT_WANTED = frozenset({"apiVersion", "kind", "metadata", "status"})


def missing_from(live: Manifest, desired: Manifest) -> tuple[Difference, ...]:
    """The differences that applying `desired` would remove; `before` is the live side."""
    info = standard_kinds().of_manifest(desired)
    shape = shape_of(info) if info is not None else ANYTHING
    return tuple(_missing_from(live, as_stored(desired), shape))


def say_the_same(left: Manifest, right: Manifest, desired: Manifest) -> bool:
    """Whether two states of an object are equal in everything that may be wanted of it, so that
    the same is missing from both."""
    if left is right:
        return True
    before, after = left["metadata"], right["metadata"]
    return all(before.get(name) == after.get(name) for name in _METADATA) and all(
        left.get(name) == right.get(name) for name in as_stored(desired) if name not in _NOT_WANTED
    )


def as_stored(manifest: Manifest) -> Manifest:
    """A Secret with its `stringData` turned into `data`, as the API server does; others as is."""
    if key_of(manifest).group_kind != SECRET or "stringData" not in manifest:
        return manifest
    encoded = {
        name: b64encode(text.encode()).decode() for name, text in manifest["stringData"].items()
    }
    rest = {name: value for name, value in manifest.items() if name != "stringData"}
    return {**rest, "data": {**(manifest.get("data") or {}), **encoded}}


def kind_info(manifest: Manifest) -> KindInfo | None:
    return standard_kinds().of_manifest(manifest)


def _missing_from(live: Manifest, desired: Manifest, shape: Shape) -> Iterator[Difference]:
    metadata = desired["metadata"]
    wanted: dict[str, Any] = {name: metadata[name] for name in _METADATA if metadata.get(name)}
    yield from _compare(live["metadata"], wanted, _child(shape, "metadata"), ("metadata",))
    for name in sorted(desired.keys() - _NOT_WANTED):
        value = live.get(name, MISSING)
        yield from _compare(value, desired[name], _child(shape, name), (name,))


def _compare(live: Any, desired: Any, shape: Shape, path: Path) -> Iterator[Difference]:
    if live is MISSING or live is None:
        # The server drops null, empty and zero values of optional fields.
        if not _is_nothing(desired):
            yield Difference(path, MISSING, desired)
    elif isinstance(desired, dict) and isinstance(live, dict):
        yield from _compare_maps(live, desired, shape, path)
    elif isinstance(desired, list) and isinstance(live, list):
        yield from _compare_lists(live, desired, shape, path)
    elif desired is not None and not _is_same(live, desired, shape):
        yield Difference(path, live, desired)


def _compare_maps(
    live: dict[str, Any], desired: dict[str, Any], shape: Shape, path: Path
) -> Iterator[Difference]:
    for name in sorted(desired):
        yield from _compare(
            live.get(name, MISSING), desired[name], _child(shape, name), (*path, name)
        )
    if _is_closed(shape):
        for name in sorted(live.keys() - desired.keys()):
            if not _is_nothing(live[name]):
                yield Difference((*path, name), live[name], MISSING)


def _compare_lists(
    live: list[Any], desired: list[Any], shape: Shape, path: Path
) -> Iterator[Difference]:
    item = shape.items
    if shape.relation == "map" and shape.keys:
        there = {_identity(entry, shape): entry for entry in live}
        for index, entry in enumerate(desired):
            found = there.get(_identity(entry, shape), MISSING)
            yield from _compare(found, entry, item, (*path, index))
    elif shape.relation == "set":
        for index, entry in enumerate(desired):
            if entry not in live:
                yield Difference((*path, index), MISSING, entry)
    elif len(live) != len(desired):
        yield from differences(live, desired, path)
    else:
        for index, (left, right) in enumerate(zip(live, desired, strict=True)):
            yield from _compare(left, right, item, (*path, index))


def _identity(entry: Any, shape: Shape) -> tuple[Any, ...]:
    return tuple(entry.get(key, shape.key_default(key)) for key in shape.keys)


def _is_closed(shape: Shape) -> bool:
    """Whether what is not wanted must not be there: selectors and other maps replaced whole.

    Other atomic objects may get defaults from the server inside (`fieldRef.apiVersion`).
    """
    return shape.atomic and (shape.form == "map" or shape.name.endswith(".LabelSelector"))


def _is_nothing(value: Any) -> bool:
    return value is None or value in ({}, [], "", 0, False)


def _is_same(live: Any, desired: Any, shape: Shape) -> bool:
    if live == desired and isinstance(live, bool) == isinstance(desired, bool):
        return True
    if shape.form in ("quantity", "int-or-string") and not isinstance(desired, dict | list):
        try:
            return parse_quantity(live) == parse_quantity(desired)
        except ValueError:
            return False
    return False


def _child(shape: Shape, name: str) -> Shape:
    return shape.child(name) or ANYTHING
