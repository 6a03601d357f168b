"""Model against measurement, side by side: as text, page and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from kiban.rehearsal.calibration import Calibration
from kiban.rehearsal.modelling import Modelled
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.report.chart import Chart, Line, drawn
from kiban.rehearsal.report.markup import Markup, element
from kiban.rehearsal.report.page import table
from kiban.rehearsal.report.scale import short
from kiban.rehearsal.report.style import SCRIPT, STYLESHEET

UNITS: Mapping[str, str] = {"requests": "/s", "cpu": "cores", "p50": "s", "p99": "s"}
Recordings = Mapping[str, Recording]


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of a service, on average over the whole load."""

    service: str
    figure: str
    measured: float
    modelled: float

    @property
    def ratio(self) -> float:
        return self.modelled / self.measured if self.measured else nan


def pairs(recordings: Recordings, answer: Modelled) -> Iterator[Pair]:
    """What both have, service by service."""
    for service, recording in recordings.items():
        for figure in UNITS:
            model = answer.at(service, figure, recording.times)
            values = recording.figures.get(figure, ())
            both = [
                (value, other)
                for value, other in zip(values, model, strict=False)
                if isfinite(value) and isfinite(other)
            ]
            if both:
                measured, modelled = (sum(side) / len(both) for side in zip(*both, strict=True))
                yield Pair(service, figure, measured, modelled)


def side_by_side(found: Calibration, recordings: Recordings, answer: Modelled) -> str:
    """For a terminal."""
    rows = [("service", "figure", "measured", "model", "model / measured")]
    rows += [_row(pair) for pair in pairs(recordings, answer)]
    fitted = [("service", "parameter", "assumed", "fitted", "unexplained")]
    fitted += [row[:5] for row in _fitted(found)]
    return "\n".join(["", *_columns(fitted), "", *_columns(rows)])


def calibration_page(found: Calibration, recordings: Recordings, answer: Modelled) -> str:
    """One HTML page that needs nothing from anywhere."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "Calibration – rehearsal"),
        element("style", Markup(STYLESHEET)),
    )
    heads = ("Service", "Figure", "Measured", "Model", "Model / measured")
    fitted = ("Service", "Parameter", "Assumed", "Fitted", "Unexplained", "Used")
    body = element(
        "body",
        element(
            "main",
            element("h1", "Model against measurement"),
            element("h2", "Under the same load"),
            table(heads, [_row(pair) for pair in pairs(recordings, answer)], (2, 3, 4)),
            element("h2", "Fitted parameters"),
            table(fitted, list(_fitted(found)), (2, 3, 4)),
            element("h2", "Over time"),
            element("div", [drawn(one) for one in _charts(recordings, answer)], class_="charts"),
        ),
        element("script", Markup(SCRIPT)),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def calibration_document(
    found: Calibration, recordings: Recordings, answer: Modelled
) -> dict[str, Any]:
    """For machines."""
    return {
        "format": 1,
        "parameters": [
            {
                "service": one.service,
                "parameter": one.parameter,
                "assumed": one.assumed,
                "fitted": one.measured,
                "unexplained": one.error,
                "samples": one.samples,
                "used": one.is_used,
            }
            for one in found.comparisons
        ],
        "figures": [
            {
                "service": pair.service,
                "figure": pair.figure,
                "measured": pair.measured,
                "model": pair.modelled,
            }
            for pair in pairs(recordings, answer)
        ],
    }


def _row(pair: Pair) -> tuple[str, str, str, str, str]:
    unit = UNITS[pair.figure]
    ratio = f"{pair.ratio:.2f}" if isfinite(pair.ratio) else "-"
    return (
        pair.service, pair.figure, short(pair.measured, unit), short(pair.modelled, unit), ratio,
    )  # fmt: skip


def _fitted(found: Calibration) -> Iterator[tuple[str, str, str, str, str, str]]:
    for one in found.comparisons:
        yield (
            one.service,
            one.parameter,
            f"{one.assumed:.4g}",
            f"{one.measured:.4g}",
            f"{one.error:.0%}",
            "yes" if one.is_used else "no",
        )


def _charts(recordings: Recordings, answer: Modelled) -> Iterator[Chart]:
    for service, recording in recordings.items():
        for figure in ("cpu", "p50"):
            model = answer.at(service, figure, recording.times)
            values = recording.figures.get(figure, ())
            if model and any(isfinite(value) for value in values):
                lines = (Line("measured", values), Line("model", model, colour=1))
                yield Chart(f"{figure} of {service}", UNITS[figure], recording.times, lines)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
