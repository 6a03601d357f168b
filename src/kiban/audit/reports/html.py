"""One HTML page that stands alone: the numbers, the map of the fleet, every finding."""

import re
from html import escape

from kiban.audit.heat import heat_map
from kiban.audit.results import WORDS, Report, Result, Status, by_scope

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem;
  color: #1c2321; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #dde2e0;
  vertical-align: top; }
code { font-size: .92em; overflow-wrap: anywhere; }
td:nth-child(2) code { white-space: nowrap; }
td:nth-child(3) { width: 34%; } td small { color: #51605b; }
.error { color: #9c2b12; } .warning { color: #8a5a00; } .advice, .unknown { color: #51605b; }
.map { overflow-x: auto; }
"""


def written(report: Report) -> str:
    counts = report.counted()
    numbers = ", ".join(f"{counts[one]} {WORDS[one]}" for one in Status if counts[one])
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>Findings</title><style>{_STYLE}</style></head><body>",
        f"<h1>Findings</h1><p>{escape(numbers) or 'No findings.'}</p>",
        f'<div class="map">{heat_map(report.results)}</div>',
    ]
    for problem in report.problems:
        parts.append(f'<p class="error">{escape(f"{problem.place}: {problem.what}")}</p>')
    for scope, results in sorted(by_scope(report.results).items()):
        parts.append(f"<h2>{escape(scope or 'Manifests')}</h2>{_table(results)}")
    return "\n".join([*parts, "</body></html>"]) + "\n"


def _table(results: list[Result]) -> str:
    head = "<tr><th>severity</th><th>rule</th><th>where</th><th>what</th><th>fix</th></tr>"
    return f"<table>{head}{''.join(_row(one) for one in results)}</table>"


def _row(result: Result) -> str:
    finding = result.finding
    severity = finding.severity.name.lower()
    kind = "unknown" if result.status is Status.UNKNOWN else severity
    shown = kind if result.counts or kind == "unknown" else f"{kind}, {result.status.value}"
    place = f"{result.place.file}:{result.place.line}" if result.place.file else ""
    where = f"{escape(str(finding.object))}<br><code>{escape(finding.path)}</code> {escape(place)}"
    what = f"{escape(finding.what)}<br><small>{escape(finding.why)}</small>"
    return (
        f'<tr><td class="{kind}">{shown}</td><td><code>{finding.rule}</code></td><td>{where}</td>'
        f"<td>{what}</td><td>{_marked(finding.fix)}</td></tr>"
    )


def _marked(text: str) -> str:
    """A sentence with its words of code marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
