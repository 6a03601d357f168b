"""One connection to PostgreSQL that comes back by itself."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg

CONNECT_SECONDS = 2
MAX_ATTEMPTS = 2


class Database:
    """Runs one statement at a time, each in its own transaction."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._lock = asyncio.Lock()
        self._connection: psycopg.AsyncConnection[tuple[Any, ...]] | None = None

    async def rows(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement. Connects when needed, and once more when the server went away;
        raises `psycopg.Error` when that does not help. Statements may be run twice."""
        async with self._lock:
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    connection = await self._connected()
                    cursor = await connection.execute(statement, values)
                    return await cursor.fetchall() if cursor.description else []
                except psycopg.OperationalError:
                    await self.close()
                    if attempt == MAX_ATTEMPTS:
                        raise
        raise AssertionError("unreachable")

    async def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
        self._connection = None

    async def _connected(self) -> psycopg.AsyncConnection[tuple[Any, ...]]:
        if self._connection is None:
            self._connection = await psycopg.AsyncConnection.connect(
                self._url, autocommit=True, connect_timeout=CONNECT_SECONDS
            )
            # Several instances start at once, and CREATE ... IF NOT EXISTS can collide.
            await self._connection.execute("SELECT pg_advisory_lock(7)")
            await self._connection.execute(self._schema)
            await self._connection.execute("SELECT pg_advisory_unlock(7)")
        return self._connection
