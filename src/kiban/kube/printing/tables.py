"""Which columns each kind has, and the cells of a row. `*` marks columns of `-o wide`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.kube.printing import settings
from kiban.kube.printing.catalog import SELF_NAMED, TABLES, Cells
from kiban.kube.printing.durations import age
from kiban.primitives.instants import Instant


@dataclass(frozen=True, slots=True)
class Column:
    """One entry of `columnDefinitions`; a priority above 0 is shown with `-o wide` only."""

    name: str
    type: str = "string"
    format: str = ""
    priority: int = 0
    description: str = ""

    def as_data(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description or self.name,
            "priority": self.priority,
        }


@dataclass(frozen=True, slots=True)
class Printer:
    """How a kind is shown: its columns, and the cells of one object."""

    columns: tuple[Column, ...]
    cells: Cells

    def table(
        self,
        rows: Iterable[tuple[Manifest, Any]],
        now: Instant,
        metadata: Mapping[str, Any],
        *,
        headed: bool = True,
    ) -> Manifest:
        """A `Table` of objects, each with what goes into its row's `object`; None leaves it out.
        Of a watch only the first one is `headed` by its columns."""
        columns = [column.as_data() for column in self.columns] if headed else None
        return {
            "kind": "Table",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": dict(metadata),
            "columnDefinitions": columns,
            "rows": [self._row(item, shown, now) for item, shown in rows],
        }

    def _row(self, manifest: Manifest, shown: Any, now: Instant) -> dict[str, Any]:
        row = {"cells": self.cells(manifest, now), "object": shown}
        ending = _ending(manifest)
        return {**row, "conditions": ending} if ending else row


def _ending(manifest: Manifest) -> list[dict[str, str]]:
    """What marks the row of a pod that has ended, so that clients may hide it."""
    phase = (manifest.get("status") or {}).get("phase") if manifest.get("kind") == "Pod" else ""
    if phase not in _ENDINGS:
        return []
    message = _ENDINGS[phase]
    return [{"type": "Completed", "status": "True", "reason": phase, "message": message}]


_ENDINGS = {
    "Succeeded": "The pod has completed successfully.",
    "Failed": "The pod failed.",
}
_TYPES = {"#": "integer", "?": "boolean", "@": "date"}


def _columns(text: str) -> tuple[Column, ...]:
    """Columns from `Name|Ready|Count#|Node*`: marks for the type, and for wide columns."""
    return tuple(_column(part) for part in text.split("|"))


def _column(part: str) -> Column:
    wide = part.endswith("*")
    part = part.removesuffix("*")
    kind = _TYPES.get(part[-1], "string")
    name = part if kind == "string" else part[:-1]
    return Column(name, kind, "name" if name == "Name" else "", int(wide))


def _named(cells: Cells) -> Cells:
    return lambda manifest, now: [manifest["metadata"]["name"], *cells(manifest, now)]


_OTHERS = Printer(_columns("Name|Created At@"), _named(settings.created_at))
_PRINTERS = {
    kind: Printer(_columns(text), cells if cells in SELF_NAMED else _named(cells))
    for kind, (text, cells) in TABLES.items()
}
_CUSTOM_DEFAULT = Printer(_columns("Name|Age@"), _named(settings.only_age))


def printer_of(info: KindInfo) -> Printer:
    """How a built-in kind is shown."""
    known = _PRINTERS.get(info.group_kind)
    if known is not None:
        return known
    return _OTHERS if info.type_name else _CUSTOM_DEFAULT


def custom_printer(version: Mapping[str, Any]) -> Printer:
    """How a custom kind is shown: the columns that a version of its definition declares."""
    declared = version.get("additionalPrinterColumns") or []
    if not declared:
        return _CUSTOM_DEFAULT
    columns = [
        Column(
            entry["name"],
            entry["type"],
            entry.get("format", ""),
            entry.get("priority", 0),
            entry.get("description", ""),
        )
        for entry in declared
    ]
    paths = [(entry["jsonPath"], entry["type"]) for entry in declared]

    def cells(manifest: Manifest, now: Instant) -> list[Any]:
        values = [_custom_cell(simple_path(manifest, path), kind, now) for path, kind in paths]
        return [manifest["metadata"]["name"], *values]

    return Printer((Column("Name", format="name"), *columns), cells)


def _custom_cell(value: Any, kind: str, now: Instant) -> Any:
    if value is None:
        return None
    if kind == "date":
        try:
            return age(value, now)
        except (ValueError, TypeError):
            return "<invalid>"
    if kind == "string" and not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    return value


_STEP = re.compile(
    r"\.?([A-Za-z0-9_$-]+(?:\\\.[A-Za-z0-9_/$-]+)*)"
    r"|\[(?:'([^']*)'|\"([^\"]*)\"|(-?\d+)|\?\(@\.([\w.]+)\s*==\s*['\"]([^'\"]*)['\"]\))\]"
)


def simple_path(tree: Any, path: str) -> Any:
    """The first value at a simple JSONPath: `.spec.size`, `.a[0].b`, `.c[?(@.type=="Ready")].d`."""
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None:
            return None
        tree = _step(tree, match)
        if tree is None:
            return None
        position = match.end()
    return tree


def _step(tree: Any, match: re.Match[str]) -> Any:
    name, single, double, index, field, wanted = match.groups()
    if field is not None:
        items = tree if isinstance(tree, list) else []
        return next((item for item in items if str(simple_path(item, field)) == wanted), None)
    if index is not None:
        fits = isinstance(tree, list) and -len(tree) <= int(index) < len(tree)
        return tree[int(index)] if fits else None
    key = next(text for text in (name, single, double) if text is not None).replace("\\.", ".")
    return tree.get(key) if isinstance(tree, dict) else None
