"""The journal on disk: one SQLite file that one process writes and any process reads.

An append is acknowledged when it is durable; what several tasks append at the same time is
committed together. Nothing is ever changed or deleted. Leases live in the same file, so that a
record under an old fencing token is refused in the same transaction that would have written it.
"""

import asyncio
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from kiban.plans.plan import Lease
from kiban.plans.records import (
    Entry,
    PlanClosed,
    PlanOpened,
    Record,
    plan_of,
    record_data,
    record_from,
    subject_of,
)
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import Exit, KibanError, Place, Problem

# How long a writer waits for another process's transaction.
BUSY_SECONDS = 10.0
# What one query gives at most, unless told.
PAGE = 1_000

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


class JournalReader:
    """Reads a journal, also while another process writes it. A missing file is an empty one."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(
        self,
        *,
        plan: str = "",
        subject: str = "",
        kind: str = "",
        after: int = 0,
        since: Instant | None = None,
        limit: int = PAGE,
    ) -> list[Entry]:
        """Entries in order, the oldest first, cut at `limit`."""
        where, values = _conditions(plan=plan, subject=subject, kind=kind)
        where += ["sequence > ?"] + (["at >= ?"] if since is not None else [])
        values += [after] + ([since] if since is not None else [])
        return self._select(where, values, "sequence", limit)

    def last(
        self, limit: int = PAGE, *, plan: str = "", subject: str = "", kind: str = ""
    ) -> list[Entry]:
        """The newest entries, the oldest of them first."""
        where, values = _conditions(plan=plan, subject=subject, kind=kind)
        return self._select(where, values, "sequence DESC", limit)[::-1]

    def plan_history(self, plan: str) -> list[Record]:
        """All records of one plan, in order."""
        return [entry.record for entry in self._select(["plan = ?"], [plan], "sequence", -1)]

    def open_plans(self, subject: str = "") -> list[PlanOpened]:
        """The plans that were begun and have not ended."""
        where, values = _conditions(subject=subject, kind="plan")
        where.append("plan NOT IN (SELECT plan FROM entries WHERE kind = 'end')")
        found = [entry.record for entry in self._select(where, values, "sequence", -1)]
        return [record for record in found if isinstance(record, PlanOpened)]

    def endings(self, subject: str, limit: int = 50) -> list[tuple[Entry, PlanClosed]]:
        """How the plans of a subject ended, the newest first."""
        found = self.last(limit, subject=subject, kind="end")[::-1]
        return [(entry, entry.record) for entry in found if isinstance(entry.record, PlanClosed)]

    def _select(self, where: list[str], values: list[Any], order: str, limit: int) -> list[Entry]:
        query = "SELECT sequence, at, data FROM entries"
        query += f" WHERE {' AND '.join(where)}" if where else ""
        query += f" ORDER BY {order} LIMIT {limit}"
        with self._connection() as connection:
            rows = connection.execute(query, values).fetchall() if connection else []
        return [Entry(row[0], Instant(row[1]), record_from(orjson.loads(row[2]))) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection | None]:
        if not self.path.exists():
            yield None
            return
        with closing(sqlite3.connect(self.path, timeout=BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA query_only = ON")
            known = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'leases'")
            yield connection if known.fetchone() else None


class Journal(JournalReader):
    """Writes a journal. One thread does the writing; use `append` in a loop, `write` elsewhere."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._waiting: list[tuple[list[_Row], Lease | None, asyncio.Future[int]]] = []
        self._flushing: asyncio.Task[None] | None = None
        self._closed = False
        self._writer: sqlite3.Connection = self._thread.submit(self._open).result()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        self.path.chmod(0o600)
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: a commit is on the disk when it returns, also when the machine loses power.
        connection.execute("PRAGMA synchronous = FULL")
        connection.executescript(_SCHEMA)
        return connection

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
            except sqlite3.Error as error:
                answers = [_failed(self.path, error)] * len(batch)
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
        try:
            answer = self._thread.submit(self._write_all, [(rows, lease)]).result()[0]
        except sqlite3.Error as error:
            raise _failed(self.path, error) from error
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
        return self._thread.submit(self._take, lease, now, instead_of).result()

    def holder_of(self, name: str) -> str:
        """Who has, or last had, a lease; empty when nobody ever had."""
        return self._thread.submit(self._holder_of, name).result()

    def release(self, lease: Lease) -> None:
        """Give a lease back before its time. Its token stays used."""
        query = "UPDATE leases SET expires = 0 WHERE name = ? AND token = ?"
        self._thread.submit(self._writer.execute, query, (lease.name, lease.token)).result()

    def close(self) -> None:
        """Finish what is being written, and close the file."""
        if not self._closed:
            self._closed = True
            self._thread.submit(self._writer.close).result()
            self._thread.shutdown()

    def _write_all(self, writes: list[tuple[list["_Row"], Lease | None]]) -> list[int | KibanError]:
        answers: list[int | KibanError] = []
        with self._transaction():
            for rows, lease in writes:
                answers.append(self._write_one(rows, lease))
        return answers

    def _write_one(self, rows: list["_Row"], lease: Lease | None) -> int | KibanError:
        if lease is not None and (holder := self._newer_holder(lease)):
            return _fenced(lease, holder)
        self._writer.executemany(
            "INSERT INTO entries (at, kind, plan, subject, data) VALUES (?, ?, ?, ?, ?)", rows
        )
        found = self._writer.execute("SELECT max(sequence) FROM entries").fetchone()
        return int(found[0] or 0)

    def _newer_holder(self, lease: Lease) -> str:
        query = "SELECT holder FROM leases WHERE name = ? AND token > ?"
        found = self._writer.execute(query, (lease.name, lease.token)).fetchone()
        return str(found[0]) if found else ""

    def _take(self, wanted: Lease, now: Instant, instead_of: str) -> Lease | None:
        with self._transaction():
            query = "SELECT holder, token, expires FROM leases WHERE name = ?"
            found = self._writer.execute(query, (wanted.name,)).fetchone()
            holder, token, expires = found or ("", 0, 0)
            if holder not in (wanted.holder, instead_of) and expires > now:
                return None
            is_renewed = holder == wanted.holder and expires > now
            lease = replace(wanted, token=token if is_renewed else token + 1)
            row = (lease.name, lease.holder, lease.token, lease.expires)
            self._writer.execute("INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)", row)
            return lease

    def _holder_of(self, name: str) -> str:
        query = "SELECT holder FROM leases WHERE name = ?"
        found = self._writer.execute(query, (name,)).fetchone()
        return str(found[0]) if found else ""

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._writer.execute("ROLLBACK")
            raise
        self._writer.execute("COMMIT")


_Row = tuple[int, str, str, str, bytes]


def _row(record: Record, now: Instant) -> _Row:
    data: Mapping[str, Any] = record_data(record)
    return (now, data["record"], plan_of(record), subject_of(record), orjson.dumps(data))


def _conditions(**equal: str) -> tuple[list[str], list[Any]]:
    wanted = {column: value for column, value in equal.items() if value}
    return [f"{column} = ?" for column in wanted], list(wanted.values())


def _fenced(lease: Lease, holder: str) -> KibanError:
    problem = Problem(
        "plans/lease-lost",
        f"The lease {lease.name!r} has passed from {lease.holder} to {holder}.",
        why="Two processes that act on the same environment would undo each other's work.",
        fix="Leave the work to the one that has it, or stop it first.",
    )
    return KibanError(problem, Exit.REFUSED)


def _failed(path: Path, error: sqlite3.Error) -> KibanError:
    problem = Problem(
        "plans/journal-failed",
        f"The journal could not be written: {error}.",
        Place(file=str(path)),
        why="Nothing may be done that is not written down first.",
    )
    return KibanError(problem, Exit.WORLD_FAILED)
