"""The figures as a table for people: ours, the aim, kubectl's in the same run, and how one stands
to the other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.delivery.peer import version


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; less is better. `peer` is kubectl's on the same objects in the same run, `aim`
    what was wanted of it."""

    name: str
    ours: float
    unit: str
    peer: float | None = None
    aim: float | None = None
    note: str = ""

    @property
    def times_better(self) -> float | None:
        """How many times better than kubectl; below one, worse."""
        return self.peer / self.ours if self.peer is not None and self.ours else None

    @property
    def is_met(self) -> bool | None:
        return None if self.aim is None else self.ours <= self.aim


def as_data(rows: Sequence[Row]) -> dict[str, Any]:
    figures = [
        {**asdict(row), "times_better": row.times_better, "aim_met": row.is_met} for row in rows
    ]  # fmt: skip
    return {"kubectl": version(), "figures": figures}


def show(rows: Sequence[Row]) -> None:
    table = Table("measured", "kiban", "aim", "kubectl", "times better", "of which")
    for column in table.columns[1:5]:
        column.justify = "right"
    for row in rows:
        better = row.times_better
        table.add_row(
            row.name,
            _amount(row.ours, row.unit),
            _amount(row.aim, row.unit),
            _amount(row.peer, row.unit),
            f"{better:.1f}" if better is not None else "",
            row.note,
        )
    Console(width=160).print(table)


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if value >= 100 or value == int(value) else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()
