"""A picture is what one page shows, as data: facts by name, and rows by their id in an order.

A browser that has one picture gets from it to the next by the difference alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Picture:
    """`rows` are in the order in which they are shown; each has an `id`."""

    facts: Mapping[str, Any] = field(default_factory=dict)
    rows: Sequence[Row] = ()


def whole(picture: Picture) -> dict[str, Any]:
    """The message that draws a picture from nothing."""
    rows = {row["id"]: row for row in picture.rows}
    return {"facts": dict(picture.facts), "rows": rows, "order": list(rows)}


def difference(before: Picture, after: Picture) -> dict[str, Any] | None:
    """The message that leads from one picture to the next; None when they are the same."""
    known = {row["id"]: row for row in before.rows}
    message: dict[str, Any] = {}
    # Rows that did not change are often the very same value.
    changed = {
        row["id"]: row
        for row in after.rows
        if (old := known.get(row["id"])) is not row and old != row
    }
    facts = {
        name: value
        for name, value in after.facts.items()
        if name not in before.facts or before.facts[name] != value
    }
    order = [row["id"] for row in after.rows]
    if facts:
        message["facts"] = facts
    if changed:
        message["rows"] = changed
    if order != [row["id"] for row in before.rows]:
        message["order"] = order
    return message or None
