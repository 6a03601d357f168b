"""Backups of a journal: one file that fills an empty journal again, in either database.

A backup is taken while everything runs: entries are only ever added, so all up to the last one at
the start are a state that was. Nothing is overwritten, neither a file nor a journal, and both are
read again before anybody relies on them.
"""

import gzip
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from itertools import islice
from pathlib import Path

import orjson

from kiban.adapters.journal.database import (
    Database,
    JournalPlace,
    failed,
    opened,
    opened_for_reading,
    shown,
)
from kiban.adapters.journal.database import Row as Values
from kiban.adapters.new_file import new_file
from kiban.plans.records import Record, plan_of, subject_of
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.telemetry.backups import BackupDamaged, Contents, Reading, Row, lines

PAGE = 2_000
# The least that compresses well; a backup is mostly the same words again and again.
LEVEL = 6


def back_up(journal: JournalPlace, file: Path, platform: str) -> Contents:
    """Write a journal to a new file, and read it again. Raises `KibanError`."""
    database = opened_for_reading(journal)
    if database is None:
        raise _refused("backup/nothing", "There is nothing in the journal yet.", shown(journal))
    try:
        with (
            closing(database),
            new_file(file) as raw,
            # No time in the head: the same journal gives the same bytes.
            gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed,
        ):
            packed.writelines(lines(platform, _rows(database), _tokens(database)))
    except FileExistsError:
        what = "The backup's file exists already."
        raise _refused("backup/exists", what, str(file), "Choose another name.") from None
    except database.error as error:
        raise failed(journal, error) from error
    return read_through(file)


def read_through(file: Path, take: Callable[[Row, Record], None] | None = None) -> Contents:
    """What a backup holds, every entry read; `take` gets each. Raises `KibanError` for a file that
    is not whole, or not a backup."""
    reading = Reading()
    try:
        with gzip.open(file, "rb") as source:
            for row, record in reading.rows(source):
                if take is not None:
                    take(row, record)
    except FileNotFoundError:
        raise _refused("restore/no-backup", "There is no such backup.", str(file)) from None
    except (OSError, EOFError, BackupDamaged) as error:
        raise _damaged(file, str(error)) from error
    assert reading.contents is not None
    return reading.contents


def restore(file: Path, journal: JournalPlace, now: Instant) -> Contents:
    """Fill an empty journal from a backup, whole or not at all. Raises `KibanError` when the
    journal is not empty, or somebody delivers with it."""
    contents = read_through(file)
    database = opened(journal)
    try:
        with closing(database), database.transaction():
            _refuse_use(database, journal, now)
            tokens = _fill(database, file)
            if _checksum(database, contents.platform, tokens) != contents.checksum:
                what = "What was restored reads differently from the backup; nothing is kept."
                raise _refused("restore/differs", what, shown(journal))
    except database.error as error:
        raise failed(journal, error) from error
    return contents


def _fill(database: Database, file: Path) -> Mapping[str, int]:
    """Put in every entry, and tokens that are no lower than any before; those of the backup."""
    reading = Reading()
    with gzip.open(file, "rb") as source:
        entries = reading.rows(source)
        while batch := list(islice(entries, PAGE)):
            database.put([_values(row, record) for row, record in batch])
    held = _tokens(database)
    for name, token in sorted(reading.tokens.items()):
        # The next to deliver gets a higher token than anybody had before.
        database.execute("DELETE FROM leases WHERE name = ?", (name,))
        database.execute(
            "INSERT INTO leases VALUES (?, '', ?, 0)", (name, max(token, held.get(name, 0)))
        )
    return reading.tokens


def _refuse_use(database: Database, journal: JournalPlace, now: Instant) -> None:
    count = int(database.execute("SELECT count(*) FROM entries")[0][0])
    if count:
        raise _refused(
            "restore/not-empty",
            f"The journal here has {count} entries, and nothing is ever overwritten.",
            shown(journal),
            "Move it away first, or restore into another one: KIBAN_JOURNAL says which.",
        )
    held = database.execute("SELECT holder FROM leases WHERE expires > ?", (now,))
    if held:
        what = f"{held[0][0]} delivers with this journal right now."
        raise _refused("restore/in-use", what, shown(journal), "Stop it first: kiban down")


def _rows(database: Database) -> Iterator[Row]:
    last = int(database.execute("SELECT coalesce(max(sequence), 0) FROM entries")[0][0])
    after = 0
    query = (
        "SELECT sequence, at, data FROM entries WHERE sequence > ? AND sequence <= ?"
        f" ORDER BY sequence LIMIT {PAGE}"
    )
    while page := database.execute(query, (after, last)):
        yield from (Row(int(row[0]), int(row[1]), bytes(row[2])) for row in page)
        after = int(page[-1][0])


def _tokens(database: Database) -> Mapping[str, int]:
    found = database.execute("SELECT name, token FROM leases ORDER BY name")
    return {str(name): int(token) for name, token in found}


def _checksum(database: Database, platform: str, tokens: Mapping[str, int]) -> str:
    foot = b""
    for line in lines(platform, _rows(database), tokens):
        foot = line
    return str(orjson.loads(foot)["sha256"])


def _values(row: Row, record: Record) -> Values:
    kind = orjson.loads(row.data)["record"]
    return (row.sequence, row.at, kind, plan_of(record), subject_of(record), row.data)


def _damaged(file: Path, why: str) -> KibanError:
    problem = Problem(
        "restore/damaged-backup",
        f"The backup {why}.",
        Place(file=str(file)),
        fix="Use another backup; nothing was changed.",
    )
    return KibanError(problem, Exit.WORLD_FAILED)


def _refused(code: str, what: str, place: str, fix: str = "") -> KibanError:
    return KibanError(Problem(code, what, Place(file=place), fix=fix), Exit.REFUSED)
