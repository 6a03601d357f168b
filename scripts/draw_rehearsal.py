"""Draws the plots of the README: the example's spot machines are all taken back at half past
twelve, and a disruption budget holds on to pods until it is too late.

    python scripts/draw_rehearsal.py
"""

from pathlib import Path

from kiban.rehearsal.report.panels import PANELS, charts
from kiban.rehearsal.report.standalone import svg_file
from kiban.rehearsal.results import Rehearsal
from kiban.rehearsal.running import Case, prepared, rehearse_once
from kiban.rehearsal.summary import summarised
from kiban.spec import read_directory

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
DRAWN = {"Failed requests": "spot-sweep-failed.svg", "Replicas": "spot-sweep-replicas.svg"}


def main() -> None:
    case = Case(read_directory(ROOT / "examples" / "arcade"), "prod", ("spot-sweep",))
    ready = prepared(case)
    run, _ = rehearse_once(case, 1)
    rehearsal = Rehearsal(
        ready.platform, "prod", ready.scenario.name, "", ready.scenario.seconds,
        ready.scenario.begin, [run],
    )  # fmt: skip
    IMAGES.mkdir(parents=True, exist_ok=True)
    assert {panel.title for panel in PANELS} >= DRAWN.keys()
    for chart in charts(summarised(rehearsal)):
        if chart.title in DRAWN:
            (IMAGES / DRAWN[chart.title]).write_text(svg_file(chart))


if __name__ == "__main__":
    main()
