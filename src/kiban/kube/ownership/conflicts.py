"""Conflicts between appliers, in the words of the API server."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kiban.kube.ownership.elements import written
from kiban.kube.ownership.entries import Entry
from kiban.kube.ownership.fieldsets import FieldSet, paths_of


@dataclass(frozen=True, slots=True)
class Conflict:
    """One field, and the manager that owns it as messages name it."""

    manager: str
    field: str


class FieldConflicts(Exception):
    """An apply that would change fields of others (HTTP 409, reason Conflict)."""

    def __init__(self, conflicts: Iterable[Conflict]) -> None:
        self.conflicts = tuple(conflicts)
        number = len(self.conflicts)
        plural = "" if number == 1 else "s"
        super().__init__(f"Apply failed with {number} conflict{plural}: {_text(self.conflicts)}")

    @property
    def causes(self) -> list[dict[str, Any]]:
        """`details.causes` of the Status."""
        return [
            {
                "reason": "FieldManagerConflict",
                "message": f"conflict with {conflict.manager}",
                "field": conflict.field,
            }
            for conflict in self.conflicts
        ]


def _text(conflicts: tuple[Conflict, ...]) -> str:
    if len(conflicts) == 1:
        return f"conflict with {conflicts[0].manager}: {conflicts[0].field}"
    lines: list[str] = []
    for manager in sorted({conflict.manager for conflict in conflicts}):
        lines.append(f"conflicts with {manager}:")
        lines += [f"- {entry.field}" for entry in conflicts if entry.manager == manager]
    return "\n".join(lines)


def conflicts_with(entry: Entry, fields: FieldSet) -> list[Conflict]:
    return [Conflict(described(entry), written(path)) for path in paths_of(fields)]


def described(entry: Entry) -> str:
    """`"maker" with subresource "status" using v1`; appliers are named without a version."""
    text = f'"{entry.manager}"'
    if entry.subresource:
        text += f' with subresource "{entry.subresource}"'
    return text if entry.operation == "Apply" else f"{text} using {entry.api_version}"
