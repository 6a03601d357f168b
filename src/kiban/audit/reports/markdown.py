"""Markdown, for the summary of a CI run or a comment on a change."""

from kiban.audit.results import WORDS, Report, Result, Status, by_scope

# GitHub cuts a comment at 65,536 characters.
MOST_ROWS = 200


def written(report: Report) -> str:
    counts = report.counted()
    lines = ["# Findings", "", _summary(counts), ""]
    for scope, results in sorted(by_scope(report.results).items()):
        shown = [one for one in results if one.status in (Status.STANDS, Status.UNKNOWN)]
        if shown:
            lines += [f"## {scope or 'Manifests'}", "", *_table(shown), ""]
    if report.problems:
        lines += ["## Files and waivers", ""]
        lines += [f"- {_escaped(f'{one.place}: {one.what}')}" for one in report.problems]
        lines.append("")
    return "\n".join(lines)


def _summary(counts: dict[Status, int]) -> str:
    if not any(counts.values()):
        return "No findings."
    return ", ".join(f"{counts[status]} {word}" for status, word in WORDS.items()) + "."


def _table(results: list[Result]) -> list[str]:
    lines = ["| severity | rule | where | what | fix |", "|---|---|---|---|---|"]
    for one in results[:MOST_ROWS]:
        finding = one.finding
        severity = "unknown" if one.status is Status.UNKNOWN else finding.severity.name.lower()
        where = f"{finding.object.kind}/{finding.object.name}"
        if one.place.file:
            where += f" ({one.place.file}:{one.place.line})"
        cells = (severity, f"`{finding.rule}`", where, finding.what, finding.fix)
        lines.append("| " + " | ".join(_escaped(cell) for cell in cells) + " |")
    if len(results) > MOST_ROWS:
        lines.append(f"\nand {len(results) - MOST_ROWS} more.")
    return lines


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
