"""Fields that are left to the programs that write them: a field that a controller has taken back
again and again is its own, whatever Git says, and fighting for it would only wear both out.

What people change by hand is never theirs for good: it is drift.
"""

import re
from collections.abc import Iterable
from typing import Any

from kiban.delivery.messages import Conflict
from kiban.kube.objects import Key, Manifest

# As often a controller must have written a field of ours until it is left to it.
FIGHTS = 3
# Managers behind which there is a person, or nobody.
_PEOPLE = re.compile(
    r"kubectl|k9s|lens|node-fetch|rancher|headlamp|octant|dashboard|mozilla|curl|python"
    r"|helm|before-first-apply|unknown|openapi-generator|kiban",
    re.IGNORECASE,
)
_MANAGER = re.compile(r'"([^"]*)"')
_ELEMENT = re.compile(r"\[([^\]]*)\]")


class Yields:
    """How often others took fields back, and which are left to them since."""

    def __init__(self) -> None:
        self._fights: dict[tuple[Key, str], int] = {}

    def lost(self, key: Key, conflicts: Iterable[Conflict]) -> list[Conflict]:
        """Take in the conflicts of one apply; those whose fields are to be left to the others."""
        found = []
        for conflict in conflicts:
            name = _MANAGER.search(conflict.manager)
            manager = name[1] if name else conflict.manager
            if _PEOPLE.search(manager):
                continue
            count = self._fights[key, conflict.field] = (
                self._fights.get((key, conflict.field), 0) + 1
            )
            if count >= FIGHTS:
                found.append(Conflict(manager, conflict.field))
        return found


def without_fields(manifest: Manifest, fields: Iterable[str]) -> Manifest:
    """The manifest without some fields, each written as in a conflict:
    `.spec.template.spec.containers[name="app"].image`."""
    found: Manifest = manifest
    for field in fields:
        found = _without(found, field)
    return found


def _without(tree: Any, path: str) -> Any:
    if isinstance(tree, dict) and path.startswith("."):
        # Names may have dots in them: the longest that fits is meant.
        for name in sorted(tree, key=len, reverse=True):
            rest = path[1 + len(name) :]
            if path[1:].startswith(name) and (not rest or rest[0] in ".["):
                if not rest:
                    return {key: value for key, value in tree.items() if key != name}
                return {**tree, name: _without(tree[name], rest)}
    element = _ELEMENT.match(path)
    if isinstance(tree, list) and element is not None:
        rest = path[element.end() :]
        chosen = [index for index, entry in enumerate(tree) if _is_meant(entry, index, element[1])]
        if not rest:
            return [entry for index, entry in enumerate(tree) if index not in chosen]
        return [
            _without(entry, rest) if index in chosen else entry for index, entry in enumerate(tree)
        ]
    return tree


def _is_meant(entry: Any, index: int, words: str) -> bool:
    """Whether `name="app",port=80`, `="value"` or a number says this entry of a list."""
    if words.isdigit():
        return index == int(words)
    for pair in words.split(","):
        name, _, value = pair.partition("=")
        held = entry.get(name) if name and isinstance(entry, dict) else entry
        if str(held) != value.strip('"'):
            return False
    return True
