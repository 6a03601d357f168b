"""Rules for CustomResourceDefinitions: names, versions and structural schemas.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation/validation.go.
"""

from dataclasses import replace
from typing import Any

from kiban.kube.expressions import WrongExpression, check_syntax
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import Faults, invalid, one_of, required
from kiban.kube.validation.structural import value_faults

Value = dict[str, Any]

_COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")


def validate_definition(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    names, name = spec.get("names") or {}, manifest["metadata"].get("name", "")
    faults: Faults = []
    if name != f"{names.get('plural', '')}.{spec.get('group', '')}":
        faults.append(invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    for key in ("group", "scope"):
        if not spec.get(key):
            faults.append(required(f"spec.{key}"))
    if spec.get("scope"):
        faults += one_of("spec.scope", spec["scope"], ("Cluster", "Namespaced"))
    versions = spec.get("versions") or []
    if [version.get("storage") for version in versions].count(True) != 1:
        detail = "must have exactly one version marked as storage version"
        faults.append(invalid("spec.versions", [v.get("name") for v in versions], detail))
    for index, version in enumerate(versions):
        # A single version is moved to the top of the spec before it is checked.
        at = "spec" if len(versions) == 1 else f"spec.versions[{index}]"
        faults += _version(version, at, f"spec.versions[{index}]")
    for key in ("plural", "singular", "kind", "listKind"):
        if not names.get(key):
            faults.append(required(f"spec.names.{key}"))
    return faults


def _version(version: Value, field: str, own: str) -> Faults:
    schema = (version.get("schema") or {}).get("openAPIV3Schema")
    if schema is None:
        return [required(f"{own}.schema.openAPIV3Schema")]
    middle = "validation" if field == "spec" else "schema"
    at = f"{field}.{middle}.openAPIV3Schema"
    faults = _structural(schema, at)
    if not schema.get("type"):
        faults.append(required(f"{at}.type", "must not be empty at the root"))
    elif schema["type"] != "object":
        faults.append(invalid(f"{at}.type", schema["type"], "must be object at the root"))
    for index, column in enumerate(version.get("additionalPrinterColumns") or ()):
        faults += _column(column, f"{field}.additionalPrinterColumns[{index}]")
    return faults


def _column(column: Value, field: str) -> Faults:
    faults: Faults = []
    if not column.get("name"):
        faults.append(required(f"{field}.name"))
    kind, path = column.get("type", ""), column.get("jsonPath", "")
    if kind not in _COLUMN_TYPES:
        detail = f"must be one of {','.join(_COLUMN_TYPES)}"
        faults.append(invalid(f"{field}.type", kind, detail))
    if not path.startswith("."):
        detail = "must be a simple json path starting with ."
        faults.append(invalid(f"{field}.JSONPath", path, detail))
    return faults


def _structural(schema: Value, field: str) -> Faults:
    """The faults of the parts of a schema; its own type is its parent's concern."""
    faults: Faults = []
    properties = schema.get("properties") or {}
    for name in sorted(properties):
        faults += _part(properties[name], f"{field}.properties[{name}]", "object fields")
    if isinstance(schema.get("items"), dict):
        faults += _part(schema["items"], f"{field}.items", "array items")
    if isinstance(schema.get("additionalProperties"), dict):
        values = schema["additionalProperties"]
        faults += _part(values, f"{field}.additionalProperties", "map values")
    if schema.get("type") == "array" and not schema.get("items"):
        faults.append(required(f"{field}.items", "must be specified"))
    keys = schema.get("x-kubernetes-list-map-keys")
    if schema.get("x-kubernetes-list-type") == "map" and not keys:
        detail = "must not be empty if x-kubernetes-list-type is map"
        faults.append(required(f"{field}.x-kubernetes-list-map-keys", detail))
    return faults + _default(schema, field) + _rules(schema, field)


def _part(schema: Value, field: str, what: str) -> Faults:
    faults = _structural(schema, field)
    untyped = schema.get("x-kubernetes-int-or-string") or schema.get(
        "x-kubernetes-preserve-unknown-fields"
    )
    if not schema.get("type") and not untyped:
        faults.append(required(f"{field}.type", f"must not be empty for specified {what}"))
    return faults


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
    for index, rule in enumerate(schema.get("x-kubernetes-validations") or ()):
        at = f"{field}.x-kubernetes-validations[{index}]"
        if not (rule.get("rule") or "").strip():
            faults.append(required(f"{at}.rule", "rule is not specified"))
            continue
        for part in ("rule", "messageExpression"):
            try:
                check_syntax(rule.get(part) or "true")
            except WrongExpression as wrong:
                detail = f"{_CALLED[part]}compilation failed: {wrong}"
                faults.append(invalid(f"{at}.{part}", rule[part], detail))
    return faults


_CALLED = {"rule": "", "messageExpression": "messageExpression "}
