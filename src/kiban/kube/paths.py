"""Paths into manifests by identity: `spec.template.spec.containers[app].image`.

An item of a list is chosen by what tells it apart (its name, its port), so that a path stays
right when the order changes, and else by its number. A key with dots stands in brackets and
quotes: `metadata.annotations["example.com/note"]`.
"""

import re
from collections.abc import Sequence
from typing import Any

# What tells the items of a list apart, in this order.
IDENTITIES = ("name", "topologyKey", "mountPath", "containerPort", "host", "path", "port", "key")
_STEP = re.compile(r"""\.?([A-Za-z0-9_-]+)|\[(?:"([^"]*)"|([^\]"]*))\]""")


def steps_of(path: str) -> tuple[str, ...]:
    """The keys and names on a path. What cannot be read as one ends it."""
    found = []
    position = 0
    while (match := _STEP.match(path, position)) and match.end() > position:
        found.append(next((part for part in match.groups() if part is not None), ""))
        position = match.end()
    return tuple(found)


def item_index(items: Sequence[Any], wanted: str) -> int | None:
    """Which item of a list is meant; None when there is no such item."""
    for index, item in enumerate(items):
        if not isinstance(item, dict):
            if str(item) == wanted:
                return index
        elif any(str(item[key]) == wanted for key in IDENTITIES if key in item):
            return index
    return int(wanted) if wanted.isdigit() and int(wanted) < len(items) else None


def changed(tree: Any, steps: Sequence[str], value: Any, *, remove: bool = False) -> Any:
    """A copy of the tree with another value at a path, or without what is there; None when a list
    on the way has no such item."""
    if not steps:
        return value
    first, *rest = steps
    if isinstance(tree, list):
        index = item_index(tree, first)
        if index is None:
            return None
        if remove and not rest:
            return [*tree[:index], *tree[index + 1 :]]
        inner = changed(tree[index], rest, value, remove=remove)
        return None if inner is None else [*tree[:index], inner, *tree[index + 1 :]]
    base = tree if isinstance(tree, dict) else {}
    if remove and not rest:
        return {key: item for key, item in base.items() if key != first}
    inner = changed(base.get(first), rest, value, remove=remove)
    return None if inner is None else {**base, first: inner}
