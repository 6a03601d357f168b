"""Who uses whom, laid out in columns from left to right, so that callers stand before what they
call and lines cross little."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

# How often the order within columns is improved; more hardly changes it.
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Laid:
    """The place of every node, as column and row, and the edges between them."""

    places: Mapping[str, tuple[int, int]]
    edges: Sequence[tuple[str, str]]


def neighbourhood(uses: Mapping[str, Sequence[str]], center: str) -> list[str]:
    """A node, all that it needs in the end, and whoever calls it directly."""
    found = dict.fromkeys([center])
    waiting = [center]
    while waiting:
        for used in uses.get(waiting.pop(), ()):
            if used not in found:
                found[used] = None
                waiting.append(used)
    callers = [name for name, used in uses.items() if center in used]
    return [*callers, *(name for name in found if name not in callers)]


def laid_out(uses: Mapping[str, Sequence[str]], nodes: Iterable[str]) -> Laid:
    """Places for these nodes: the column is the longest way from a caller nobody calls; rows are
    ordered by where the neighbours in the column before stand."""
    known = dict.fromkeys(nodes)
    edges = [(name, used) for name in known for used in uses.get(name, ()) if used in known]
    columns: dict[int, list[str]] = {}
    for name, column in _columns(list(known), edges).items():
        columns.setdefault(column, []).append(name)
    for _ in range(ROUNDS):
        _sweep(columns, edges)
    places = {
        name: (column, row) for column, names in columns.items() for row, name in enumerate(names)
    }
    return Laid(places, edges)


def _columns(nodes: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest path to each node. Whoever is on a circle is placed once, where it is met."""
    columns = dict.fromkeys(nodes, 0)
    for _ in range(len(nodes)):
        moved = False
        for caller, used in edges:
            wanted = columns[caller] + 1
            if caller != used and columns[used] < wanted < len(nodes):
                columns[used], moved = wanted, True
        if not moved:
            break
    return columns


def _sweep(columns: dict[int, list[str]], edges: Sequence[tuple[str, str]]) -> None:
    rows = {name: row for names in columns.values() for row, name in enumerate(names)}
    for column in sorted(columns):
        names = columns[column]

        def middle(name: str, names: Sequence[str] = names) -> float:
            near = [rows[caller] for caller, used in edges if used == name and caller not in names]
            return sum(near) / len(near) if near else float(rows[name])

        names.sort(key=lambda name: (middle(name), name))
        rows.update({name: row for row, name in enumerate(names)})
