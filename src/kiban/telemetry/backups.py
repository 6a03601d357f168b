"""A journal as lines of text that any database can be filled from again: a head, every entry, the
fencing tokens, and a foot with counts and a checksum over all of it.

The same journal gives the same bytes wherever it was kept, so two backups can be compared as
files. Reading believes nothing: every entry must be a record, in order, and as many as the foot
says.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson

from kiban.plans.records import Record, record_from

FORMAT = "kiban-backup/1"


class BackupDamaged(ValueError):
    """What is wrong with a backup, in words that follow its name."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry as the database holds it."""

    sequence: int
    at: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds. `checksum` is that of all lines but the last."""

    platform: str
    entries: int
    last: int
    tokens: int
    checksum: str


def lines(platform: str, rows: Iterable[Row], tokens: Mapping[str, int]) -> Iterator[bytes]:
    """The lines of a backup, each with its end. Rows must be in their order."""
    summing, count, last = sha256(), 0, 0
    for line in _body(platform, rows, tokens):
        if line.startswith(b'{"sequence"'):
            count, last = count + 1, orjson.loads(line)["sequence"]
        summing.update(line)
        yield line
    foot = {"entries": count, "last": last, "tokens": len(tokens), "sha256": summing.hexdigest()}
    yield orjson.dumps(foot) + b"\n"


def _body(platform: str, rows: Iterable[Row], tokens: Mapping[str, int]) -> Iterator[bytes]:
    yield orjson.dumps({"format": FORMAT, "platform": platform}) + b"\n"
    for row in rows:
        line = {"sequence": row.sequence, "at": row.at, "record": orjson.Fragment(row.data)}
        yield orjson.dumps(line) + b"\n"
    for name in sorted(tokens):
        yield orjson.dumps({"lease": name, "token": tokens[name]}) + b"\n"


@dataclass(slots=True)
class Reading:
    """Reads a backup line by line; `contents` is there when the last line was good.

    `rows` gives what may go into a database. A reader that stops before the end knows nothing of
    what came after.
    """

    tokens: dict[str, int] = field(default_factory=dict)
    contents: Contents | None = None

    def rows(self, source: Iterable[bytes]) -> Iterator[tuple[Row, Record]]:
        """Every entry with its record. Raises `BackupDamaged` at the first thing that is not as it
        was written."""
        summing, platform, count, last = sha256(), "", 0, 0
        for number, line in enumerate(source, 1):
            found = _parsed(line, number)
            if self.contents is not None:
                raise BackupDamaged(f"goes on after its end, at line {number}")
            if number == 1:
                platform = _head(found)
            elif "record" in found:
                row, record = _row(found, number)
                if row.sequence <= last or self.tokens:
                    raise BackupDamaged(f"has an entry out of order at line {number}")
                count, last = count + 1, row.sequence
                yield row, record
            elif "lease" in found:
                self.tokens[str(found["lease"])] = int(found["token"])
            else:
                checksum = summing.hexdigest()
                self.contents = Contents(platform, count, last, len(self.tokens), checksum)
                _check_foot(found, self.contents)
            summing.update(line)
        if self.contents is None:
            raise BackupDamaged("has no end: it was cut off")


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise BackupDamaged(f"cannot be read at line {number}") from error
    if not isinstance(found, dict):
        raise BackupDamaged(f"cannot be read at line {number}")
    return found


def _head(found: Mapping[str, Any]) -> str:
    if found.get("format") != FORMAT:
        said = found.get("format") or "nothing that is known here"
        raise BackupDamaged(f"is of another form ({said}, and not {FORMAT})")
    return str(found["platform"])


def _row(found: Mapping[str, Any], number: int) -> tuple[Row, Record]:
    try:
        record = record_from(found["record"])
        return Row(int(found["sequence"]), int(found["at"]), orjson.dumps(found["record"])), record
    except (AssertionError, KeyError, TypeError, ValueError) as error:
        raise BackupDamaged(f"holds no record at line {number}: {error}") from error


def _check_foot(found: Mapping[str, Any], contents: Contents) -> None:
    said = tuple(found.get(name) for name in ("entries", "last", "tokens", "sha256"))
    there = (contents.entries, contents.last, contents.tokens, contents.checksum)
    if said[:3] != there[:3]:
        raise BackupDamaged(f"should hold {said[0]} entries, and holds {there[0]}")
    if said != there:
        raise BackupDamaged("is not as it was written: its checksum is another one")
