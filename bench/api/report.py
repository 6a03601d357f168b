"""The figures as a table for people: ours, kube-apiserver's, and how one stands to the other."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `theirs` is kube-apiserver's on two cores with fsync, None where nobody measured.
    `cpu` is the server's processor time a piece, in milliseconds."""

    name: str
    ours: float
    unit: str
    theirs: float | None = None
    more_is_better: bool = False
    cpu: float | None = None
    note: str = ""

    @property
    def times_better(self) -> float | None:
        """How many times better ours is; below one, worse."""
        if not self.theirs or not self.ours:
            return None
        return self.ours / self.theirs if self.more_is_better else self.theirs / self.ours


def as_data(rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [{**asdict(row), "times_better": row.times_better} for row in rows]


def show(rows: Sequence[Row]) -> None:
    table = Table("measured", "kiban", "kube-apiserver", "times better", "server CPU", "of which")
    for column in table.columns[1:5]:
        column.justify = "right"
    for row in rows:
        better, theirs = row.times_better, row.theirs
        table.add_row(
            row.name,
            _amount(row.ours, row.unit),
            _amount(theirs, row.unit) if theirs is not None else "",
            f"{better:.2f}" if better is not None else "",
            f"{row.cpu:.3g} ms" if row.cpu is not None else "",
            row.note,
        )
    Console(width=140).print(table)


def _amount(value: float, unit: str) -> str:
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {unit}"
