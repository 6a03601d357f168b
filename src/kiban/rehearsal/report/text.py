"""A rehearsal as text that a person reads in ten seconds: the verdict, what decided it, the few
figures that matter, and where the whole report is."""

from collections.abc import Iterable, Sequence

from kiban.rehearsal.comparing import Comparison, Turned
from kiban.rehearsal.report.figures import figures
from kiban.rehearsal.report.folding import Folded, alike, counted, folded, grounds, moment
from kiban.rehearsal.report.scale import short
from kiban.rehearsal.results import Rehearsal
from kiban.rehearsal.scenarios.timelines import named
from kiban.rehearsal.summary import Seen, Summary
from kiban.rehearsal.traffic.losses import CAUSES

SIGNS = {"pass": "✓", "fail": "✗", "unknown": "?"}
# What was found without being asked for is never open; it is bad, worth knowing, or good.
FOUND = {"pass": "✓", "fail": "✗", "unknown": "!"}
VERDICTS = {"pass": "PASS", "fail": "FAIL", "unknown": "UNKNOWN"}
# What is more is in the page.
MOST_EXPECTATIONS = 16
MOST_FINDINGS = 8
MOST_LOSSES = 5


def text(summary: Summary, base: Summary | None = None) -> str:
    """The whole text, ending in a newline."""
    rehearsal = summary.rehearsal
    parts: list[Iterable[str]] = [
        [_title(rehearsal, base.rehearsal if base else None), *counted(summary)],
        _expectations(folded(summary.tallies), len(rehearsal.runs)),
        _table(
            [
                (each.name, each.value, _aside(each.spread, each.before))
                for each in figures(summary, base)
            ]
        ),
        _losses(summary),
        _findings(summary.seen, rehearsal),
        [f"Rests on {grounds(rehearsal.assumptions)}"] if rehearsal.assumptions else [],
    ]
    return "\n\n".join("\n".join(part) for part in map(list, parts) if part) + "\n"


def comparison_text(comparison: Comparison) -> str:
    """What differs between the revisions, ending in a newline; empty when nothing does."""
    lines = [_turned(each) for each in comparison.turned]
    for change in comparison.changes:
        if change.is_real:
            before, after = short(change.before.median), short(change.after.median)
            lines.append(f"  {change.name.replace('_', ' ')}: {before} before, {after} now")
    lines += [f"  new: {_said(each)}" for each in comparison.new]
    lines += [f"  gone: {_said(each)}" for each in comparison.gone]
    return "\n".join(["Against the other revision:", *lines]) + "\n" if lines else ""


def _title(rehearsal: Rehearsal, base: Rehearsal | None) -> str:
    runs = len(rehearsal.runs)
    seeds = "1 seed" if runs == 1 else f"{runs} seeds"
    against = f" against {base.revision}" if base else ""
    span = short(rehearsal.seconds, "s")
    return (
        f"{VERDICTS[rehearsal.answer]}  {rehearsal.platform} {rehearsal.environment}, "
        f"{rehearsal.scenario}: {seeds} of {span} at {rehearsal.revision}{against}"
    )


def _expectations(found: Sequence[Folded], runs: int) -> list[str]:
    lines = [_tally(each, runs) for each in found[:MOST_EXPECTATIONS]]
    if len(found) > MOST_EXPECTATIONS:
        lines.append(f"  and {len(found) - MOST_EXPECTATIONS} more in the page")
    return lines


def _tally(each: Folded, runs: int) -> str:
    tally, verdict = each.tally, each.tally.verdict
    sign = SIGNS[tally.answer]
    if not each.is_alone:
        also = "" if tally.answer == "pass" else "less badly "
        return f"{sign} {tally.expectation}: {also}{named(each.subjects)}"
    held = "" if runs == 1 or tally.answer == "pass" else f"  [{tally.counts['pass']} of {runs}]"
    subject = f"{tally.subject}: " if tally.subject else ""
    worst = f" ({verdict.worst})" if verdict.worst else ""
    line = f"{sign} {subject}{tally.expectation}: {verdict.found}{worst}{held}"
    because = verdict.cause and tally.answer != "pass"
    return f"{line}\n    because {verdict.cause}" if because else line


def _losses(summary: Summary) -> list[str]:
    found = [(key, each) for key, each in summary.losses.items() if each.median >= 0.5]
    if not found:
        return []
    rows = [
        (service, f"{each.median:,.0f}", CAUSES.get(cause, cause))
        for (service, cause), each in found[:MOST_LOSSES]
    ]  # fmt: skip
    return ["Requests that failed (median of the runs):", *_table(rows)]


def _findings(found: Sequence[Seen], rehearsal: Rehearsal) -> list[str]:
    lines: list[str] = []
    kinds = alike(found)
    for each, others in kinds[:MOST_FINDINGS]:
        finding = each.finding
        when = moment(finding, rehearsal)
        when = f" ({when})" if when else ""
        share = "" if len(rehearsal.runs) == 1 else f"  [{each.runs} of {len(rehearsal.runs)}]"
        lines.append(f"{FOUND[finding.answer]} {_said(each)}{when}{share}")
        likewise = f"likewise: {named(others)}" if others else ""
        lines += [f"    {line}" for line in (likewise, finding.why, finding.fix) if line]
    if len(kinds) > MOST_FINDINGS:
        lines.append(f"  and {len(kinds) - MOST_FINDINGS} more in the page")
    return ["Findings:", *lines] if lines else []


def _said(found: Seen) -> str:
    subject = f"{found.finding.subject}: " if found.finding.subject else ""
    return f"{subject}{found.finding.what}"


def _turned(each: Turned) -> str:
    subject = f"{each.subject}: " if each.subject else ""
    before, after = each.before or "not asked", each.after or "not asked"
    return f"{SIGNS.get(after, '-')} {subject}{each.expectation}: {before} before, {after} now"


def _aside(spread: str, before: str) -> str:
    parts = [f"({spread})"] if spread else []
    parts += [f"before: {before}"] if before else []
    return "  ".join(parts)


def _table(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    """Columns as wide as they must be; the second is aligned to the right."""
    widths = [max((len(row[column]) for row in rows), default=0) for column in (0, 1)]
    return [
        f"  {name:<{widths[0]}}  {value:>{widths[1]}}  {aside}".rstrip()
        for name, value, aside in rows
    ]
