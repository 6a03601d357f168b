"""Whether a custom object is what its schema says, in the words of kube-apiserver.

The order of the checks is the order of the messages. What did not change is not judged again
(ratcheting). Sources: k8s.io/kube-openapi/pkg/validation/validate and
k8s.io/apiextensions-apiserver/pkg/apiserver/{validation,schema/listtype}.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from kiban.kube.validation.embedded import embedded_faults
from kiban.kube.validation.faults import (
    Fault,
    Faults,
    duplicate,
    invalid,
    required,
    too_long,
    unsupported,
)
from kiban.kube.validation.string_formats import is_of_format

Schema = Mapping[str, Any]
_HEAD = ("apiVersion", "kind", "metadata")
# Stands for "there was nothing before".
_NOTHING: Any = object()


def validate_structure(manifest: Any, schema: Schema, old: Any = None) -> Faults:
    """Everything that is wrong with an object by its schema."""
    before = _NOTHING if old is None else old
    body = {key: value for key, value in manifest.items() if key not in _HEAD}
    inner = {**schema, "properties": _without_head(schema)}
    needed = [name for name in schema.get("required") or () if name not in _HEAD]
    return [
        *_faults(body, {**inner, "required": needed}, "", before),
        *embedded_faults(body, inner),
        *_list_faults(body, inner, ""),
    ]


def validate_part(name: str, manifest: Any, schema: Schema, old: Any = None) -> Faults:
    """Everything that is wrong with one field; messages name what is below it, from there on."""
    part = (schema.get("properties") or {}).get(name)
    value, before = manifest.get(name), (old or {}).get(name, _NOTHING)
    if value is None or not isinstance(part, Mapping):
        return []
    found = [*_faults(value, part, "", before), *_list_faults(value, part, "")]
    return [replace(fault, field=_within(name, fault.field)) for fault in found]


def value_faults(value: Any, schema: Schema) -> Faults:
    """Everything that is wrong with a value that has no place yet: a default."""
    return _faults(value, schema, "", _NOTHING)


def _within(name: str, field: str) -> str:
    if field == "<nil>":
        return field
    return f"{name}.{field}" if field and not field.startswith("[") else f"{name}{field}"


def _without_head(schema: Schema) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    return {key: value for key, value in properties.items() if key not in _HEAD}


def type_name(value: Any) -> str:
    """The name of a JSON value's type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "integer" if value.is_integer() else "number"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def _faults(value: Any, schema: Schema, path: str, old: Any) -> Faults:
    if old is not _NOTHING and old == value and path:
        return []
    faults = _type_faults(value, schema, path)
    if value is None:
        return faults
    faults += _combined_faults(value, schema, path)
    if isinstance(value, str):
        faults += _string_faults(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        faults += _number_faults(value, schema, path)
    elif isinstance(value, list):
        faults += _array_faults(value, schema, path, old)
    faults += _enum_faults(value, schema, path)
    if isinstance(value, dict):
        faults += _object_faults(value, schema, path, old)
    return faults


def _wrong_type(path: str, shown: Any, wanted: str, actual: str) -> Fault:
    message = f'Invalid value: "{shown}": {path} in body must be of type {wanted}: "{actual}"'
    return Fault("FieldValueTypeInvalid", path, message)


def _type_faults(value: Any, schema: Schema, path: str) -> Faults:
    if schema.get("x-kubernetes-int-or-string"):
        wanted: tuple[str, ...] = ("integer", "string")
    else:
        wanted = (schema["type"],) if schema.get("type") else ()
    if not wanted or (value is None and schema.get("nullable")):
        return []
    actual = type_name(value)
    if actual in wanted or (actual == "integer" and "number" in wanted):
        return []
    return [_wrong_type(path, actual, ",".join(wanted), actual)]


def _nowhere(text: str) -> Fault:
    """A fault that the schema's library knows without a field."""
    return Fault("FieldValueInvalid", "<nil>", f'Invalid value: "": {text}')


def _combined_faults(value: Any, schema: Schema, path: str) -> Faults:
    faults: Faults = []
    for word, verdict in _COMBINED.items():
        parts = schema.get(word)
        if parts:
            found = [_faults(value, part, path, _NOTHING) for part in parts]
            faults += verdict(found, path)
    denied = schema.get("not")
    if denied and not _faults(value, denied, path, _NOTHING):
        faults.append(_nowhere(f'"{path}" must not validate the schema (not)'))
    return faults


def _any_of(found: list[Faults], path: str) -> Faults:
    if not all(found):
        return []
    best = min(found, key=len)
    return [_nowhere(f'"{path}" must validate at least one schema (anyOf)'), *best]


def _one_of(found: list[Faults], path: str) -> Faults:
    valid = sum(not faults for faults in found)
    said = f'"{path}" must validate one and only one schema (oneOf). Found'
    if valid == 0:
        return [_nowhere(f"{said} none valid"), *min(found, key=len)]
    return [_nowhere(f"{said} {valid} valid alternatives")] if valid > 1 else []


def _all_of(found: list[Faults], path: str) -> Faults:
    broken = [fault for faults in found for fault in faults]
    if not broken:
        return []
    said = "must validate all the schemas (allOf)"
    none = ". None validated" if all(found) else ""
    return [*broken, _nowhere(f'"{path}" {said}{none}')]


_COMBINED: dict[str, Callable[[list[Faults], str], Faults]] = {
    "anyOf": _any_of,
    "oneOf": _one_of,
    "allOf": _all_of,
}


def _string_faults(value: str, schema: Schema, path: str) -> Faults:
    faults: Faults = []
    most, least = schema.get("maxLength"), schema.get("minLength")
    pattern, form = schema.get("pattern"), schema.get("format")
    if most is not None and len(value) > most:
        faults.append(too_long(path, most))
    elif least is not None and len(value) < least:
        faults.append(invalid(path, value, f"{path} in body should be at least {least} chars long"))
    elif pattern and not _compiled(pattern).search(value):
        faults.append(invalid(path, value, f"{path} in body should match '{pattern}'"))
    if form and schema.get("type") == "string" and not is_of_format(value, form):
        faults.append(_wrong_type(path, value, form, value))
    return faults


@lru_cache(1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Go's `$` and `\\z` mean the very end; a pattern Python cannot read matches everything."""
    try:
        ends = re.sub(r"(?<!\\)\$(?=$|[)|])", r"\\Z", pattern.replace(r"\z", r"\Z"))
        return re.compile(ends, re.ASCII)
    except re.error:
        return re.compile("")


def _number_faults(value: int | float, schema: Schema, path: str) -> Faults:
    faults: Faults = []
    if schema.get("type") == "integer":
        faults += _range_faults(value, schema.get("format", ""), path)
    whole = isinstance(value, int)
    factor = schema.get("multipleOf")
    if factor is not None:
        faults += _multiple_faults(value, int(factor) if whole else factor, path)
    for word, exclusive, beyond, said in _BOUNDS:
        bound = schema.get(word)
        if bound is None:
            continue
        bound = int(bound) if whole else bound
        strictly = bool(schema.get(exclusive))
        if beyond(value, bound) or (strictly and value == bound):
            relation = f"{said} than" if strictly else f"{said} than or equal to"
            text = f"{path} in body should be {relation} {go_number(bound)}"
            faults.append(invalid(path, value, text))
    return faults


_BOUNDS: tuple[tuple[str, str, Callable[[float, float], bool], str], ...] = (
    ("maximum", "exclusiveMaximum", lambda value, bound: value > bound, "less"),
    ("minimum", "exclusiveMinimum", lambda value, bound: value < bound, "greater"),
)


def _range_faults(value: int | float, form: str, path: str) -> Faults:
    bits = 31 if form == "int32" else 63
    if (isinstance(value, int) or value.is_integer()) and -(2**bits) <= value < 2**bits:
        return []
    which = f"with format {form}" if form else "(default format)"
    return [_nowhere(f"Checked value must be of type integer {which} in {path}")]


def _multiple_faults(value: int | float, factor: int | float, path: str) -> Faults:
    if factor <= 0:
        text = f"factor MultipleOf declared for {path} must be positive: {go_number(factor)}"
        return [invalid(path, factor, text)]
    times = value / factor if factor >= 1 else 1 / factor * value
    if isinstance(value, int) and value % factor == 0:
        return []
    if isinstance(value, float) and abs(times - round(times)) < 1e-9:
        return []
    text = f"{path} in body should be a multiple of {go_number(factor)}"
    return [invalid(path, value, text)]


def go_number(value: int | float) -> str:
    """A number as Go prints it: no point where it is whole, an exponent from 1e21 on."""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e6:
        return str(int(value))
    return str(value)


def _too_many(path: str, count: int, most: int) -> Fault:
    items = "item" if most == 1 else "items"
    text = f"Too many: {count}: must have at most {most} {items}"
    return Fault("FieldValueTooMany", path, text)


def _array_faults(value: list[Any], schema: Schema, path: str, old: Any) -> Faults:
    faults: Faults = []
    item = schema.get("items")
    if isinstance(item, Mapping):
        before = _correlated(schema, old)
        for index, child in enumerate(value):
            faults += _faults(child, item, f"{path}[{index}]", before(child))
    least, most = schema.get("minItems"), schema.get("maxItems")
    if least is not None and len(value) < least:
        text = f"{path} in body should have at least {least} items"
        faults.append(invalid(path, len(value), text))
    if most is not None and len(value) > most:
        faults.append(_too_many(path, len(value), most))
    return faults


def _correlated(schema: Schema, old: Any) -> Callable[[Any], Any]:
    """Where an item of a list was before; only lists with keys can tell."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if not keys or not isinstance(old, list):
        return lambda _: _NOTHING
    known = {_item_key(item, keys): item for item in old if isinstance(item, dict)}
    return lambda item: known.get(_item_key(item, keys), _NOTHING)


def _item_key(item: Any, keys: list[str]) -> str:
    return repr([item.get(key) for key in keys]) if isinstance(item, dict) else repr(item)


def _enum_faults(value: Any, schema: Schema, path: str) -> Faults:
    allowed = schema.get("enum")
    if not allowed or any(value == item and type(value) is type(item) for item in allowed):
        return []
    return [unsupported(path, value, allowed)]


def _object_faults(value: dict[str, Any], schema: Schema, path: str, old: Any) -> Faults:
    least, most = schema.get("minProperties"), schema.get("maxProperties")
    if least is not None and len(value) < least:
        text = f"{path} in body should have at least {least} properties"
        return [invalid(path, len(value), text)]
    if most is not None and len(value) > most:
        return [_too_many(path, len(value), most)]
    prefix = f"{path}." if path else ""
    names = schema.get("required") or ()
    faults = [required(prefix + name) for name in names if name not in value]
    properties, values = schema.get("properties") or {}, schema.get("additionalProperties")
    before = old if isinstance(old, dict) else {}
    for name in sorted(value):
        inner = properties.get(name, values)
        if isinstance(inner, Mapping):
            faults += _faults(value[name], inner, prefix + name, before.get(name, _NOTHING))
    return faults


# Lists that are sets or maps


def _list_faults(value: Any, schema: Schema, path: str) -> Faults:
    faults: Faults = []
    if isinstance(value, dict):
        properties, values = schema.get("properties") or {}, schema.get("additionalProperties")
        for name in sorted(value):
            inner = properties.get(name, values)
            at = f"{path}.{name}" if path else name
            if name not in properties:
                at = f"{path}[{name}]"
            if isinstance(inner, Mapping):
                faults += _list_faults(value[name], inner, at)
    elif isinstance(value, list):
        faults += _repeated(value, schema, path)
        item = schema.get("items")
        if isinstance(item, Mapping):
            for index, child in enumerate(value):
                faults += _list_faults(child, item, f"{path}[{index}]")
    return faults


def _repeated(value: list[Any], schema: Schema, path: str) -> Faults:
    kind = schema.get("x-kubernetes-list-type")
    if kind not in ("set", "map"):
        return []
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen: list[Any] = []
    faults: Faults = []
    for index, item in enumerate(value):
        said = item
        if kind == "map" and isinstance(item, dict):
            said = {key: item[key] for key in sorted(keys) if key in item}
        if said in seen:
            faults.append(duplicate(f"{path}[{index}]", said))
        seen.append(said)
    return faults
