"""Who did what to a cluster: a line of JSON for each request that changed something or was denied.

A file beside the store, written by the store's own writer thread just before the commit that the
answers wait for: whoever got an answer is in it, `kill -9` included. It does not wait for the disk
itself, so that a power loss may take its last seconds. The oldest entries go when there are too
many, so that it stays within some 40 MB.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from kiban.primitives.instants import Instant
from kiban.primitives.problems import Exit, KibanError, Place, Problem

LOG = logging.getLogger("kiban.audit")
# Entries kept, and how many too many are put up with before the oldest go at once.
KEPT, SLACK = 50_000, 2_000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    entry BLOB NOT NULL
);
"""
Entry = tuple[Instant, bytes]


class AuditLog:
    """The log as its one writer has it. What cannot be written is said once, and stops nobody."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._next = 1
        self._first = 1
        self._failed = False

    def write(self, entries: Sequence[Entry]) -> None:
        """Keep entries; they are there after `kill -9` when this returns."""
        if not entries:
            return
        try:
            self._keep(self._connection or self._opened(), entries)
            self._failed = False
        except (sqlite3.Error, OSError) as error:
            if not self._failed:
                LOG.error("requests are not recorded, %s cannot be written: %s", self._path, error)
            self._failed = True
            # What was begun is rolled back; the next entries try anew.
            self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _keep(self, connection: sqlite3.Connection, entries: Sequence[Entry]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        numbered = [
            (number, at, entry) for number, (at, entry) in enumerate(entries, start=self._next)
        ]
        connection.executemany("INSERT INTO entries VALUES (?, ?, ?)", numbered)
        self._next += len(entries)
        if self._next - self._first > KEPT + SLACK:
            self._first = self._next - KEPT
            connection.execute("DELETE FROM entries WHERE number < ?", (self._first,))
        connection.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        """The log; one that is damaged is moved aside."""
        try:
            found = _connected(self._path)
        except sqlite3.OperationalError:
            # The disk, not the file: it is full, or cannot be reached.
            raise
        except sqlite3.DatabaseError as error:
            aside = self._path.with_name(self._path.name + "-damaged")
            LOG.error("%s is damaged and was moved to %s: %s", self._path, aside.name, error)
            self._path.replace(aside)
            for suffix in ("-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
            found = _connected(self._path)
        self._connection = found
        first, last = found.execute("SELECT min(number), max(number) FROM entries").fetchone()
        self._first, self._next = first or 1, (last or 0) + 1
        return found


def _connected(path: Path) -> sqlite3.Connection:
    path.touch(0o600)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.executescript(_SCHEMA)
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("its pages do not fit together")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def read_entries(path: Path, since: Instant) -> Iterator[bytes]:
    """The entries from an instant on, oldest first, while the cluster runs or not. Raises
    `KibanError`."""
    if not path.is_file():
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)) as connection:
            query = "SELECT entry FROM entries WHERE at >= ? ORDER BY number"
            for (entry,) in connection.execute(query, (since,)):
                yield entry
    except sqlite3.Error as error:
        problem = Problem(
            "audit/unreadable", "the audit log cannot be read", Place(str(path)), why=str(error)
        )
        raise KibanError(problem, Exit.WORLD_FAILED) from error
