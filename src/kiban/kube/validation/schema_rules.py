"""The rules in a custom kind's schema (`x-kubernetes-validations`), asked of an object.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/validation.go.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kiban.kube.expressions import WrongExpression, escaped, evaluate, maybe
from kiban.kube.validation.faults import Fault, Faults, shown

Schema = Mapping[str, Any]
Rule = Mapping[str, Any]
RULES = "x-kubernetes-validations"
# What these say about an object makes rules pointless to ask (hasBlockingErr).
_BLOCKING = (
    "FieldValueRequired",
    "FieldValueTooLong",
    "FieldValueTooMany",
    "FieldValueTypeInvalid",
)
_UNCHECKED = (
    "some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation"
)
_USES_OLD = re.compile(r"\boldSelf\b")
_METADATA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "generateName": {"type": "string"}},
}


def has_rules(schema: Any) -> bool:
    """Whether a schema holds rules at any depth."""
    if isinstance(schema, Mapping):
        return RULES in schema or any(has_rules(part) for part in schema.values())
    return isinstance(schema, list) and any(has_rules(part) for part in schema)


def validate_rules(manifest: Any, schema: Schema, found: Faults, old: Any = None) -> Faults:
    """The rules an object breaks; `found` is what is wrong with it already."""
    if any(fault.type in _BLOCKING for fault in found):
        return [Fault("FieldValueInvalid", "<nil>", f"Invalid value: null: {_UNCHECKED}")]
    text = {"type": "string"}
    properties = {**(schema.get("properties") or {}), "metadata": _METADATA}
    top = {**schema, "properties": {**properties, "apiVersion": text, "kind": text}}
    return _node(manifest, top, "", old)


def _node(value: Any, schema: Schema, path: str, old: Any) -> Faults:
    if value is None:
        return []
    faults: Faults = []
    rules = schema.get(RULES) or ()
    if rules:
        values = {"self": projected(value, schema)}
        before = None if old is None else projected(old, schema)
        for rule in rules:
            if old is not None and old == value and not _USES_OLD.search(rule["rule"]):
                continue
            faults += _ask(rule, values, before, (path, value))
    return faults + _below(value, schema, path, old)


def _below(value: Any, schema: Schema, path: str, old: Any) -> Faults:
    faults: Faults = []
    if isinstance(value, dict):
        properties, values = schema.get("properties") or {}, schema.get("additionalProperties")
        before = old if isinstance(old, dict) else {}
        for name in sorted(value):
            inner = properties.get(name)
            if isinstance(inner, Mapping):
                at = f"{path}.{name}" if path else name
                faults += _node(value[name], inner, at, before.get(name))
            elif isinstance(values, Mapping):
                faults += _node(value[name], values, f"{path}[{name}]", before.get(name))
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        keys = schema.get("x-kubernetes-list-map-keys") or ()
        known = {_key(item, keys): item for item in (old or ()) if keys}
        for index, item in enumerate(value):
            match = known.get(_key(item, keys)) if keys else None
            faults += _node(item, schema["items"], f"{path}[{index}]", match)
    return faults


def _key(item: Any, keys: Any) -> str:
    return repr([item.get(key) for key in keys]) if isinstance(item, dict) else repr(item)


def _ask(rule: Rule, values: dict[str, Any], before: Any, where: tuple[str, Any]) -> Faults:
    path, value = where
    source = rule["rule"]
    if _USES_OLD.search(source):
        if rule.get("optionalOldSelf"):
            values = {**values, "oldSelf": maybe(before)}
        elif before is None:
            return []
        else:
            values = {**values, "oldSelf": before}
    try:
        holds = evaluate(source, values)
    except WrongExpression as wrong:
        text = f"{wrong} evaluating rule: {(rule.get('message') or source).strip()}"
        return [_fault("FieldValueInvalid", path, value, text)]
    if holds:
        return []
    at = path + rule.get("fieldPath", "")
    return [
        _fault(rule.get("reason") or "FieldValueInvalid", at or "<nil>", value, _said(rule, values))
    ]


def _said(rule: Rule, values: dict[str, Any]) -> str:
    if rule.get("messageExpression"):
        try:
            text = evaluate(rule["messageExpression"], values)
        except WrongExpression:
            text = ""
        if isinstance(text, str) and text.strip() and "\n" not in text:
            return text
    message: str = rule.get("message") or f"failed rule: {rule['rule'].strip()}"
    return message


def _fault(reason: str, path: str, value: Any, text: str) -> Fault:
    """Collections are not shown in messages, scalars are."""
    if reason == "FieldValueForbidden":
        return Fault(reason, path, f"Forbidden: {text}")
    if reason == "FieldValueRequired":
        return Fault(reason, path, f"Required value: {text}")
    if reason == "FieldValueDuplicate":
        bare = isinstance(value, dict | list)
        return Fault(
            reason, path, "Duplicate value" if bare else f"Duplicate value: {shown(value)}"
        )
    seen = "" if isinstance(value, dict | list) else f"{shown(value)}: "
    return Fault(reason, path, f"Invalid value: {seen}{text}")


def projected(value: Any, schema: Schema) -> Any:
    """A value as expressions see it: typed by its schema, with only the fields it declares."""
    if isinstance(value, dict):
        properties, values = schema.get("properties") or {}, schema.get("additionalProperties")
        if schema.get("x-kubernetes-preserve-unknown-fields") and not properties:
            return value
        if isinstance(values, Mapping) and not properties:
            return {key: projected(child, values) for key, child in value.items()}
        return {
            escaped(key): projected(child, properties[key])
            for key, child in value.items()
            if key in properties
        }
    if isinstance(value, list):
        item = schema.get("items")
        return [projected(child, item) for child in value] if item else value
    if schema.get("type") == "number" and isinstance(value, int):
        return float(value)
    if isinstance(value, str) and schema.get("format") in _TYPED:
        return _typed(value, schema["format"])
    return value


_TYPED = ("date-time", "byte")


def _typed(text: str, form: str) -> Any:
    try:
        return datetime.fromisoformat(text) if form == "date-time" else base64.b64decode(text)
    except (ValueError, binascii.Error):
        return text
