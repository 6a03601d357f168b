"""What a journal needs of a database, and which one a place means.

A statement's placeholders are `?`, whatever the database's own are.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from kiban.primitives.problems import Exit, KibanError, Place, Problem

POSTGRES = ("postgresql://", "postgres://")

# A file, or the URL of a PostgreSQL database.
JournalPlace = Path | str
Row = Sequence[Any]


class Database(Protocol):
    """One connection. All of it is used by one thread at a time."""

    # What the database's own errors are.
    error: type[Exception]

    def execute(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        """Run one statement; its rows, if it gives any."""
        ...

    def add(self, rows: Sequence[Row]) -> None:
        """Put rows of (at, kind, plan, subject, data) at the end of the entries."""
        ...

    def put(self, rows: Sequence[Row]) -> None:
        """Put rows of (sequence, at, kind, plan, subject, data) where they were before; what is
        added later comes after them."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable when it is left, one writer at a time."""
        ...

    def close(self) -> None: ...


def opened(place: JournalPlace) -> Database:
    """A connection that may write; the tables are made when they are missing."""
    if isinstance(place, str) and place.startswith(POSTGRES):
        from kiban.adapters.journal.postgres import PostgresDatabase

        return PostgresDatabase(place)
    from kiban.adapters.journal.sqlite import SqliteDatabase

    return SqliteDatabase(Path(place))


def opened_for_reading(place: JournalPlace) -> Database | None:
    """A connection for reading; None when nothing was ever written there."""
    if isinstance(place, str) and place.startswith(POSTGRES):
        from kiban.adapters.journal.postgres import PostgresDatabase

        return PostgresDatabase(place)
    from kiban.adapters.journal.sqlite import for_reading

    return for_reading(Path(place))


def shown(place: JournalPlace) -> str:
    """The place as it may be shown: without a password."""
    text = str(place)
    if not text.startswith(POSTGRES):
        return text
    scheme, _, rest = text.partition("://")
    _, at, address = rest.rpartition("@")
    return f"{scheme}://{address if at else rest}"


def failed(place: JournalPlace, error: Exception) -> KibanError:
    """What a database's error means to a person."""
    problem = Problem(
        "plans/journal-failed",
        f"The journal could not be used: {str(error).strip().splitlines()[0]}.",
        Place(file=shown(place)),
        why="Nothing may be done that is not written down first.",
    )
    return KibanError(problem, Exit.WORLD_FAILED)
