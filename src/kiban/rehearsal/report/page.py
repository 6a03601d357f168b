"""A rehearsal as one HTML page: the verdict first, then why, then the plots, then everything that
was assumed."""

from collections.abc import Sequence

from kiban.rehearsal.comparing import compared
from kiban.rehearsal.report.changed import differences
from kiban.rehearsal.report.chart import drawn
from kiban.rehearsal.report.figures import Figure, figures
from kiban.rehearsal.report.folding import alike, counted, grounds, headlines, moment
from kiban.rehearsal.report.markup import Markup, element, joined
from kiban.rehearsal.report.panels import chart_of, charts
from kiban.rehearsal.report.scale import short
from kiban.rehearsal.report.style import SCRIPT, STYLESHEET
from kiban.rehearsal.results import Rehearsal
from kiban.rehearsal.scenarios.timelines import named
from kiban.rehearsal.summary import Seen, Summary, Tally
from kiban.rehearsal.traffic.losses import CAUSES
from kiban.rehearsal.wording import as_written

WORDS = {"pass": "passed", "fail": "failed", "unknown": "unknown"}
_ORDER = {"fail": 0, "unknown": 1, "pass": 2}
# The service and cause of a loss that nobody would look for any more.
MOST_LOSSES = 40


def page(summary: Summary, base: Summary | None = None, command: str = "") -> str:
    """The whole page; `base` is the revision it is compared with, `command` what made it."""
    rehearsal = summary.rehearsal
    title = f"{rehearsal.platform} {rehearsal.environment}: {rehearsal.scenario}"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", f"{title} – rehearsal"),
        element("style", Markup(STYLESHEET)),
    )
    body = element(
        "body",
        element("main", _content(summary, base, title), _footer(rehearsal, command)),
        element("script", Markup(SCRIPT)),
    )
    return "<!doctype html>\n" + element("html", head, body, lang="en") + "\n"


def _content(summary: Summary, base: Summary | None, title: str) -> Markup:
    rehearsal = summary.rehearsal
    return joined(
        _header(summary, base.rehearsal if base else None, title),
        element("section", [_card(each) for each in figures(summary, base)], class_="cards"),
        _section("What changed", _changes(summary, base)) if base else None,
        _section("Expectations", _expectations(summary.tallies, len(rehearsal.runs))),
        _section(
            "Findings", [_finding(each, others, summary) for each, others in alike(summary.seen)]
        ),
        _section(
            "The day" if rehearsal.seconds >= 86400 else "What happened",
            element("div", [drawn(each) for each in charts(summary, base)], class_="charts"),
        ),
        _section("Requests that failed, and why", _losses(summary)),
        _section("What was assumed", _assumptions(rehearsal)),
    )


def _header(summary: Summary, base: Rehearsal | None, title: str) -> Markup:
    rehearsal = summary.rehearsal
    runs = len(rehearsal.runs)
    against = f", compared with {base.revision}" if base else ""
    seeds = "1 seed" if runs == 1 else f"{runs} seeds"
    hours = short(rehearsal.seconds, "s")
    line = f"{seeds} of {hours} each, revision {rehearsal.revision}{against}"
    answer = rehearsal.answer
    return element(
        "header",
        element("h1", title, " ", element("span", WORDS[answer], class_=f"verdict {answer}")),
        element("p", line),
        [element("p", each) for each in counted(summary)],
        _headlines(summary),
    )


def _headlines(summary: Summary) -> Markup | None:
    """What went wrong first, for who has ten seconds."""
    lines = headlines(summary)
    if not lines:
        return None
    return element("ul", [element("li", each) for each in lines], class_="headlines fail")


def _card(figure: Figure) -> Markup:
    return element(
        "div",
        element("span", figure.name),
        element("b", figure.value),
        element("span", figure.spread) if figure.spread else None,
        element("span", f"before: {figure.before}", class_="was") if figure.before else None,
        class_="card",
    )


def _section(title: str, content: object) -> Markup | None:
    return element("section", element("h2", title), content) if content else None


def _changes(summary: Summary, base: Summary) -> Markup:
    found = differences(compared(base, summary))
    if not found:
        return element("p", "Nothing, beyond what the dice do.")
    heads = ("", "Before", "Now")
    cells = [
        (each.what, each.before, element("span", each.now, class_=each.answer)) for each in found
    ]
    return table(heads, cells)


def _expectations(tallies: Sequence[Tally], runs: int) -> Markup | None:
    if not tallies:
        return None
    return table(
        ("", "Expectation", "Of", "Held", "Found", "Because"),
        [
            (
                element("span", WORDS[tally.answer], class_=tally.answer),
                tally.expectation,
                tally.subject or "the platform",
                element("span", f"{tally.counts['pass']} of {runs}", class_="whole"),
                tally.verdict.found
                + (f", {tally.verdict.worst}" if tally.verdict.worst else "")
                + (f" (seed {tally.seed})" if runs > 1 else ""),
                tally.verdict.cause,
            )
            for tally in sorted(
                tallies, key=lambda each: (_ORDER[each.answer], -each.verdict.weight)
            )
        ],
    )


def _finding(found: Seen, others: Sequence[str], summary: Summary) -> Markup:
    rehearsal = summary.rehearsal
    finding = found.finding
    when = moment(finding, rehearsal)
    when = f" at {when}" if when else ""
    runs = f"in {found.runs} of {len(rehearsal.runs)} runs" if len(rehearsal.runs) > 1 else ""
    chart = chart_of(summary, finding.track, finding.subject) if finding.track else None
    return element(
        "article",
        element("h3", f"{finding.subject}: " if finding.subject else "", finding.what),
        element("p", f"{finding.code}{when} {runs}", class_="do"),
        element("p", f"Likewise: {named(others)}.") if others else None,
        element("p", finding.why) if finding.why else None,
        element("p", finding.fix, class_="do") if finding.fix else None,
        drawn(chart) if chart else None,
        class_=f"finding {finding.answer}",
    )


def _losses(summary: Summary) -> Markup | None:
    found = [(key, each) for key, each in summary.losses.items() if each.high >= 0.5]
    if not found:
        return element("p", "None.")
    heads = ("Service", "Cause", "Requests", "Over the seeds")
    rows = [
        (
            service,
            CAUSES.get(cause, cause),
            f"{each.median:,.0f}",
            f"{each.low:,.0f} – {each.high:,.0f}",
        )
        for (service, cause), each in found[:MOST_LOSSES]
    ]
    if len(summary.rehearsal.runs) == 1:
        return table(heads[:3], [row[:3] for row in rows], numbers=(2,))
    return table(heads, rows, numbers=(2, 3))


def _assumptions(rehearsal: Rehearsal) -> Markup | None:
    if not rehearsal.assumptions:
        return None
    rows = [
        (each.subject, as_written(each.parameter), each.value, each.source)
        for each in rehearsal.assumptions
    ]
    parameters = table(("Of", "Parameter", "Value", "Where it comes from"), rows)
    return element("details", element("summary", grounds(rehearsal.assumptions)), parameters)


def table(
    heads: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] = ()
) -> Markup:
    """A table that scrolls where it is too wide; the columns in `numbers` are aligned right."""

    def row(cells: Sequence[object]) -> Markup:
        return element(
            "tr",
            [
                element("td", cell, class_="number" if index in numbers else None)
                for index, cell in enumerate(cells)
            ],
        )

    names = [
        element("th", each, scope="col", class_="number" if index in numbers else None)
        for index, each in enumerate(heads)
    ]
    head = element("thead", element("tr", names))
    whole = element("table", head, element("tbody", [row(cells) for cells in rows]))
    return element("div", whole, class_="wide")


def _footer(rehearsal: Rehearsal, command: str) -> Markup:
    digests = [run.digest[:12] for run in rehearsal.runs[:1] if run.digest]
    return element(
        "footer",
        element("p", "Made by ", element("code", command)) if command else None,
        element("p", f"Event log of seed {rehearsal.runs[0].seed}: sha256 {digests[0]}…")
        if digests
        else None,
    )
