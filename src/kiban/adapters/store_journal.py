"""The store on disk: one SQLite file that holds every object as it was last written.

A writer thread commits what has gathered since its last commit as one transaction; the writes of
many clients share it, and of an object written several times only the last state is written. The
file is the state itself, so nothing needs compaction and a restore is one scan. What is there was
acknowledged, and whatever was acknowledged is there after `kill -9`.

After a power loss the file is whole but may lack the last seconds: with synchronous=NORMAL only
checkpoints wait for the disk. The default accepts that, because what runs on a laptop is delivered
again from Git; `survives_power_loss` waits for the disk at every commit.
"""

import sqlite3
import threading
import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import orjson

from kiban.cluster.history import Write
from kiban.cluster.store import Store
from kiban.kube.objects import Key
from kiban.primitives.problems import Exit, KibanError, Place, Problem

FORMAT = 1
# A checkpoint's work is bounded: 4,000 pages are 16 MB.
CHECKPOINT_PAGES = 4000

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
    api_group TEXT NOT NULL,
    kind TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (api_group, kind, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?, ?, ?)"
_REMOVE = "DELETE FROM objects WHERE api_group = ? AND kind = ? AND namespace = ? AND name = ?"
_FACT = "INSERT OR REPLACE INTO facts VALUES (?, ?)"

# Told, in the writer's thread, up to which revision all is durable; or why nothing will be.
Durable = Callable[[int], None]
Broken = Callable[[Exception], None]


class StoreJournal:
    """The journal of one store. `append` never waits; `on_durable` says when it is on disk."""

    def __init__(
        self,
        path: Path,
        on_durable: Durable,
        on_broken: Broken,
        *,
        survives_power_loss: bool = False,
    ) -> None:
        self._path = path
        self._on_durable, self._on_broken = on_durable, on_broken
        self._synchronous = "FULL" if survives_power_loss else "NORMAL"
        self._pending: list[Write] = []
        self._wakeup = threading.Condition()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-journal", daemon=True)

    def restore(self, store: Store) -> int:
        """Fill an empty store with what is on disk; how many objects that were.

        Raises `KibanError` when the file is damaged: nothing is guessed.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(self._connect()) as connection:
                return _restore(connection, store, self._path)
        except sqlite3.DatabaseError as error:
            raise _damaged(self._path, str(error)) from error

    def start(self) -> None:
        self._thread.start()

    def append(self, writes: Sequence[Write]) -> None:
        """Take writes over for the next commit."""
        if not writes:
            return
        with self._wakeup:
            self._pending.extend(writes)
            self._wakeup.notify()

    def close(self) -> None:
        """Commit what is left and stop."""
        with self._wakeup:
            self._closing = True
            self._wakeup.notify()
        if self._thread.is_alive():
            self._thread.join()

    def _connect(self) -> sqlite3.Connection:
        existed = self._path.exists()
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        if not existed:
            self._path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.executescript(_SCHEMA)
        return connection

    def _run(self) -> None:
        try:
            with closing(self._connect()) as connection:
                while batch := self._next_batch():
                    _commit(connection, batch)
                    self._on_durable(batch[-1].revision)
        except (sqlite3.Error, OSError) as error:
            self._on_broken(error)

    def _next_batch(self) -> list[Write]:
        """What has gathered; waits for the first write. Empty when the journal is closed."""
        with self._wakeup:
            while not self._pending and not self._closing:
                self._wakeup.wait()
            batch, self._pending = self._pending, []
            return batch


def _commit(connection: sqlite3.Connection, batch: Sequence[Write]) -> None:
    latest: dict[Key, Write] = {write.key: write for write in batch}
    connection.execute("BEGIN IMMEDIATE")
    for key, write in latest.items():
        if write.after is None:
            connection.execute(_REMOVE, tuple(key))
        else:
            data = write.after.encoded
            connection.execute(_PUT, (*key, write.revision, zlib.crc32(data), data))
    connection.execute(_FACT, ("revision", batch[-1].revision))
    connection.execute("COMMIT")


def _restore(connection: sqlite3.Connection, store: Store, path: Path) -> int:
    facts = dict(connection.execute("SELECT name, value FROM facts"))
    if facts.get("format", FORMAT) != FORMAT:
        raise _damaged(path, f"it has format {facts['format']}, this Kiban reads {FORMAT}")
    connection.execute(_FACT, ("format", FORMAT))
    fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if fault != "ok":
        raise _damaged(path, fault)
    rows = connection.execute(
        "SELECT revision, checksum, data, kind, name FROM objects ORDER BY revision"
    )
    objects = []
    for revision, checksum, data, kind, name in rows:
        if zlib.crc32(data) != checksum:
            raise _damaged(path, f"the checksum of {kind} {name} is wrong")
        objects.append((revision, orjson.loads(data)))
    store.restore(objects, facts.get("revision", 1))
    return len(objects)


def _damaged(path: Path, why: str) -> KibanError:
    return KibanError(
        Problem(
            "cluster/damaged-store",
            f"the cluster's store is damaged: {why}",
            Place(str(path)),
            why="starting from it could lose or invent objects",
            fix="restore a backup, or delete the file: what Git holds is delivered again",
        ),
        Exit.WORLD_FAILED,
    )
