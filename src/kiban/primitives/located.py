"""Plain data that remembers where it was written: a tree of values with file, line and column.

What people write is merged, checked and explained as such a tree, so that every error and every
effective value can point at its source. `plain` takes the positions away again.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kiban.primitives.problems import Place

Loc = Iterable[str | int]


@dataclass(slots=True)
class Located:
    """One value: a scalar, a map of located values, or a list of them.

    `line` and `column` (from 1) are those of the value, `key_line` and `key_column` those of its
    key when it stands in a map. `text` is a scalar as it was written.
    """

    value: Any
    file: str
    line: int
    column: int
    key_line: int = 0
    key_column: int = 0
    text: str = ""

    def place(self) -> Place:
        return Place(self.file, self.line, self.column)

    def key_place(self) -> Place:
        """The place of the key, or of the value where there is no key."""
        if not self.key_line:
            return self.place()
        return Place(self.file, self.key_line, self.key_column)

    def with_value(self, value: Any) -> "Located":
        """Another value at the same place."""
        return Located(
            value, self.file, self.line, self.column, self.key_line, self.key_column, self.text
        )

    def get(self, *path: str | int) -> "Located | None":
        """What is at a path, or None where the path ends early."""
        node: Located = self
        for part in path:
            inside = node.value
            in_list = isinstance(inside, list) and isinstance(part, int) and part < len(inside)
            if not in_list and not (isinstance(inside, dict) and part in inside):
                return None
            node = inside[part]
        return node

    def nearest(self, path: Loc) -> "Located":
        """The deepest value on a path: itself, when its first step leads nowhere."""
        node = self
        for part in path:
            found = node.get(part)
            if found is None:
                break
            node = found
        return node


def plain(node: Located) -> Any:
    """The value without positions."""
    value = node.value
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
