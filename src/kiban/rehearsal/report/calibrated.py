"""Model against measurement, side by side: as text, page and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, nan
from statistics import fmean, median
from typing import Any

from kiban.rehearsal.calibration import Calibration, Comparison
from kiban.rehearsal.modelling import Modelled
from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.report.chart import Chart, Line, drawn
from kiban.rehearsal.report.markup import Markup, element
from kiban.rehearsal.report.page import table
from kiban.rehearsal.report.scale import short
from kiban.rehearsal.report.style import SCRIPT, STYLESHEET
from kiban.rehearsal.wording import as_written

UNITS: Mapping[str, str] = {"requests": "/s", "cpu": "cores", "p50": "s", "p99": "s"}
# Units of parameters; what is not here is a plain number.
PARAMETER_UNITS: Mapping[str, str] = {
    "time": "s", "cpu": "s", "idle_cpu": "cores", "memory": "B", "memory_each": "B",
    "start": "s", "peak": "/s",
}  # fmt: skip
_NAMES: Mapping[str, str] = {
    "requests": "Requests",
    "cpu": "CPU",
    "p50": "Median response time",
    "p99": "99th percentile",
}
# Less than this is nothing, measured or not.
_NOTHING = 1e-3
# A burst of noise in one sample must not stand for all of them.
_BY_MEDIAN = ("p50", "p99")
HOW = (
    "Requests and CPU are means over all samples, percentiles the medians of the samples'. "
    "The model has the fitted parameters, also where rehearsal.yaml declares others."
)
Recordings = Mapping[str, Recording]


@dataclass(frozen=True, slots=True)
class Pair:
    """A figure of a service over the whole load."""

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
            model = answer.of(service, figure)
            values = recording.figures.get(figure, ())
            both = [
                (value, other)
                for value, other in zip(values, model, strict=False)
                if isfinite(value) and isfinite(other)
            ]
            if both:
                middle = median if figure in _BY_MEDIAN else fmean
                measured, modelled = (middle(side) for side in zip(*both, strict=True))
                if measured or modelled > _NOTHING:
                    yield Pair(service, figure, measured, modelled)


def side_by_side(found: Calibration, recordings: Recordings, answer: Modelled) -> str:
    """For a terminal."""
    rows = [("service", "figure", "measured", "model", "model / measured")]
    rows += [_row(pair) for pair in pairs(recordings, answer)]
    fitted = [("of", "parameter", "without", "fitted", "unexplained", "used")]
    fitted += _fitted(found)
    missing = [f"  {names}: {why}" for why, names in _reasons(found).items()]
    taken = ["Not fitted, and taken for granted as before:", *missing] if missing else []
    ranges = _ranges(recordings, answer)
    parts = [_columns(fitted), taken, _columns(rows), [HOW], ranges]
    return "\n".join(line for part in parts for line in ("", *part))


def calibration_page(found: Calibration, recordings: Recordings, answer: Modelled) -> str:
    """One HTML page that needs nothing from anywhere."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", "Calibration – rehearsal"),
        element("style", Markup(STYLESHEET)),
    )
    ranges = _ranges(recordings, answer)
    heads = ("Service", "Figure", "Measured", "Model", "Model / measured")
    fitted = ("Of", "Parameter", "Without", "Fitted", "Unexplained", "Used")
    missing = ("Of", "Parameter", "Value", "Why it could not be fitted")
    body = element(
        "body",
        element(
            "main",
            element("h1", "Model against measurement"),
            element("ul", [element("li", one) for one in ranges], class_="headlines"),
            element("h2", "Under the same load"),
            table(heads, [_row(pair) for pair in pairs(recordings, answer)], (2, 3, 4)),
            element("p", HOW),
            element("h2", "What was fitted"),
            table(fitted, list(_fitted(found)), (2, 3, 4)),
            element("h2", "What was not, and is taken for granted"),
            table(missing, list(_missing(found)), (2,)),
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
                "declared": one.is_declared,
            }
            for one in found.comparisons
        ],
        "unfitted": [
            {
                "service": one.service,
                "parameter": one.parameter,
                "value": one.assumed,
                "declared": one.is_declared,
                "why": one.why,
            }
            for one in found.missing
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


def _ranges(recordings: Recordings, answer: Modelled) -> list[str]:
    """How far model and measurement are apart, a line a figure."""
    ratios: dict[str, list[float]] = {}
    for pair in pairs(recordings, answer):
        if isfinite(pair.ratio):
            ratios.setdefault(pair.figure, []).append(pair.ratio)
    return [
        f"{_NAMES[figure]}: the model says {min(found):.2f} to {max(found):.2f} times what was "
        f"measured, over {len(found)} {'service' if len(found) == 1 else 'services'}"
        for figure, found in ratios.items()
    ]


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
            as_written(one.parameter),
            _value(one.parameter, one.assumed, is_declared=one.is_declared),
            _value(one.parameter, one.measured),
            f"{one.error:.0%}",
            _use(one),
        )


def _use(one: Comparison) -> str:
    return "yes" if one.is_used else "no: it explains too little"


def _missing(found: Calibration) -> Iterator[tuple[str, str, str, str]]:
    for one in found.missing:
        value = _value(one.parameter, one.assumed, is_declared=one.is_declared)
        yield one.service, as_written(one.parameter), value, one.why


def _reasons(found: Calibration) -> dict[str, str]:
    """Each reason once, with all that it holds for."""
    names: dict[str, dict[str, list[str]]] = {}
    for one in found.missing:
        names.setdefault(one.why, {}).setdefault(as_written(one.parameter), []).append(one.service)
    return {
        why: "; ".join(f"{name} of {', '.join(of)}" for name, of in parameters.items())
        for why, parameters in names.items()
    }


def _value(parameter: str, value: float, *, is_declared: bool = False) -> str:
    text = short(value, PARAMETER_UNITS.get(parameter, ""))
    return f"{text} (declared)" if is_declared else text


def _charts(recordings: Recordings, answer: Modelled) -> Iterator[Chart]:
    for service, recording in recordings.items():
        for figure in UNITS:
            model = answer.of(service, figure)
            values = recording.figures.get(figure, ())
            if model and any(isfinite(value) and value > 0 for value in values):
                lines = (Line("measured", values), Line("model", model, colour=1))
                yield Chart(f"{_NAMES[figure]}: {service}", UNITS[figure], recording.times, lines)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
