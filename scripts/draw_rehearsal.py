"""Draws the plot of the README: what a rehearsed day of the example finds about `notify`.

python scripts/draw_rehearsal.py
"""

from dataclasses import replace
from pathlib import Path

from kiban.rehearsal.report.panels import chart_of
from kiban.rehearsal.report.standalone import svg_file
from kiban.rehearsal.results import Rehearsal
from kiban.rehearsal.running import Case, prepared, rehearse_once
from kiban.rehearsal.summary import summarised
from kiban.spec import read_directory

ROOT = Path(__file__).parent.parent
IMAGE = ROOT / "docs" / "images" / "rehearsed-queue.svg"


def main() -> None:
    case = Case(read_directory(ROOT / "examples" / "arcade"), "prod", ("day",))
    ready = prepared(case)
    run, _ = rehearse_once(case, 1)
    seconds, begin = ready.scenario.seconds, ready.scenario.begin
    rehearsal = Rehearsal(ready.platform, "prod", "day", "", seconds, begin, [run])
    chart = chart_of(summarised(rehearsal), "queue", "notify")
    assert chart is not None, "notify keeps up now; the README needs another finding"
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    IMAGE.write_text(svg_file(replace(chart, title="Messages that wait for notify, by the hour")))


if __name__ == "__main__":
    main()
