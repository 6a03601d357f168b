"""One chart as an SVG file of its own, for pages that cannot hold a report."""

from kiban.rehearsal.report.chart import HEIGHT, WIDTH, Chart, picture
from kiban.rehearsal.report.markup import Markup, element

# The light palette of the report's stylesheet: a file cannot ask for the reader's.
_STYLE = """
text { font: 11px system-ui, sans-serif; fill: #626b7a; } .name { font-size: 13px; fill: #1d2330; }
.grid line { stroke: #e4e2dd; }
.line { fill: none; stroke-width: 1.7; stroke-linejoin: round; } .band { opacity: .16; }
.c0 { stroke: #2f5fd0; fill: #2f5fd0; } .c1 { stroke: #d9742b; fill: #d9742b; }
.c2 { stroke: #1d8f7a; fill: #1d8f7a; } .c3 { stroke: #a6449e; fill: #a6449e; }
.c4 { stroke: #8b8000; fill: #8b8000; } .c5 { stroke: #5b6472; fill: #5b6472; }
path.line { fill: none; } .band { stroke: none; }
.mark line { stroke: #626b7a; stroke-dasharray: 2 3; } .mark circle { fill: #626b7a; }
.mark.fault line { stroke: #c22f3d; } .mark.fault circle { fill: #c22f3d; }
.limit line { stroke: #c22f3d; stroke-dasharray: 6 4; }
"""
_HEAD = 26
_LETTER = 7.2


def svg_file(chart: Chart) -> str:
    """The text of the file: title and legend above the picture, on white."""
    legend: list[Markup] = []
    x = 14 + _LETTER * (len(chart.title) + 4)
    for line in chart.lines if len(chart.lines) > 1 else ():
        legend.append(
            element("rect", x=f"{x:.0f}", y=12, width=14, height=3, class_=f"c{line.colour}")
        )
        legend.append(element("text", line.name, x=f"{x + 19:.0f}", y=17))
        x += 19 + _LETTER * (len(line.name) + 3)
    return (
        element(
            "svg",
            element("style", Markup(_STYLE)),
            element("rect", width=WIDTH, height=HEIGHT + _HEAD, fill="#ffffff"),
            element("text", chart.title, x=14, y=17, class_="name"),
            legend,
            element("g", picture(chart), transform=f"translate(0 {_HEAD})"),
            xmlns="http://www.w3.org/2000/svg",
            viewBox=f"0 0 {WIDTH} {HEIGHT + _HEAD}",
            width=WIDTH,
        )
        + "\n"
    )
