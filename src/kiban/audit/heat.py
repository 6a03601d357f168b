"""A fleet at a glance: how often each check fails, by cluster and by team, as a picture.

One square is one check in one column; the darker, the more findings; grey is none. The worst
checks stand first, with their sums, and the teams of a cluster beside each other.
"""

from collections.abc import Iterable, Mapping
from html import escape
from itertools import groupby

from kiban.audit.findings import Severity
from kiban.audit.results import Result, Status
from kiban.audit.rules import BY_NAME

_CELL, _LEFT, _LETTER, _SUM, _LEGEND, _LEAST_WIDTH = 26, 260, 6, 56, 44, 420
# From none to the most, in steps that people tell apart on paper, too.
_SHADES = ("#f3f4f4", "#f9dcc4", "#f4b183", "#e07a3f", "#b3401a")
_STEPS = (1, 3, 10, 30)
_COLORS = {Severity.ERROR: "#9c2b12", Severity.WARNING: "#7a5200", Severity.ADVICE: "#51605b"}
_QUIET = "#51605b"

Columns = Mapping[tuple[str, str], Mapping[str, int]]


def columns_of(results: Iterable[Result]) -> dict[tuple[str, str], dict[str, int]]:
    """By cluster and team, how often each rule is broken. What is waived or known counts: it is
    there all the same. Where nobody says whose something is, its namespace does."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for one in results:
        owner = one.team or one.finding.object.namespace or "-"
        column = found.setdefault((one.cluster or one.scope, owner), {})
        if one.status not in (Status.UNKNOWN, Status.ADVICE):
            column[one.finding.rule] = column.get(one.finding.rule, 0) + 1
    return dict(sorted(found.items()))


def heat_map(results: Iterable[Result]) -> str:
    """The map as SVG, which stands alone and inside a page."""
    columns = columns_of(results)
    sums: dict[str, int] = {}
    for column in columns.values():
        for rule, count in column.items():
            sums[rule] = sums.get(rule, 0) + count
    rules = sorted(sums, key=lambda name: (-BY_NAME[name].severity, -sums[name], name))
    names = [_named(cluster, team) for cluster, team in columns]
    # Names of columns lean, so that they take most of their length in height.
    top = 24 + _LETTER * max(map(len, names), default=0)
    # The last name leans over the sums.
    width = max(_LEAST_WIDTH, _LEFT + _CELL * len(columns) + max(_SUM, top))
    bottom = top + _CELL * (len(rules) + 1)
    height = bottom + _LEGEND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" font-family="system-ui, sans-serif" font-size="12" role="img">',
        "<title>Findings by check, cluster and team</title>",
        *_heads(names, top),
        *_separators(columns, top, bottom),
    ]
    for y, rule in enumerate(rules):
        parts += _row(rule, columns, top + y * _CELL, sums[rule])
    parts += _feet(columns, bottom - _CELL) if rules else [_text(20, top, "No findings.")]
    return "\n".join([*parts, *_legend(bottom + 22), "</svg>"]) + "\n"


def _named(cluster: str, team: str) -> str:
    known = [part for part in (cluster, team) if part not in ("", "-")]
    return " · ".join(known) or "all"


def _text(x: int, y: int, text: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}" {more}>{escape(text)}</text>'


def _heads(names: list[str], top: int) -> list[str]:
    found = []
    for x, name in enumerate(names):
        left = _LEFT + x * _CELL + _CELL // 2
        turn = f'transform="rotate(-60 {left} {top - 8})"'
        found.append(_text(left, top - 8, name, turn))
    return found


def _separators(columns: Columns, top: int, bottom: int) -> list[str]:
    """A line between clusters of several teams."""
    found, x = [], 0
    groups = [len(list(teams)) for _, teams in groupby(columns, key=lambda one: one[0])]
    for size in groups[:-1] if max(groups, default=1) > 1 else []:
        x += size
        left = _LEFT + x * _CELL - 1
        place = f'x1="{left}" x2="{left}" y1="{top}" y2="{bottom - _CELL}"'
        found.append(f'<line {place} stroke="{_QUIET}" stroke-width="1"/>')
    return found


def _row(rule: str, columns: Columns, top: int, total: int) -> list[str]:
    color = _COLORS[BY_NAME[rule].severity]
    found = [_text(_LEFT - 8, top + 17, rule, f'text-anchor="end" fill="{color}"')]
    for x, ((cluster, team), column) in enumerate(columns.items()):
        found.append(_square(x, top, column.get(rule, 0), f"{rule}, {cluster}, {team}"))
    if len(columns) == 1:
        return found
    place = _LEFT + _CELL * len(columns) + 8
    return [*found, _text(place, top + 17, str(total), f'fill="{_QUIET}"')]


def _feet(columns: Columns, top: int) -> list[str]:
    found = [_text(_LEFT - 8, top + 17, "all checks", f'text-anchor="end" fill="{_QUIET}"')]
    for x, column in enumerate(columns.values()):
        left = _LEFT + x * _CELL + 12
        more = f'text-anchor="middle" font-size="10" fill="{_QUIET}"'
        found.append(_text(left, top + 17, str(sum(column.values())), more))
    return found


def _legend(top: int) -> list[str]:
    found, left = [], 20
    for severity in reversed(Severity):
        name = severity.name.lower()
        found.append(_text(left, top + 12, name, f'fill="{_COLORS[severity]}"'))
        left += 14 + 7 * len(name)
    for step, shade in zip(_STEPS, _SHADES[1:], strict=True):
        found.append(f'<rect x="{left}" y="{top}" width="16" height="16" rx="3" fill="{shade}"/>')
        found.append(_text(left + 21, top + 12, f"{step}+", f'fill="{_QUIET}"'))
        left += 52
    return found


def _square(x: int, top: int, count: int, name: str) -> str:
    left = _LEFT + x * _CELL
    shade = _SHADES[sum(count >= step for step in _STEPS)]
    color = "#ffffff" if count >= _STEPS[2] else "#333333"
    size = 12 if count < 100 else 9
    middle = f'text-anchor="middle" font-size="{size}" fill="{color}"'
    number = _text(left + 12, top + 17, str(count), middle) if count else ""
    return (
        f'<g><title>{escape(name)}: {count}</title><rect x="{left}" y="{top}" width="{_CELL - 2}" '
        f'height="{_CELL - 2}" rx="3" fill="{shade}"/>{number}</g>'
    )
