"""One thing that is wrong with a field, and how Kubernetes writes it.

Source: k8s.io/apimachinery/pkg/util/validation/field/errors.go and api/errors.NewInvalid.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.kube.objects import GroupKind


@dataclass(frozen=True, slots=True)
class Fault:
    """`type` is the reason of the Status cause, `message` its text without the field."""

    type: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}"


Faults = list[Fault]


def invalid(field: str, value: Any, detail: str) -> Fault:
    return Fault("FieldValueInvalid", field, f"Invalid value: {shown(value)}: {detail}")


def required(field: str, detail: str = "") -> Fault:
    return Fault("FieldValueRequired", field, f"Required value{': ' + detail if detail else ''}")


def unsupported(field: str, value: Any, supported: Sequence[str]) -> Fault:
    names = ", ".join(shown(name) for name in supported)
    text = f"Unsupported value: {shown(value)}: supported values: {names}"
    return Fault("FieldValueNotSupported", field, text)


def duplicate(field: str, value: Any) -> Fault:
    return Fault("FieldValueDuplicate", field, f"Duplicate value: {shown(value)}")


def forbidden(field: str, detail: str) -> Fault:
    return Fault("FieldValueForbidden", field, f"Forbidden: {detail}")


def too_long(field: str, limit: int) -> Fault:
    return Fault("FieldValueTooLong", field, f"Too long: may not be more than {limit} bytes")


def not_found(field: str, value: Any) -> Fault:
    return Fault("FieldValueNotFound", field, f"Not found: {shown(value)}")


def shown(value: Any) -> str:
    """A value as messages show it: JSON, compact."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def all_invalid(field: str, value: Any, details: Iterable[str]) -> Faults:
    return [invalid(field, value, detail) for detail in details]


def at_least(field: str, value: Any, least: int = 0) -> Faults:
    """A whole number that must not be less."""
    if value is None or value >= least:
        return []
    return [invalid(field, value, f"must be greater than or equal to {least}")]


def one_of(field: str, value: Any, supported: Sequence[str]) -> Faults:
    return [] if value in supported else [unsupported(field, value, supported)]


def immutable(field: str, old: Any, new: Any) -> Faults:
    return [] if old == new else [invalid(field, new, "field is immutable")]


def invalid_message(kind: GroupKind, name: str, faults: Sequence[Fault]) -> str:
    """`Deployment.apps "d" is invalid: …`, the message of a 422."""
    texts = list(dict.fromkeys(str(fault) for fault in faults))
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return f'{kind} "{name}" is invalid: {text}'


def status_causes(faults: Sequence[Fault]) -> list[dict[str, str]]:
    """`details.causes` of a 422."""
    return [
        {"reason": fault.type, "message": fault.message, "field": fault.field} for fault in faults
    ]
