"""One chart of a report as SVG: lines over the time of day, with the range over all seeds as a
band, what happened as marks, and a limit where there is one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isfinite

from kiban.rehearsal.report.markup import Markup, element
from kiban.rehearsal.report.scale import Scale, clock, short, thinned, ticks, time_ticks

WIDTH, HEIGHT = 640, 210
LEFT, RIGHT, TOP, BOTTOM = 58, 10, 18, 24
# More points than pixels say nothing more.
MOST_POINTS = 500
COLOURS = 6


@dataclass(frozen=True, slots=True)
class Line:
    """Values at the chart's times; NaN where there was nothing. `colour` is a place in the
    palette. `low` and `high` are the least and the greatest over all seeds. A faint line is the
    other revision's, for comparison."""

    name: str
    values: Sequence[float]
    colour: int = 0
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened: seconds since the start, a few words, and whether it is a fault."""

    at: float
    text: str
    fault: bool = False


@dataclass(frozen=True, slots=True)
class Chart:
    """`times` are seconds since the start, of which `start_of_day` is the time of day."""

    title: str
    unit: str
    times: Sequence[float]
    lines: Sequence[Line]
    marks: Sequence[Mark] = field(default_factory=tuple)
    limit: float | None = None
    start_of_day: float = 0.0
    about: str = ""


def drawn(chart: Chart) -> Markup:
    """A figure with its title, legend and picture."""
    return element(
        "figure",
        element("figcaption", element("h3", chart.title), _legend(chart)),
        picture(chart),
        element("p", chart.about, class_="about") if chart.about else None,
        class_="chart",
    )


def _legend(chart: Chart) -> Markup | None:
    if len(chart.lines) < 2:
        return None
    return element(
        "ul",
        [
            element("li", element("i", class_=f"key {_style(line)}"), line.name)
            for line in chart.lines
        ],
        class_="legend",
    )


def picture(chart: Chart) -> Markup:
    """The chart without title and legend."""
    first, last = (chart.times[0], chart.times[-1]) if chart.times else (0.0, 1.0)
    heights = ticks(_greatest(chart), unit=chart.unit)
    across = Scale(first, last, LEFT, WIDTH - RIGHT)
    upward = Scale(0.0, heights[-1], HEIGHT - BOTTOM, TOP)
    return element(
        "svg",
        element("title", f"{chart.title}: {_summary(chart)}"),
        [_height(value, upward, chart.unit) for value in heights],
        [_time(value, across, chart.start_of_day) for value in time_ticks(first, last)],
        [_mark(mark, across, chart.start_of_day) for mark in chart.marks],
        _limit(chart, upward),
        [_band(line, chart.times, across, upward) for line in chart.lines],
        [_line(line, chart.times, across, upward) for line in chart.lines],
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        height=HEIGHT,
        role="img",
        data_first=f"{first:g}",
        data_last=f"{last:g}",
    )


def _greatest(chart: Chart) -> float:
    values = [
        value
        for line in chart.lines
        for value in (*line.values, *line.high)
        if isfinite(value)
    ]  # fmt: skip
    return max([*values, chart.limit or 0.0], default=0.0)


def _summary(chart: Chart) -> str:
    """For those who cannot see the picture."""
    parts = []
    for line in chart.lines:
        values = [value for value in line.values if isfinite(value)]
        if values:
            least, most = short(min(values), chart.unit), short(max(values), chart.unit)
            parts.append(f"{line.name} from {least} to {most}")
    return "; ".join(parts) or "nothing measured"


def _height(value: float, upward: Scale, unit: str) -> Markup:
    y = f"{upward(value):.1f}"
    return element(
        "g",
        element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y),
        element("text", short(value, unit), x=LEFT - 6, y=y, dy="0.32em", text_anchor="end"),
        class_="grid",
    )


def _time(value: float, across: Scale, start_of_day: float) -> Markup:
    x = across(value)
    # The last one would stick out of the picture.
    anchor = "middle" if x < WIDTH - 24 else "end"
    text = clock(value, start_of_day)
    return element("text", text, x=f"{x:.1f}", y=HEIGHT - 7, text_anchor=anchor, class_="time")


def _mark(mark: Mark, across: Scale, start_of_day: float) -> Markup:
    x = f"{across(mark.at):.1f}"
    return element(
        "g",
        element("title", f"{clock(mark.at, start_of_day)} {mark.text}"),
        element("line", x1=x, x2=x, y1=TOP - 6, y2=HEIGHT - BOTTOM),
        element("circle", cx=x, cy=TOP - 8, r=4),
        class_="mark fault" if mark.fault else "mark",
    )


def _limit(chart: Chart, upward: Scale) -> Markup | None:
    if chart.limit is None:
        return None
    y = f"{upward(chart.limit):.1f}"
    return element(
        "g",
        element("title", f"limit {short(chart.limit, chart.unit)}"),
        element("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y),
        class_="limit",
    )


def _line(line: Line, times: Sequence[float], across: Scale, upward: Scale) -> Markup:
    steps: list[str] = []
    pen_up = True
    for at in thinned([value if isfinite(value) else 0.0 for value in line.values], MOST_POINTS):
        value = line.values[at]
        if not isfinite(value):
            pen_up = True
            continue
        steps.append(f"{'M' if pen_up else 'L'}{across(times[at]):.1f} {upward(value):.1f}")
        pen_up = False
    return element(
        "path",
        d="".join(steps),
        class_=f"line {_style(line)}",
        data_name=line.name,
    )


def _band(line: Line, times: Sequence[float], across: Scale, upward: Scale) -> Markup | None:
    if not line.low or not line.high:
        return None
    shown = [
        at
        for at in thinned(line.high, MOST_POINTS)
        if isfinite(line.low[at]) and isfinite(line.high[at])
    ]
    there = [f"{across(times[at]):.1f},{upward(line.high[at]):.1f}" for at in shown]
    back = [f"{across(times[at]):.1f},{upward(line.low[at]):.1f}" for at in reversed(shown)]
    return element("polygon", points=" ".join(there + back), class_=f"band {_style(line)}")


def _style(line: Line) -> str:
    return f"c{line.colour % COLOURS}" + (" faint" if line.faint else "")
