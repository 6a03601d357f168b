"""Rules for the schemas of custom resources: that they are structural, and what their extensions
want.

Sources: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go and
pkg/apiserver/schema/{validation,complete}.go.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from kiban.kube.expressions import WrongExpression, check_syntax
from kiban.kube.validation.faults import (
    Faults,
    duplicate,
    forbidden,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.structural import value_faults

Value = dict[str, Any]

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_LISTS = ("atomic", "set", "map")
_MAPS = ("atomic", "granular")
_INT_OR_STRING = [{"type": "integer"}, {"type": "string"}]
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EMBEDDED = "x-kubernetes-embedded-resource"
_EITHER = "x-kubernetes-int-or-string"
_LIST, _KEYS, _MAP = (f"x-kubernetes-{part}" for part in ("list-type", "list-map-keys", "map-type"))
_CHOICES = ("allOf", "anyOf", "oneOf")


def validate_schema(schema: Value, field: str) -> Faults:
    faults = _extensions(schema, field)
    structural = _structural(schema, field, "root") + _complete(schema, schema, field, field)
    faults += sorted(structural, key=str)
    if not structural:
        faults += _defaults(schema, field)
    return faults + _rules(schema, field)


def _children(schema: Value, field: str) -> Iterator[tuple[Value, str, str]]:
    """The schemas of the parts of an object or a list, where they stand, and as what."""
    if isinstance(schema.get("items"), dict):
        yield schema["items"], f"{field}.items", "item"
    for name in sorted(schema.get("properties") or {}):
        yield schema["properties"][name], f"{field}.properties[{name}]", "field"
    if isinstance(schema.get("additionalProperties"), dict):
        yield schema["additionalProperties"], f"{field}.additionalProperties", "field"


# What the parts of a schema may say, structural or not


def _extensions(schema: Value, field: str) -> Faults:
    faults: Faults = []
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        faults.append(forbidden(f"{field}.uniqueItems", detail))
    more = schema.get("additionalProperties")
    if more is False:
        detail = "additionalProperties cannot be set to false"
        faults.append(forbidden(f"{field}.additionalProperties", detail))
    elif isinstance(more, dict) and schema.get("properties"):
        detail = "additionalProperties and properties are mutual exclusive"
        faults.append(forbidden(f"{field}.additionalProperties", detail))
    if isinstance(schema.get("items"), list):
        detail = "items must be a schema object and not an array"
        faults.append(forbidden(f"{field}.items", detail))
    for part, at, _ in _children(schema, field):
        faults += _extensions(part, at)
    kind = schema.get("type", "")
    if kind and kind not in _TYPES:
        faults.append(unsupported(f"{field}.type", kind, _TYPES))
    if schema.get(_PRESERVE) is False:
        faults.append(invalid(f"{field}.{_PRESERVE}", False, "must be true or undefined"))
    return faults + _map_type(schema, field) + _list_type(schema, field)


def _map_type(schema: Value, field: str) -> Faults:
    chosen, kind = schema.get(_MAP), schema.get("type", "")
    if chosen is None:
        return []
    faults: Faults = []
    if kind != "object":
        detail = "must be object if x-kubernetes-map-type is specified"
        at = f"{field}.type"
        faults.append(invalid(at, kind, detail) if kind else required(at, detail))
    return faults + one_of(f"{field}.{_MAP}", chosen, _MAPS)


def _list_type(schema: Value, field: str) -> Faults:
    chosen, keys = schema.get(_LIST), schema.get(_KEYS) or []
    faults: Faults = []
    if chosen is not None:
        kind, at = schema.get("type", ""), f"{field}.type"
        if kind != "array":
            detail = "must be array if x-kubernetes-list-type is specified"
            faults.append(invalid(at, kind, detail) if kind else required(at, detail))
        faults += one_of(f"{field}.{_LIST}", chosen, _LISTS)
    if keys and chosen != "map":
        detail = "must be map if x-kubernetes-list-map-keys is non-empty"
        at = f"{field}.{_LIST}"
        faults.append(required(at, detail) if chosen is None else invalid(at, chosen, detail))
    if chosen != "map":
        return faults
    if not keys:
        detail = "must not be empty if x-kubernetes-list-type is map"
        return [*faults, required(f"{field}.{_KEYS}", detail)]
    return faults + _map_keys(schema.get("items"), keys, field)


def _map_keys(items: Any, keys: list[str], field: str) -> Faults:
    if not isinstance(items, dict):
        detail = "must have a schema if x-kubernetes-list-type is map"
        return [required(f"{field}.items", detail)]
    faults: Faults = []
    kind = items.get("type", "")
    if kind != "object":
        detail = "must be object if parent array's x-kubernetes-list-type is map"
        faults.append(invalid(f"{field}.items.type", kind, detail))
    known = items.get("properties") or {}
    for index, key in enumerate(keys):
        if key in keys[:index]:
            faults.append(duplicate(f"{field}.{_KEYS}[{index}]", key))
        elif key not in known:
            detail = "entries must all be names of item properties"
            faults.append(invalid(f"{field}.{_KEYS}[{index}]", key, detail))
        else:
            faults += _map_key(items, key, f"{field}.items")
    return faults


def _map_key(items: Value, key: str, field: str) -> Faults:
    schema, at = items["properties"][key], f"{field}.properties[{key}]"
    faults: Faults = []
    if schema.get("type") in ("array", "object"):
        detail = "must be a scalar type if parent array's x-kubernetes-list-type is map"
        faults.append(invalid(f"{at}.type", schema["type"], detail))
    if schema.get("nullable"):
        detail = "cannot be nullable if parent array's x-kubernetes-list-type is map"
        faults.append(forbidden(f"{at}.nullable", detail))
    if schema.get("default") is None and key not in (items.get("required") or ()):
        detail = (
            "this property is in x-kubernetes-list-map-keys, so it must have a default or be a "
            "required property"
        )
        faults.append(required(f"{at}.default", detail))
    return faults


# What makes a schema structural


def _structural(schema: Value, field: str, level: str) -> Faults:
    faults: Faults = []
    kind, at = schema.get("type", ""), f"{field}.type"
    if kind == "array" and schema.get("items") is None:
        faults.append(required(f"{field}.items", "must be specified"))
    for part, place, inner in _children(schema, field):
        faults += _structural(part, place, inner)
    if level == "root" and schema.get("additionalProperties") is not None:
        detail = "must not be used at the root"
        faults.append(forbidden(f"{field}.additionalProperties", detail))
    faults += _exclusive(schema, field) + _choices(schema, field)
    if schema.get(_EMBEDDED):
        faults += _embedded(schema, field)
    elif not kind and not schema.get(_EITHER) and not schema.get(_PRESERVE):
        faults.append(required(at, f"must not be empty {_TYPELESS[level]}"))
    if level == "root" and kind not in ("", "object"):
        faults.append(invalid(at, kind, "must be object at the root"))
    if level == "root" or schema.get(_EMBEDDED):
        faults += _identity(schema, field, level)
    return faults


_TYPELESS = {
    "root": "at the root",
    "item": "for specified array items",
    "field": "for specified object fields",
}


def _exclusive(schema: Value, field: str) -> Faults:
    if not schema.get(_EITHER):
        return []
    detail = "must be false if x-kubernetes-int-or-string is true"
    return [
        invalid(f"{field}.{name}", True, detail)
        for name in (_PRESERVE, _EMBEDDED)
        if schema.get(name)
    ]


def _embedded(schema: Value, field: str) -> Faults:
    kind, at = schema.get("type", ""), f"{field}.type"
    faults: Faults = []
    if kind != "object":
        detail = "must be object if x-kubernetes-embedded-resource is true"
        faults.append(invalid(at, kind, detail) if kind else required(at, detail))
    if schema.get("additionalProperties") is not None:
        detail = "must not be used if x-kubernetes-embedded-resource is set"
        faults.append(forbidden(f"{field}.additionalProperties", detail))
    if not schema.get(_PRESERVE) and not schema.get("properties"):
        detail = (
            "must not be empty if x-kubernetes-embedded-resource is true without "
            "x-kubernetes-preserve-unknown-fields"
        )
        faults.append(required(f"{field}.properties", detail))
    return faults


def _identity(schema: Value, field: str, level: str) -> Faults:
    """What a schema may say of the fields that every object has."""
    faults: Faults = []
    known = schema.get("properties") or {}
    for name in ("kind", "apiVersion"):
        kind = known[name].get("type", "") if name in known else "string"
        if kind != "string":
            faults.append(invalid(f"{field}.properties[{name}].type", kind, "must be string"))
    if "metadata" not in known:
        return faults
    meta, at = known["metadata"], f"{field}.properties[metadata]"
    if meta.get("type", "") != "object":
        faults.append(invalid(f"{at}.type", meta.get("type", ""), "must be object"))
    named = set(meta.get("properties") or {}) <= {"name", "generateName"}
    if level == "root" and (not named or set(meta) - {"type", "properties", "default"}):
        detail = (
            "must not specify anything other than name and generateName, but metadata is "
            "implicitly specified"
        )
        faults.append(forbidden(at, detail))
    return faults


def _choices(schema: Value, field: str) -> Faults:
    """`allOf` and the like may check values, not shape them."""
    faults: Faults = []
    for name in _CHOICES:
        for index, part in enumerate(schema.get(name) or ()):
            if name == "anyOf" and schema["anyOf"] == _INT_OR_STRING:
                continue
            if name == "allOf" and index == 0 and part.get("anyOf") == _INT_OR_STRING:
                part = {key: value for key, value in part.items() if key != "anyOf"}
            faults += _nested(part, f"{field}.{name}[{index}]", name == "allOf")
    if isinstance(schema.get("not"), dict):
        faults += _nested(schema["not"], f"{field}.not", False)
    pattern = schema.get("pattern")
    if pattern and (wrong := _wrong_pattern(pattern)):
        detail = f"must be a valid regular expression, but isn't: {wrong}"
        faults.append(invalid(f"{field}.pattern", pattern, detail))
    return faults


def _wrong_pattern(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"error parsing regexp: {error.msg}: `{pattern}`"
    return ""


# What may not be said in a nested schema, and what it would have to be.
_SHAPING = {
    "type": "must be empty to be structural",
    "additionalProperties": "must be undefined to be structural",
    "default": "must be undefined to be structural",
    "title": "must be empty to be structural",
    "description": "must be empty to be structural",
    "nullable": "must be false to be structural",
    _PRESERVE: "must be false to be structural",
    _EMBEDDED: "must be false to be structural",
    _EITHER: "must be false to be structural",
    _KEYS: "must be empty to be structural",
    _LIST: "must be undefined to be structural",
    _MAP: "must be undefined to be structural",
}


def _nested(schema: Value, field: str, with_rules: bool) -> Faults:
    faults = _choices(schema, field)
    for part, at, _ in _children(schema, field):
        faults += _nested(part, at, with_rules)
    for name, detail in _SHAPING.items():
        if schema.get(name) not in (None, "", False, []):
            faults.append(forbidden(f"{field}.{name}", detail))
    if schema.get("x-kubernetes-validations") and not with_rules:
        detail = "must be empty to be structural"
        faults.append(forbidden(f"{field}.x-kubernetes-validations", detail))
    if "metadata" in (schema.get("properties") or {}):
        detail = "must not be specified in a nested context"
        faults.append(forbidden(f"{field}.properties[metadata]", detail))
    return faults


def _complete(part: Value, schema: Value | None, at: str, field: str) -> Faults:
    """Every field that a nested schema speaks of must be declared beside it."""
    faults: Faults = []
    nested = [
        (f"{field}.{name}[{index}]", inner)
        for name in _CHOICES
        for index, inner in enumerate(part.get(name) or ())
    ]
    if isinstance(part.get("not"), dict):
        nested.append((f"{field}.not", part["not"]))
    for place, inner in nested:
        faults += _declared(inner, schema, at, place)
    if part is schema:
        for inner, place, _ in _children(part, field):
            faults += _complete(inner, inner, place, place)
    return faults


def _declared(part: Value, schema: Value | None, at: str, field: str) -> Faults:
    if schema is None:
        return [required(at, f"because it is defined in {field}")]
    faults = _complete(part, schema, at, field)
    if isinstance(part.get("items"), dict):
        faults += _declared(part["items"], schema.get("items"), f"{at}.items", f"{field}.items")
    known = schema.get("properties") or {}
    for name in sorted(part.get("properties") or {}):
        place = f"properties[{name}]"
        faults += _declared(
            part["properties"][name], known.get(name), f"{at}.{place}", f"{field}.{place}"
        )
    return faults


# Defaults and rules


def _defaults(schema: Value, field: str) -> Faults:
    faults: Faults = []
    for part, at, _ in _children(schema, field):
        faults += _defaults(part, at)
    return faults + _default(schema, field)


def _default(schema: Value, field: str) -> Faults:
    """A default must be what its schema asks for."""
    if schema.get("default") is None:
        return []
    at = f"{field}.default"
    return [
        replace(fault, field=f"{at}.{fault.field}" if fault.field else at)
        for fault in value_faults(schema["default"], schema)
    ]


def _rules(schema: Value, field: str) -> Faults:
    """Rules that nobody could ask."""
    faults: Faults = []
    for part, at, _ in _children(schema, field):
        faults += _rules(part, at)
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        at = f"{field}.x-kubernetes-validations[{index}]"
        if not (rule.get("rule") or "").strip():
            faults.append(required(f"{at}.rule", "rule is not specified"))
            continue
        for key in ("rule", "messageExpression"):
            try:
                check_syntax(rule.get(key) or "true")
            except WrongExpression as wrong:
                detail = f"{_CALLED[key]}compilation failed: {wrong}"
                faults.append(invalid(f"{at}.{key}", rule[key], detail))
    return faults


_CALLED = {"rule": "", "messageExpression": "messageExpression "}
