"""The handful of numbers that stand at the top of a report, with their range over the seeds and
what they were before."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from kiban.rehearsal.report.scale import short
from kiban.rehearsal.summary import Range, Summary


@dataclass(frozen=True, slots=True)
class Figure:
    """A name, a value as text, its range as text, and the other revision's value."""

    name: str
    value: str
    spread: str = ""
    before: str = ""


# Name, total, unit.
_TOTALS = (
    ("requests", "requests", ""),
    ("failed requests", "failed", ""),
    ("cost", "cost_dollars", "$"),
    ("pods started", "pods_started", ""),
    ("nodes launched", "nodes_launched", ""),
)
# Name, figure, unit: the greatest value over time.
_PEAKS = (
    ("worst p99", "latency_p99", "s"),
    ("most nodes", "nodes", ""),
    ("most pods waiting", "pending", ""),
)


def figures(summary: Summary, base: Summary | None = None) -> list[Figure]:
    now, before = _values(summary), _values(base) if base else {}
    return [
        Figure(
            f"{name} in {short(summary.rehearsal.seconds, 's')}" if unit == "$" else name,
            short(found.median if unit else round(found.median), unit),
            _spread(short(found.low, unit), short(found.high, unit)),
            short(before[name][0].median, unit) if name in before else "",
        )
        for name, (found, unit) in now.items()
    ]


def _spread(low: str, high: str) -> str:
    """A range, where it is one by what is said of it."""
    return f"{low} – {high}" if low != high else ""


def _values(summary: Summary) -> dict[str, tuple[Range, str]]:
    totals = summary.ranges
    found = {name: (totals[total], unit) for name, total, unit in _TOTALS if total in totals}
    for name, figure, unit in _PEAKS:
        spread = summary.spreads.get((figure, ""))
        if spread is not None:
            peaks = [_peak(values) for values in (spread.median, spread.low, spread.high)]
            middle = peaks[0]
            found[name] = (Range(middle, peaks[1] or middle, peaks[2] or middle), unit)
    return found


def _peak(values: Sequence[float]) -> float:
    return max((value for value in values if isfinite(value)), default=0.0)
