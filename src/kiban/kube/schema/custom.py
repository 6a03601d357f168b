"""The shape of a custom resource, from the OpenAPI v3 schema of its definition."""

from collections.abc import Mapping
from typing import Any

from kiban.kube.schema.builtin import OBJECT_META, shape_of_type
from kiban.kube.schema.shapes import ANYTHING, Field, Form, OpenFields, Shape

_FORMS: dict[str, Form] = {
    "string": "string",
    "integer": "int64",
    "number": "number",
    "boolean": "boolean",
}


def custom_shape(schema: Mapping[str, Any] | None) -> Shape:
    """The shape of the whole object; apiVersion, kind and metadata are always known."""
    properties = (schema or {}).get("properties") or {}
    preserves = schema is None or bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    return Shape("object", name="custom", fields=lambda: _top_fields(properties, preserves))


def _top_fields(properties: Mapping[str, Any], preserves: bool) -> Mapping[str, Field]:
    fields = {key: _field(value) for key, value in properties.items()}
    fields["apiVersion"] = fields["kind"] = Field(Shape("string"))
    fields["metadata"] = Field(shape_of_type(OBJECT_META))
    return OpenFields(fields) if preserves else fields


def _shape(schema: Mapping[str, Any]) -> Shape:
    if schema.get("x-kubernetes-int-or-string"):
        return Shape("int-or-string")
    kind = schema.get("type")
    if kind == "object":
        return _object(schema)
    if kind == "array":
        return _list(schema)
    return Shape(_FORMS[kind]) if kind in _FORMS else ANYTHING


def _object(schema: Mapping[str, Any]) -> Shape:
    atomic = schema.get("x-kubernetes-map-type") == "atomic"
    if schema.get("x-kubernetes-embedded-resource"):
        return custom_shape(schema)
    properties = schema.get("properties")
    if properties:
        preserves = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
        required = tuple(schema.get("required") or ())
        return Shape(
            "object",
            atomic=atomic,
            required=required,
            fields=lambda: _fields(properties, preserves),
        )
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping):
        return Shape("map", item=_shape(values), atomic=atomic)
    return Shape("map", item=ANYTHING, atomic=atomic)


def _fields(properties: Mapping[str, Any], preserves: bool) -> Mapping[str, Field]:
    fields = {key: _field(value) for key, value in properties.items()}
    return OpenFields(fields) if preserves else fields


def _field(schema: Mapping[str, Any]) -> Field:
    text = schema.get("description", "")
    return Field(_shape(schema), default=schema.get("default"), text=text)


def _list(schema: Mapping[str, Any]) -> Shape:
    relation = schema.get("x-kubernetes-list-type", "atomic")
    keys = tuple(schema.get("x-kubernetes-list-map-keys") or ())
    return Shape("list", item=_shape(schema.get("items") or {}), relation=relation, keys=keys)
