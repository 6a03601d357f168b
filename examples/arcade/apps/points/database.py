"""A few connections to PostgreSQL that come back by themselves."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import psycopg

CONNECT_SECONDS = 2
MAX_ATTEMPTS = 2
# One would have every player wait for the one before; each costs the server a process.
CONNECTIONS = 4

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class Database:
    """Runs statements, each in its own transaction, a few at a time."""

    def __init__(self, url: str, schema: str) -> None:
        self._url = url
        self._schema = schema
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._idle: list[Connection] = []

    async def rows(self, statement: str, *values: object) -> Sequence[tuple[Any, ...]]:
        """The rows of a statement. Connects when needed, and once more when the server went away;
        raises `psycopg.Error` when that does not help. Statements may be run twice."""
        async with self._turns:
            for attempt in range(1, MAX_ATTEMPTS + 1):
                try:
                    return await self._rows(statement, values)
                except psycopg.OperationalError:
                    await self.close()
                    if attempt == MAX_ATTEMPTS:
                        raise
        raise AssertionError("unreachable")

    async def close(self) -> None:
        """Close what is idle; what is under way closes itself when it fails."""
        idle, self._idle = self._idle, []
        for connection in idle:
            with contextlib.suppress(psycopg.Error):
                await connection.close()

    async def _rows(self, statement: str, values: Sequence[object]) -> Sequence[tuple[Any, ...]]:
        connection = self._idle.pop() if self._idle else await self._connected()
        try:
            cursor = await connection.execute(statement, values)
            found = await cursor.fetchall() if cursor.description else []
        except BaseException:
            # Also when the caller went away: what the server still answers is nobody's.
            await connection.close()
            raise
        self._idle.append(connection)
        return found

    async def _connected(self) -> Connection:
        connection = await psycopg.AsyncConnection.connect(
            self._url, autocommit=True, connect_timeout=CONNECT_SECONDS
        )
        # Several instances start at once, and CREATE ... IF NOT EXISTS can collide.
        await connection.execute("SELECT pg_advisory_lock(7)")
        await connection.execute(self._schema)
        await connection.execute("SELECT pg_advisory_unlock(7)")
        return connection
