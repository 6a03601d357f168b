"""What happened in a rehearsal: one record an occurrence, one canonical JSON line a record.

Equal runs give equal bytes on any machine: times and other fractions are rounded, keys sorted.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from kiban.primitives.instants import Instant

Record = dict[str, Any]
# Digits after the point: a millisecond of time, a thousandth of anything else.
DIGITS = 3


@dataclass(slots=True)
class Observations:
    """The event log. `zero` is second 0 of it; what was noted before has negative times."""

    zero: Instant
    records: list[Record] = field(default_factory=list)

    def note(self, now: Instant, what: str, **fields: Any) -> None:
        """Add what happens now. Fields are plain values: text, numbers, truth, lists of those."""
        seconds = (now - self.zero) // 1000 / 1000
        self.records.append({"t": seconds, "what": what, **fields})

    def of(self, *what: str) -> Iterator[Record]:
        """The records of these kinds, or of the kinds that begin with a word and a dot
        (`pod.` for all about pods)."""
        stems = tuple(word for word in what if word.endswith("."))
        for record in self.records:
            kind = record["what"]
            if kind in what or (stems and kind.startswith(stems)):
                yield record

    def lines(self) -> Iterator[str]:
        """The log as it is written to a file, line by line and without line ends."""
        for record in self.records:
            yield canonical(record)

    def digest(self) -> str:
        """Equal for equal logs, in hexadecimal."""
        found = sha256()
        for line in self.lines():
            found.update(line.encode())
            found.update(b"\n")
        return found.hexdigest()


def canonical(record: Record) -> str:
    """A record as one line: the time first, then what, then the fields by name."""
    head = {"t": record["t"], "what": record["what"]}
    rest = {key: _plain(record[key]) for key in sorted(record) if key not in head}
    return json.dumps(head | rest, separators=(",", ":"), ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        rounded = round(value, DIGITS)
        return int(rounded) if rounded == int(rounded) else rounded
    if isinstance(value, (list, tuple)):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _plain(value[key]) for key in sorted(value)}
    return value
