"""What was recorded of real traffic, from text: a CSV file, or the answer of a Prometheus range
query. Used to replay arrivals, and to fit the model's parameters.

A CSV file has a header with `time` (seconds, or RFC 3339) and figures by name; with a column
`service` it holds several services. Missing values are left empty.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan

from kiban.primitives.instants import MICROSECONDS, parse_rfc3339
from kiban.primitives.problems import KibanError, Place, Problem, nearest

# What a column may be called, and its figure. Rates are a second, times in seconds, CPU in cores
# and memory in bytes, of all instances together but for the times.
FIGURES = (
    *("requests", "pods", "cpu", "memory", "latency", "p50", "p90", "p95", "p99"),
    *("failed", "start"),
)


@dataclass(frozen=True, slots=True)
class Recording:
    """One service's figures at ascending times in seconds since the first; unknown ones are NaN."""

    times: Sequence[float]
    figures: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def arrivals(self) -> tuple[Sequence[float], Sequence[float]]:
        """Times and requests a second, to be replayed; what is unknown is left out."""
        pairs = [
            (time, value)
            for time, value in zip(self.times, self.figures["requests"], strict=True)
            if isfinite(value)
        ]
        return [time for time, _ in pairs], [value for _, value in pairs]


def read_csv(text: str, file: str, service: str = "") -> dict[str, Recording]:
    """The recordings of a CSV file by service; without a column of that name, of `service`.
    Raises `KibanError` with the line of the first mistake of each kind."""
    rows = csv.reader(text.splitlines())
    header = [name.strip() for name in next(rows, [])]
    problems = list(_check_header(header, file))
    if problems:
        raise KibanError(problems)
    table: dict[str, dict[float, dict[str, float]]] = {}
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        name = cells.get("service", service)
        time = _time(cells.get("time", ""), file, line)
        figures = {
            column: _number(cells.get(column, ""), file, line, column)
            for column in header
            if column in FIGURES
        }
        table.setdefault(name, {})[time] = figures
    return {name: _recording(table[name]) for name in sorted(table)}


def written_csv(recordings: Mapping[str, Recording]) -> str:
    """The file that `read_csv` reads these from."""
    names = [name for name in FIGURES if any(name in one.figures for one in recordings.values())]
    lines = [",".join(("time", "service", *names))]
    for service, one in sorted(recordings.items()):
        for number, time in enumerate(one.times):
            values = [one.figures[name][number] if name in one.figures else nan for name in names]
            cells = [f"{value:.6g}" if isfinite(value) else "" for value in values]
            lines.append(",".join((f"{time:.3f}", service, *cells)))
    return "\n".join(lines) + "\n"


def read_prometheus(
    text: str, file: str, figure: str = "requests", label: str = "service"
) -> dict[str, Recording]:
    """The series of a range query's answer, by the value of a label."""
    try:
        answer = json.loads(text)
        series = answer["data"]["result"]
        table = {
            entry["metric"].get(label, ""): {
                float(time): {figure: float(value)} for time, value in entry["values"]
            }
            for entry in series
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = "this is not the answer of a Prometheus range query"
        problem = Problem("rehearsal/recording", what, Place(file), why=str(error))
        raise KibanError(problem) from None
    return {name: _recording(table[name]) for name in sorted(table) if table[name]}


def merged(first: Recording, second: Recording) -> Recording:
    """Two recordings of one service at the times of both; both must count from the same time."""
    times = sorted({*first.times, *second.times})
    figures: dict[str, Sequence[float]] = {}
    for one in (first, second):
        for name, values in one.figures.items():
            known = dict(zip(one.times, values, strict=True))
            figures[name] = [known.get(time, nan) for time in times]
    return Recording(times, figures)


def _recording(rows: Mapping[float, Mapping[str, float]]) -> Recording:
    times = sorted(rows)
    names = sorted({name: None for time in times for name in rows[time]})
    figures = {name: [rows[time].get(name, nan) for time in times] for name in names}
    return Recording([time - times[0] for time in times], figures)


def _check_header(header: Sequence[str], file: str) -> list[Problem]:
    place = Place(file, 1, 1)
    found = []
    if "time" not in header:
        found.append(Problem("rehearsal/recording", "there is no column `time`", place))
    if not any(name in FIGURES for name in header):
        fix = "name the columns " + ", ".join(FIGURES)
        found.append(Problem("rehearsal/recording", "there is no figure", place, fix=fix))
    for name in header:
        if name not in ("time", "service", *FIGURES):
            meant = nearest(name, FIGURES)
            fix = f"did you mean `{meant}`?" if meant else "use one of: " + ", ".join(FIGURES)
            what = f"the column {name!r} means nothing"
            found.append(Problem("rehearsal/recording", what, place, fix=fix))
    return found


def _time(text: str, file: str, line: int) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        return parse_rfc3339(text) / MICROSECONDS
    except ValueError:
        what = f"{text!r} is not a time; write seconds, or 2026-01-15T12:00:00Z"
        raise KibanError(Problem("rehearsal/recording", what, Place(file, line, 1))) from None


def _number(text: str, file: str, line: int, column: str) -> float:
    if not text:
        return nan
    try:
        return float(text)
    except ValueError:
        what = f"{text!r} is not a number for `{column}`"
        raise KibanError(Problem("rehearsal/recording", what, Place(file, line, 1))) from None
