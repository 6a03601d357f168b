"""The store on disk: one SQLite file that holds every object as it was last written.

A writer thread commits what has gathered since its last commit as one transaction; the writes of
many clients share it, and of an object written several times only the last state is written. The
file is the state itself: it does not grow by updates, and a restore is one scan. A file of which
little is left is rewritten at the next start. Every commit waits for the disk: what was
acknowledged is there after `kill -9` and after a power loss.
"""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from kiban.adapters.audit_log import AuditLog, Entry
from kiban.adapters.store_file import (
    UNREADABLE,
    Totals,
    compact,
    connect,
    damaged,
    keep_totals,
    rows_of,
    totals_of,
)
from kiban.adapters.store_mark import MarkWriter, read_mark
from kiban.cluster.history import Write
from kiban.cluster.store import Store
from kiban.kube.objects import Key

# An update in place writes the row's page only; replacing would write the key's index as well.
_UPDATE = (
    " ON CONFLICT (api_group, kind, namespace, name) DO UPDATE SET "
    "revision = excluded.revision, checksum = excluded.checksum, data = excluded.data"
)
# Every statement gives the interpreter to the requests that are handled meanwhile, and has to wait
# until they give it back: so many rows go with one. Few sizes, for SQLite keeps them prepared.
_ROWS_AT_ONCE = (64, 16, 4, 1)
_PUT = {
    size: "INSERT INTO objects VALUES " + ", ".join(["(?, ?, ?, ?, ?, ?, ?)"] * size) + _UPDATE
    for size in _ROWS_AT_ONCE
}
_REMOVE = "DELETE FROM objects WHERE api_group = ? AND kind = ? AND namespace = ? AND name = ?"

# Told, in the writer's thread, up to which revision all is durable; or why nothing will be.
Durable = Callable[[int], None]
Broken = Callable[[Exception], None]


class StoreJournal:
    """The journal of one store. `append` never waits; `on_durable` says when it is on disk."""

    def __init__(
        self, path: Path, on_durable: Durable, on_broken: Broken, audit: AuditLog | None = None
    ) -> None:
        self._path = path
        self._audit = audit
        self._on_durable, self._on_broken = on_durable, on_broken
        self._totals = Totals()
        self._pending: list[Write] = []
        self._entries: list[Entry] = []
        self._wakeup = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-journal", daemon=True)

    def restore(self, store: Store) -> int:
        """Fill an empty store with what is on disk; how many objects that were.

        Raises `KibanError` when the files are damaged: nothing is guessed.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(connect(self._path)) as connection:
                self._totals = totals_of(connection, self._path)
                revision = self._acknowledged(self._totals.revision)
                store.restore(rows_of(connection, self._path, self._totals), revision)
                compact(connection)
        except UNREADABLE as error:
            raise damaged(self._path, str(error)) from error
        return self._totals.count

    def _acknowledged(self, committed: int) -> int:
        """The revision to go on from: never below one that somebody was told."""
        mark = read_mark(self._path)
        if mark is None or mark.revision <= committed:
            return committed
        gap = f"it ends at revision {committed}, and {mark.revision} was acknowledged"
        if not mark.is_of_this_boot:
            gap += "; the machine went down, and its disk did not keep what it had confirmed"
        raise damaged(self._path, gap)

    def start(self) -> None:
        self._thread.start()

    def append(self, writes: Sequence[Write], entries: Sequence[Entry] = ()) -> None:
        """Take writes over for the next commit, with what the audit log is to say of them."""
        if not writes and not entries:
            return
        with self._wakeup:
            self._pending.extend(writes)
            self._entries.extend(entries)
            self._wakeup.notify()

    def close(self) -> None:
        """Commit what is left and stop."""
        with self._wakeup:
            self._closing = True
            self._wakeup.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        path = self._path
        try:
            with closing(connect(path)) as connection, closing(MarkWriter(path)) as mark:
                while batch := self._next_batch():
                    self._totals = _commit(connection, batch, self._totals)
                    mark.write(batch[-1].revision)
                    self._on_durable(batch[-1].revision)
        except (sqlite3.Error, OSError) as error:
            self._on_broken(error)
        finally:
            if self._audit is not None:
                self._audit.close()

    def _next_batch(self) -> list[Write]:
        """What has gathered; waits for the first write. Empty when the journal is closed.

        The audit log has what belongs to it when this returns.
        """
        while True:
            with self._wakeup:
                while not self._pending and not self._entries and not self._closing:
                    self._wakeup.wait()
                batch, self._pending = self._pending, []
                entries, self._entries = self._entries, []
                closing_down = self._closing
            if self._audit is not None:
                self._audit.write(entries)
            if batch or closing_down:
                return batch


def _commit(connection: sqlite3.Connection, batch: Sequence[Write], totals: Totals) -> Totals:
    """Make the writes durable; the totals that hold then."""
    latest: dict[Key, Write] = {}
    for write in batch:
        latest[write.key] = write
        before = write.before.revision if write.before else None
        after = write.after.revision if write.after else None
        totals = totals.changed(before, after, write.revision)
    rows: list[tuple[object, ...]] = []
    connection.execute("BEGIN IMMEDIATE")
    for key, write in latest.items():
        if write.after is None:
            connection.execute(_REMOVE, tuple(key))
        else:
            data = write.after.encoded
            rows.append((*key, write.revision, zlib.crc32(data), data))
    _put(connection, rows)
    keep_totals(connection, totals)
    connection.execute("COMMIT")
    return totals


def _put(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    done = 0
    for size in _ROWS_AT_ONCE:
        while len(rows) - done >= size:
            values = [value for row in rows[done : done + size] for value in row]
            connection.execute(_PUT[size], values)
            done += size
