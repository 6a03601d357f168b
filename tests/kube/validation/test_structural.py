"""Custom objects against their schemas and rules, in Kubernetes' words."""

from typing import Any

import pytest

from kiban.kube.validation.schema_rules import validate_rules
from kiban.kube.validation.string_formats import is_of_format
from kiban.kube.validation.structural import validate_structure


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {"spec": {"type": "object", "properties": properties}}}


def faults(value: Any, field: dict[str, Any], old: Any = None) -> list[str]:
    before = None if old is None else {"spec": {"f": old}}
    found = validate_structure({"spec": {"f": value}}, schema(f=field), before)
    return [str(fault) for fault in found]


@pytest.mark.parametrize(
    ("value", "field", "said"),
    [
        (True, {"type": "string"}, 'must be of type string: "boolean"'),
        ("abc", {"type": "string", "minLength": 4}, "should be at least 4 chars long"),
        ("A", {"type": "string", "pattern": "^[a-z]$"}, "should match '^[a-z]$'"),
        (5, {"type": "integer", "multipleOf": 2}, "should be a multiple of 2"),
        (2, {"type": "number", "maximum": 2, "exclusiveMaximum": True}, "should be less than 2"),
        ({}, {"type": "object", "minProperties": 1}, "should have at least 1 properties"),
        (["a", "a"], {"type": "array", "x-kubernetes-list-type": "set"}, 'Duplicate value: "a"'),
        ("x", {"not": {"type": "string"}}, '"spec.f" must not validate the schema (not)'),
        (2**40, {"type": "integer", "format": "int32"}, "with format int32 in spec.f"),
    ],
)
def test_a_value_that_breaks_its_schema_is_told_so(value: Any, field: Any, said: str) -> None:
    assert [text for text in faults(value, field) if text.endswith(said)] != []


def test_what_did_not_change_is_not_judged_again() -> None:
    assert faults("x", {"type": "integer"}, old="x") == []
    assert faults("y", {"type": "integer"}, old="x") != []


def test_formats_that_are_known_are_checked() -> None:
    assert is_of_format("2026-01-01T00:00:00Z", "date-time")
    assert not is_of_format("noon", "date-time")
    assert is_of_format("1h30m", "duration")
    assert not is_of_format("soon", "duration")
    assert is_of_format("anything", "unheard-of")


RULED = schema(
    f={"type": "integer", "x-kubernetes-validations": [{"rule": "self >= oldSelf"}]},
)
RULED["properties"]["spec"]["x-kubernetes-validations"] = [
    {"rule": "self.f < 10", "message": "too big", "reason": "FieldValueForbidden"}
]


def test_rules_are_asked_of_the_object_and_of_its_change() -> None:
    assert validate_rules({"spec": {"f": 3}}, RULED, []) == []
    [fault] = validate_rules({"spec": {"f": 11}}, RULED, [])
    assert str(fault) == "spec: Forbidden: too big"
    [fault] = validate_rules({"spec": {"f": 2}}, RULED, [], {"spec": {"f": 3}})
    assert str(fault) == "spec.f: Invalid value: 2: failed rule: self >= oldSelf"


def test_rules_wait_until_the_object_has_the_right_form() -> None:
    broken = validate_structure({"spec": {"f": "x"}}, RULED)
    [fault] = validate_rules({"spec": {"f": "x"}}, RULED, broken)
    assert fault.message.startswith("Invalid value: null: some validation rules were not checked")
