"""A fleet at a glance: how often each check fails, by cluster and by team, as a picture.

One square is one check in one column; the darker, the more findings; white is none.
"""

from collections.abc import Iterable
from html import escape

from kiban.audit.findings import Severity
from kiban.audit.results import Result, Status
from kiban.audit.rules import BY_NAME, RULES

_CELL, _LEFT, _LETTER = 26, 260, 6
# From none to the most, in steps that people tell apart on paper, too.
_SHADES = ("#f3f4f4", "#f9dcc4", "#f4b183", "#e07a3f", "#b3401a")
_STEPS = (1, 3, 10, 30)
_COLORS = {Severity.ERROR: "#9c2b12", Severity.WARNING: "#7a5200", Severity.ADVICE: "#51605b"}


def columns_of(results: Iterable[Result]) -> dict[tuple[str, str], dict[str, int]]:
    """By cluster and team, how often each rule is broken. What is waived or known counts: it is
    there all the same."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for one in results:
        column = found.setdefault((one.cluster or one.scope or "all", one.team or "-"), {})
        if one.status not in (Status.UNKNOWN, Status.ADVICE):
            column[one.finding.rule] = column.get(one.finding.rule, 0) + 1
    return dict(sorted(found.items()))


def heat_map(results: Iterable[Result]) -> str:
    """The map as SVG, which stands alone and inside a page."""
    columns = columns_of(results)
    broken = {rule for column in columns.values() for rule in column}
    rules = [rule.name for rule in RULES if rule.name in broken]
    names = [f"{cluster} · {team}" if team != "-" else cluster for cluster, team in columns]
    # Names of columns lean, so that they take most of their length in height.
    top = 24 + _LETTER * max(map(len, names), default=0)
    width = _LEFT + _CELL * len(columns) + top
    height = top + _CELL * len(rules) + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="system-ui, sans-serif" font-size="12" role="img">',
        "<title>Findings by check, cluster and team</title>",
    ]
    for x, name in enumerate(names):
        left = _LEFT + x * _CELL + _CELL // 2
        turn = f"rotate(-60 {left} {top - 8})"
        parts.append(f'<text x="{left}" y="{top - 8}" transform="{turn}">{escape(name)}</text>')
    for y, rule in enumerate(rules):
        row = top + y * _CELL
        color = _COLORS[BY_NAME[rule].severity]
        place = f'x="{_LEFT - 8}" y="{row + 17}" text-anchor="end"'
        parts.append(f'<text {place} fill="{color}">{rule}</text>')
        for x, ((cluster, team), column) in enumerate(columns.items()):
            parts.append(_square(x, row, column.get(rule, 0), f"{rule}, {cluster}, {team}"))
    if not rules:
        parts.append(f'<text x="20" y="{top}">No findings.</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _square(x: int, top: int, count: int, name: str) -> str:
    left = _LEFT + x * _CELL
    shade = _SHADES[sum(count >= step for step in _STEPS)]
    color = "#ffffff" if count >= _STEPS[2] else "#333333"
    number = (
        f'<text x="{left + 12}" y="{top + 17}" text-anchor="middle" fill="{color}">{count}</text>'
        if count
        else ""
    )
    return (
        f'<g><title>{escape(name)}: {count}</title><rect x="{left}" y="{top}" width="{_CELL - 2}" '
        f'height="{_CELL - 2}" rx="3" fill="{shade}"/>{number}</g>'
    )
