"""What a custom kind's schema keeps, drops and adds."""

from typing import Any

from kiban.kube.schema.structural import defaulted, pruned

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer", "default": 3},
                "none": {"type": "string"},
                "may": {"type": "string", "nullable": True},
                "list": {"type": "array", "items": {"type": "string"}},
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        }
    },
}


def test_unknown_fields_go_and_are_named() -> None:
    unknown: list[str] = []
    sent = {"kind": "W", "spec": {"x": 1, "list": {"a": 1}, "free": {"y": {"z": 1}}}, "extra": 1}
    kept = pruned(sent, SCHEMA, unknown)
    assert kept == {"kind": "W", "spec": {"list": {}, "free": {"y": {"z": 1}}}}
    assert unknown == ["spec.x", "spec.list.a", "extra"]


def test_defaults_come_and_nulls_go_where_they_may_not_be() -> None:
    sent = {"spec": {"size": None, "none": None, "may": None}}
    assert defaulted(sent, SCHEMA) == {"spec": {"size": 3, "may": None}}
