"""A journal in PostgreSQL, which processes on many machines write: one at a time for each subject,
as their leases and fencing tokens have it.

The only module that imports psycopg. Tables live in the schema `kiban`. Writers take turns, so
that sequences become visible in their order and a reader that goes on `after` one misses none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from kiban.adapters.journal.database import Row, failed
from kiban.primitives.problems import Exit, KibanError, Problem

try:
    import psycopg
except ImportError as error:  # pragma: no cover - an installation without the extra
    raise KibanError(
        Problem(
            "plans/no-postgresql",
            "A journal in PostgreSQL needs the package psycopg, which is not installed.",
            fix="pip install 'kiban[team]'",
        ),
        Exit.USAGE,
    ) from error

CONNECT_SECONDS = 10
# Any number that is Kiban's own: whoever holds it writes.
_TURN = 5_429_226

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS kiban;
CREATE TABLE IF NOT EXISTS kiban.entries (
    sequence BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    plan TEXT NOT NULL,
    subject TEXT NOT NULL,
    data BYTEA NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_plan ON kiban.entries (plan, sequence);
CREATE INDEX IF NOT EXISTS entries_by_subject ON kiban.entries (subject, sequence);
CREATE INDEX IF NOT EXISTS entries_by_kind ON kiban.entries (kind, sequence);
CREATE INDEX IF NOT EXISTS entries_by_time ON kiban.entries (at);
CREATE TABLE IF NOT EXISTS kiban.leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    token BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
"""


class PostgresDatabase:
    error: type[Exception] = psycopg.Error

    def __init__(self, url: str) -> None:
        self._url = url
        self._connection = self._connected()
        try:
            with self.transaction():
                self._connection.execute(_SCHEMA)
        except psycopg.Error as error:
            raise failed(url, error) from error

    def _connected(self) -> "psycopg.Connection[Any]":
        try:
            connection = psycopg.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS,
                application_name="kiban",
            )  # fmt: skip
        except psycopg.Error as error:
            raise failed(self._url, error) from error
        connection.execute("SET search_path TO kiban")
        # A commit is on the server's disk when it returns, whatever the server's default is.
        connection.execute("SET synchronous_commit TO on")
        return connection

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        self._mend()
        cursor = self._connection.execute(statement.replace("?", "%s"), values)
        return cursor.fetchall() if cursor.description else []

    def add(self, rows: Sequence[Row]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO entries (at, kind, plan, subject, data) VALUES (%s, %s, %s, %s, %s)",
                rows,
            )

    def put(self, rows: Sequence[Row]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO entries (sequence, at, kind, plan, subject, data)"
                " OVERRIDING SYSTEM VALUE VALUES (%s, %s, %s, %s, %s, %s)",
                rows,
            )
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence('kiban.entries', 'sequence'),"
                " (SELECT max(sequence) FROM entries))"
            )

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._mend()
        with self._connection.transaction():
            self._connection.execute("SELECT pg_advisory_xact_lock(%s)", (_TURN,))
            yield

    def close(self) -> None:
        self._connection.close()

    def _mend(self) -> None:
        """After a lost connection the next use gets a new one; what was lost was never said to be
        written."""
        if self._connection.closed:
            self._connection = self._connected()
