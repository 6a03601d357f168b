"""A journal in one SQLite file, which one process writes and any process reads."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kiban.adapters.journal.database import Row

# How long a writer waits for another process's transaction.
BUSY_SECONDS = 10.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    plan TEXT NOT NULL,
    subject TEXT NOT NULL,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_plan ON entries (plan, sequence);
CREATE INDEX IF NOT EXISTS entries_by_subject ON entries (subject, sequence);
CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (kind, sequence);
CREATE INDEX IF NOT EXISTS entries_by_time ON entries (at);
CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token INTEGER NOT NULL,
    expires INTEGER NOT NULL
);
"""


class SqliteDatabase:
    error: type[Exception] = sqlite3.Error

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
        path.chmod(0o600)
        self._connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk when it returns, also when the machine loses power.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.executescript(_SCHEMA)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        return self._connection.execute(statement, values).fetchall()

    def add(self, rows: Sequence[Row]) -> None:
        self._connection.executemany(
            "INSERT INTO entries (at, kind, plan, subject, data) VALUES (?, ?, ?, ?, ?)", rows
        )

    def put(self, rows: Sequence[Row]) -> None:
        self._connection.executemany(
            "INSERT INTO entries (sequence, at, kind, plan, subject, data)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            rows,
        )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()


class _Reading(SqliteDatabase):
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection


def for_reading(path: Path) -> SqliteDatabase | None:
    """A connection that changes nothing; None for a file that is missing or still empty."""
    if not path.exists():
        return None
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS)
    connection.execute("PRAGMA query_only = ON")
    known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'leases'").fetchone()
    if known:
        return _Reading(connection)
    connection.close()
    return None
