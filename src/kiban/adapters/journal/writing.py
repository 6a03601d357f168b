"""Writes a journal.

An append is acknowledged when it is durable; what several tasks append at the same time is
committed together. Nothing is ever changed or deleted. Leases live beside the entries, so that a
record under an old fencing token is refused in the same transaction that would have written it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

import orjson

from kiban.adapters.journal.database import Database, JournalPlace, Row, failed, opened
from kiban.adapters.journal.reading import JournalReader
from kiban.plans.plan import Lease
from kiban.plans.records import Record, plan_of, record_data, subject_of
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import Exit, KibanError, Problem

Result = TypeVar("Result")
Write = tuple[list[Row], Lease | None]


class Journal(JournalReader):
    """Writes a journal. One thread does the writing; use `append` in a loop, `write` elsewhere.

    `place` is a file, or the URL of a PostgreSQL database. On several machines the clocks must
    agree within the seconds of a lease; a holder that is late all the same is fenced off.
    """

    def __init__(self, place: JournalPlace) -> None:
        super().__init__(place)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[list[Row], Lease | None, asyncio.Future[int]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self._writer: Database = self._thread.submit(opened, place).result()

    async def append(
        self, records: Sequence[Record], now: Instant, lease: Lease | None = None
    ) -> int:
        """The sequence of the last record, once all are durable. Raises `KibanError` when the
        lease has passed to another holder."""
        if not records:
            return 0
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._waiting.append(([_row(record, now) for record in records], lease, done))
        if self._flushing is None or self._flushing.done():
            self._flushing = loop.create_task(self._flush())
        return await done

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            writes = [(rows, lease) for rows, lease, _ in batch]
            try:
                answers = await loop.run_in_executor(self._thread, self._write_all, writes)
            except KibanError as error:
                answers = [error] * len(batch)
            except self._writer.error as error:
                answers = [failed(self.place, error)] * len(batch)
            for (_, _, done), answer in zip(batch, answers, strict=True):
                if done.cancelled():
                    continue
                if isinstance(answer, KibanError):
                    done.set_exception(answer)
                else:
                    done.set_result(answer)

    def write(self, records: Sequence[Record], now: Instant, lease: Lease | None = None) -> int:
        """Like `append`, without a loop."""
        rows = [_row(record, now) for record in records]
        answer = self._done(lambda: self._write_all([(rows, lease)]))[0]
        if isinstance(answer, KibanError):
            raise answer
        return answer

    def take(
        self, name: str, holder: str, now: Instant, seconds: float, *, instead_of: str = ""
    ) -> Lease | None:
        """Take a lease, or renew one's own; None while somebody else has it.

        `instead_of` names a holder that is known to be dead, whose time need not run out.
        """
        lease = Lease(name, holder, 0, later(now, seconds))
        return self._done(lambda: self._take(lease, now, instead_of))

    def newest(self) -> int:
        """As of any reader, without a connection of its own."""
        query = "SELECT max(sequence) FROM entries"
        return int(self._done(lambda: self._writer.execute(query))[0][0] or 0)

    def holder_of(self, name: str) -> str:
        """Who has, or last had, a lease; empty when nobody ever had."""
        query = "SELECT holder FROM leases WHERE name = ?"
        found = self._done(lambda: self._writer.execute(query, (name,)))
        return str(found[0][0]) if found else ""

    def release(self, lease: Lease) -> None:
        """Give a lease back before its time. Its token stays used."""
        query = "UPDATE leases SET expires = 0 WHERE name = ? AND token = ?"
        self._done(lambda: self._writer.execute(query, (lease.name, lease.token)))

    def close(self) -> None:
        """Finish what is being written, and close the database."""
        if not self._closed:
            self._closed = True
            self._thread.submit(self._writer.close).result()
            self._thread.shutdown()

    def _done(self, act: Callable[[], Result]) -> Result:
        try:
            return self._thread.submit(act).result()
        except self._writer.error as error:
            raise failed(self.place, error) from error

    def _write_all(self, writes: Sequence[Write]) -> list[int | KibanError]:
        with self._writer.transaction():
            return [self._write_one(rows, lease) for rows, lease in writes]

    def _write_one(self, rows: list[Row], lease: Lease | None) -> int | KibanError:
        if lease is not None and (holder := self._newer_holder(lease)):
            return _fenced(lease, holder)
        self._writer.add(rows)
        found = self._writer.execute("SELECT max(sequence) FROM entries")
        return int(found[0][0] or 0)

    def _newer_holder(self, lease: Lease) -> str:
        query = "SELECT holder FROM leases WHERE name = ? AND token > ?"
        found = self._writer.execute(query, (lease.name, lease.token))
        return str(found[0][0]) if found else ""

    def _take(self, wanted: Lease, now: Instant, instead_of: str) -> Lease | None:
        with self._writer.transaction():
            query = "SELECT holder, token, expires FROM leases WHERE name = ?"
            found = self._writer.execute(query, (wanted.name,))
            holder, token, expires = found[0] if found else ("", 0, 0)
            if holder not in (wanted.holder, instead_of) and expires > now:
                return None
            is_renewed = holder == wanted.holder and expires > now
            lease = replace(wanted, token=token if is_renewed else token + 1)
            self._writer.execute(
                "INSERT INTO leases VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
                " holder = excluded.holder, token = excluded.token, expires = excluded.expires",
                (lease.name, lease.holder, lease.token, lease.expires),
            )
            return lease


def _row(record: Record, now: Instant) -> Row:
    data: Mapping[str, Any] = record_data(record)
    return (now, data["record"], plan_of(record), subject_of(record), orjson.dumps(data))


def _fenced(lease: Lease, holder: str) -> KibanError:
    problem = Problem(
        "plans/lease-lost",
        f"The lease {lease.name!r} has passed from {lease.holder} to {holder}.",
        why="Two processes that act on the same environment would undo each other's work.",
        fix="Leave the work to the one that has it, or stop it first.",
    )
    return KibanError(problem, Exit.REFUSED)
