"""Which charts a report shows, from the figures that there are: the platform first, then the
services, nodes and subnets that stand out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite

from kiban.rehearsal.report.chart import COLOURS, Chart, Line, Mark
from kiban.rehearsal.summary import Spread, Summary

Spreads = Mapping[tuple[str, str], Spread]


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart's title, the figures of the whole platform on it, or one figure of many subjects."""

    title: str
    figures: tuple[str, ...]
    by_subject: bool = False
    about: str = ""
    # The subjects that are shown: those with the greatest values, or with the least.
    least_first: bool = False
    # What is greater is drawn as this, so that the rest can be seen.
    most: float | None = None


NAMES: Mapping[str, str] = {
    "requests": "requests",
    "failed": "failed",
    "latency_p50": "half within",
    "latency_p99": "99 % within",
    "nodes": "nodes",
    "spot_nodes": "of these spot",
    "pending": "pods waiting for a node",
    "replicas": "replicas",
    "ready": "ready",
    "cost": "cost",
    "queue": "waiting requests",
}

PANELS = (
    Panel("Requests", ("requests",), about="What people ask for, from outside."),
    Panel("Failed requests", ("failed",), by_subject=True, about="By the service that failed."),
    Panel("Latency of the platform", ("latency_p50", "latency_p99")),
    Panel("Latency, 99 % within", ("latency_p99",), by_subject=True),
    Panel("Replicas", ("replicas",), by_subject=True),
    Panel(
        "Use of capacity",
        ("utilisation",),
        by_subject=True,
        about="1 is all that pods can do; more than 2 is drawn as 2.",
        most=2.0,
    ),
    Panel("Nodes", ("nodes", "spot_nodes", "pending")),
    Panel("Cost", ("cost",)),
    Panel("Free addresses", ("addresses_free",), by_subject=True, least_first=True),
    Panel("Error budget left", ("error_budget_left",), by_subject=True, least_first=True),
)


# A finding's chart, by its figure.
_TITLES: Mapping[str, str] = {
    **{panel.figures[0]: panel.title for panel in PANELS},
    "queue": "What waits in the queue",
    "pending": "Pods waiting for a node",
}


def charts(summary: Summary, base: Summary | None = None) -> list[Chart]:
    """Every panel for which there are figures; the base revision's are drawn faintly."""
    before = base.spreads if base else {}
    drawn = [_chart(panel, summary, before) for panel in PANELS]
    return [chart for chart in drawn if chart is not None]


def chart_of(summary: Summary, figure: str, subject: str) -> Chart | None:
    """The one chart that shows a finding."""
    found = summary.spreads
    subject = subject if (figure, subject) in found else ""
    spread = found.get((figure, subject))
    if spread is None:
        return None
    title = _TITLES.get(figure, figure.replace("_", " ").capitalize())
    title += f": {subject}" if subject else ""
    return _filled(summary, title, "", [_line(spread, _name(spread, by_subject=False))], spread)


def _chart(panel: Panel, summary: Summary, before: Spreads) -> Chart | None:
    found = summary.spreads
    shown = _subjects(panel, found) if panel.by_subject else _platform(panel, found)
    shown = [spread for spread in shown if any(value for value in spread.median)]
    if panel.most is not None:
        shown = [_cut(spread, panel.most) for spread in shown]
    if not shown:
        return None
    lines = [
        _line(spread, _name(spread, by_subject=panel.by_subject), colour)
        for colour, spread in enumerate(shown)
    ]
    for colour, spread in enumerate(shown):
        other = before.get((spread.figure, spread.subject))
        if other is not None and len(other.median) == len(spread.median):
            name = f"{_name(spread, by_subject=panel.by_subject)} before"
            lines.append(Line(name, other.median, colour, faint=True))
    return _filled(summary, panel.title, panel.about, lines, shown[0])


def _filled(
    summary: Summary, title: str, about: str, lines: Sequence[Line], first: Spread
) -> Chart:
    marks = tuple(Mark(each.at, each.text, each.is_fault) for each in summary.happenings)
    rehearsal = summary.rehearsal
    times = rehearsal.runs[0].times
    return Chart(
        title, first.unit, times, lines, marks, start_of_day=rehearsal.start_of_day, about=about
    )


def _platform(panel: Panel, found: Spreads) -> list[Spread]:
    return [found[figure, ""] for figure in panel.figures if (figure, "") in found]


def _subjects(panel: Panel, found: Spreads) -> list[Spread]:
    """As many as can be told apart."""
    (figure,) = panel.figures
    all_of = [spread for spread in found.values() if spread.figure == figure and spread.subject]
    if panel.least_first:
        all_of.sort(key=lambda spread: (_least(spread), spread.subject))
    else:
        all_of.sort(key=lambda spread: (-_greatest(spread), spread.subject))
    return all_of[:COLOURS]


def _greatest(spread: Spread) -> float:
    return max((value for value in spread.median if isfinite(value)), default=0.0)


def _least(spread: Spread) -> float:
    return min((value for value in spread.median if isfinite(value)), default=0.0)


def _cut(spread: Spread, most: float) -> Spread:
    median, low, high = (
        [min(value, most) for value in values]
        for values in (spread.median, spread.low, spread.high)
    )
    return replace(spread, median=median, low=low, high=high)


def _line(spread: Spread, name: str, colour: int = 0) -> Line:
    return Line(name, spread.median, colour, spread.low, spread.high)


def _name(spread: Spread, *, by_subject: bool) -> str:
    return spread.subject if by_subject else NAMES.get(spread.figure, spread.figure)
