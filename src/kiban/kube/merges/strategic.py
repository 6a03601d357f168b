"""Kubernetes' strategic merge patch: a merge patch that knows how each list is keyed.

Lists with the strategy `merge` are matched by their merge key (or as sets of scalars), all others
are replaced. Directives: `$patch` (replace, delete, merge), `$retainKeys`,
`$deleteFromPrimitiveList/<field>` and `$setElementOrder/<field>`.
Source: k8s.io/apimachinery/pkg/util/strategicpatch/patch.go.
"""

from collections.abc import Mapping
from typing import Any

from kiban.kube.merges.refusals import bad_request, internal
from kiban.kube.schema.shapes import ANYTHING, Field, Shape

DIRECTIVE = "$patch"
RETAIN = "$retainKeys"
DELETE_FROM = "$deleteFromPrimitiveList/"
ORDER = "$setElementOrder/"
_UNKNOWN = Field(ANYTHING)

Tree = dict[str, Any]


def strategic_merge(target: Tree, patch: Tree, shape: Shape) -> Tree:
    """The target with the patch merged in. Neither is changed. Raises `PatchRefused`."""
    directive = patch.get(DIRECTIVE)
    if directive == "replace":
        return {key: value for key, value in patch.items() if key != DIRECTIVE}
    if directive == "delete":
        return {}
    if directive not in (None, "merge"):
        raise bad_request(f"Unknown patch type: {directive}")
    merged = _retained(target, patch)
    for key, value in patch.items():
        if key.startswith(DELETE_FROM):
            name = key.removeprefix(DELETE_FROM)
            merged[name] = [item for item in merged.get(name) or () if item not in value]
        elif key.startswith(ORDER):
            name = key.removeprefix(ORDER)
            if name not in patch and name in merged:
                field = _field(shape, name)
                merged[name] = _ordered(merged[name], [], value, merged[name], field.merge_key)
        elif key in (DIRECTIVE, RETAIN):
            continue
        elif value is None:
            merged.pop(key, None)
        else:
            order = patch.get(ORDER + key)
            merged[key] = _merged_value(merged.get(key), value, _field(shape, key), order)
    return merged


def _field(shape: Shape, key: str) -> Field:
    if shape.form == "object":
        return shape.fields.get(key, _UNKNOWN)
    if shape.form == "map":
        return Field(shape.items)
    return _UNKNOWN


def _retained(target: Tree, patch: Tree) -> Tree:
    keys = patch.get(RETAIN)
    if keys is None:
        return dict(target)
    named = {key for key in patch if not key.startswith("$") and patch[key] is not None}
    if not named <= set(keys):
        raise bad_request("Invalid patch format of retainKeys")
    return {key: value for key, value in target.items() if key in keys}


def _merged_value(live: Any, value: Any, field: Field, order: Any) -> Any:
    if isinstance(value, dict):
        if isinstance(live, dict) and "replace" not in field.strategy:
            return strategic_merge(live, value, field.shape)
        return strategic_merge({}, value, field.shape)
    if not isinstance(value, list):
        return value
    live = live if isinstance(live, list) else []
    if "merge" not in field.strategy:
        return [_plain(item, field.shape.items) for item in value]
    if field.merge_key:
        return _merged_objects(live, value, field, order)
    fresh = [item for item in value if item not in live]
    return _ordered([*live, *fresh], value, order, live, "")


def _plain(item: Any, shape: Shape) -> Any:
    """An item that is taken whole, without nulls and directives."""
    return strategic_merge({}, item, shape) if isinstance(item, dict) else item


def _merged_objects(live: list[Any], patch: list[Any], field: Field, order: Any) -> list[Any]:
    key, items = field.merge_key, field.shape.items
    if any(entry.get(DIRECTIVE) == "replace" for entry in patch if isinstance(entry, dict)):
        return [_plain(entry, items) for entry in patch if DIRECTIVE not in entry]
    merged = list(live)
    kept: list[Any] = []
    for entry in patch:
        if not isinstance(entry, dict) or key not in entry:
            raise internal(f"map: {_go_map(entry)} does not contain declared merge key: {key}")
        directive = entry.get(DIRECTIVE)
        same = [at for at, item in enumerate(merged) if _key_of(item, key) == entry[key]]
        if directive == "delete":
            merged = [item for at, item in enumerate(merged) if at not in same]
            continue
        if directive not in (None, "merge"):
            raise bad_request(f"Unknown patch type: {directive}")
        kept.append(entry)
        if same:
            merged[same[0]] = strategic_merge(merged[same[0]], entry, items)
        else:
            merged.append(_plain(entry, items))
    return _ordered(merged, kept, order, live, key)


def _key_of(item: Any, key: str) -> Any:
    return item.get(key) if isinstance(item, Mapping) else item


def _identity(item: Any, key: str) -> Any:
    return _key_of(item, key) if key else item


def _ordered(
    merged: list[Any], patch: list[Any], order: Any, live: list[Any], key: str
) -> list[Any]:
    """Items of the patch in its order; the others stay before the next one that they preceded."""
    wanted = [_identity(item, key) for item in (order if order is not None else patch)]
    present = {_hashable(_identity(item, key)): item for item in merged}
    ours = [present[_hashable(name)] for name in wanted if _hashable(name) in present]
    chosen = {_hashable(name) for name in wanted}
    others = [item for item in merged if _hashable(_identity(item, key)) not in chosen]
    places = {_hashable(_identity(item, key)): at for at, item in enumerate(live)}
    result: list[Any] = []
    while others and ours:
        left = places.get(_hashable(_identity(others[0], key)), -1)
        right = places.get(_hashable(_identity(ours[0], key)), -1)
        result.append(others.pop(0) if 0 <= left < right else ours.pop(0))
    return result + others + ours


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def _go_map(entry: Any) -> str:
    if not isinstance(entry, dict):
        return str(entry)
    return "map[" + " ".join(f"{key}:{entry[key]}" for key in sorted(entry)) + "]"
