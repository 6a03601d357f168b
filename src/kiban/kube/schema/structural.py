"""What the schema of a custom kind makes of an object on its way in: unknown fields go, nulls
that it does not allow go, defaults come. Types are not looked at here; validation does that.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/{pruning,defaulting}.
"""

from collections.abc import Mapping
from typing import Any

from kiban.kube.schema.builtin import OBJECT_META, shape_of_type

Schema = Mapping[str, Any]

PRESERVES = "x-kubernetes-preserve-unknown-fields"
EMBEDDED = "x-kubernetes-embedded-resource"
_HEAD = ("apiVersion", "kind", "metadata")


def pruned(value: Any, schema: Schema | None, unknown: list[str], *, top: bool = True) -> Any:
    """The object without the fields its schema does not know; their paths are added to
    `unknown`. The head of the object (version, kind, metadata) is kept as it is."""
    return _pruned(value, schema, "", unknown, top)


def _pruned(value: Any, schema: Schema | None, path: str, unknown: list[str], top: bool) -> Any:
    if isinstance(value, list):
        item = schema.get("items") if schema is not None else None
        if schema is not None and item is None and schema.get(PRESERVES):
            return value
        return [
            _pruned(child, item, f"{path}[{index}]", unknown, False)
            for index, child in enumerate(value)
        ]
    if not isinstance(value, dict):
        return value
    known = schema or {}
    is_resource = top or bool(known.get(EMBEDDED))
    kept: dict[str, Any] = {}
    for key, child in value.items():
        at = f"{path}.{key}" if path else key
        if is_resource and key in _HEAD:
            kept[key] = child if top or key != "metadata" else _metadata(child, at, unknown)
            continue
        declared = _declared(known, key)
        if declared is not None:
            kept[key] = _pruned(child, declared, at, unknown, False)
        elif known.get(PRESERVES) or known.get("additionalProperties") is True:
            kept[key] = child
        else:
            unknown.append(at)
    return kept


def _metadata(value: Any, path: str, unknown: list[str]) -> Any:
    """The metadata of a resource inside another one: as strictly read as the outer one's."""
    if not isinstance(value, dict):
        return value
    fields = shape_of_type(OBJECT_META).fields
    unknown.extend(f"{path}.{key}" for key in value if key not in fields)
    return {key: child for key, child in value.items() if key in fields}


def _declared(schema: Schema, key: str) -> Schema | None:
    """The schema of a field or of a map's values; None when the key is not known."""
    found: Any = (schema.get("properties") or {}).get(key)
    if found is None:
        found = schema.get("additionalProperties")
    return found if isinstance(found, Mapping) else None


def defaulted(value: Any, schema: Schema, *, top: bool = True) -> Any:
    """The object with its schema's defaults, and without nulls that may not be."""
    if isinstance(value, list):
        item = schema.get("items")
        if not isinstance(item, Mapping):
            return value
        return [defaulted(child, item, top=False) for child in value]
    if not isinstance(value, dict):
        return value
    full: dict[str, Any] = {}
    for key, child in value.items():
        declared = None if top and key in _HEAD else _declared(schema, key)
        if declared is None:
            full[key] = child
        elif child is not None or declared.get("nullable"):
            full[key] = defaulted(child, declared, top=False)
        elif declared.get("default") is not None:
            full[key] = defaulted(declared["default"], declared, top=False)
    for key, declared in (schema.get("properties") or {}).items():
        if key not in full and declared.get("default") is not None:
            full[key] = defaulted(declared["default"], declared, top=False)
    return full
