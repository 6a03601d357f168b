"""The store on disk: what was acknowledged is there after kill -9, and damage is told."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kiban.adapters.store_file import connect
from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.store import Store
from kiban.kube.objects import CONFIG_MAP, Key, Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.problems import KibanError

# SQLite's words for it: 2 is FULL, and only macOS knows of a fuller one.
PROMISES = {"journal_mode": "wal", "synchronous": 2, "fullfsync": 1, "checkpoint_fullfsync": 1}

WRITER = """
import sys, threading
from pathlib import Path
from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.store import Store
from kiban.primitives.chance import Chance

store = Store(Chance(1))
journal = StoreJournal(Path(sys.argv[1]), lambda r: print(r, flush=True), print)
journal.restore(store)
journal.start()
number = 0
while True:
    number += 1
    metadata = {"name": f"n{number}", "namespace": "x", "uid": str(number)}
    store.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    journal.append(store.take_unwritten())
    if number % 50 == 0:
        threading.Event().wait(0.001)
"""


def config(name: str) -> Manifest:
    metadata = {"name": name, "namespace": "x", "uid": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


def kept(path: Path, act: Callable[[Store], None]) -> None:
    """Do something to a new store and wait until it is on disk."""
    store, durable = Store(Chance(1)), threading.Event()
    journal = StoreJournal(path, lambda _: durable.set(), lambda error: durable.set())
    journal.restore(store)
    journal.start()
    act(store)
    journal.append(store.take_unwritten())
    assert durable.wait(10)
    journal.close()


def restored(path: Path) -> Store:
    store = Store(Chance(1))
    StoreJournal(path, lambda _: None, lambda _: None).restore(store)
    return store


def test_objects_come_back_with_their_revisions(tmp_path: Path) -> None:
    def act(store: Store) -> None:
        store.put(config("a"))
        store.put(config("b"))
        store.put(config("a"))
        store.remove(Key(*CONFIG_MAP, "x", "b"))

    kept(tmp_path / "s.db", act)
    store = restored(tmp_path / "s.db")
    assert [item.object["metadata"]["name"] for item in store.iterate(CONFIG_MAP)] == ["a"]
    assert store.revision == 5


def test_the_file_is_its_owner_s_only(tmp_path: Path) -> None:
    kept(tmp_path / "s.db", lambda store: store.put(config("a")) and None)
    assert (tmp_path / "s.db").stat().st_mode & 0o777 == 0o600


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    acknowledged = 0
    while acknowledged < 500:
        acknowledged = int(writer.stdout.readline())
    os.kill(writer.pid, signal.SIGKILL)
    rest = writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()
    acknowledged = max([acknowledged, *(int(number) for number in rest if number.isdigit())])
    store = restored(path)
    assert store.revision >= acknowledged
    assert len(list(store.iterate(CONFIG_MAP))) == store.revision - 1


def test_a_damaged_row_is_told_and_nothing_is_guessed(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    kept(path, lambda store: store.put(config("a")) and None)
    with closing(sqlite3.connect(path)) as connection, connection:
        damage = "CAST(replace(CAST(data AS TEXT), 'x', 'y') AS BLOB)"
        connection.execute(f"UPDATE objects SET data = {damage}")
    with pytest.raises(KibanError, match="checksum of ConfigMap a is wrong"):
        restored(path)


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "s.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(KibanError, match="damaged"):
        restored(path)


def test_every_commit_waits_for_the_disk(tmp_path: Path) -> None:
    with closing(connect(tmp_path / "s.db")) as connection:
        told = {name: connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PROMISES}
    assert told == PROMISES


def test_updates_do_not_make_the_files_grow_without_end(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    def many(store: Store) -> None:
        for number in range(20):
            store.put({**config(f"n{number}"), "data": {"v": "x" * 3000}})

    kept(path, many)
    store = Store(Chance(1))
    told = threading.Semaphore(0)
    journal = StoreJournal(path, lambda _: told.release(), lambda error: None)
    journal.restore(store)
    journal.start()
    largest = 0
    for number in range(6000):
        store.put({**config(f"n{number % 20}"), "data": {"v": str(number) * 500}})
        if number % 4 == 3:
            journal.append(store.take_unwritten())
            assert told.acquire(timeout=10)
            sizes = [path.stat().st_size, path.with_name("s.db-wal").stat().st_size]
            largest = max(largest, sum(sizes))
    journal.close()
    # The log is folded into the file after 4,000 pages of 4 KiB.
    assert largest < 20_000_000
    assert path.stat().st_size < 500_000


def test_room_that_is_no_longer_needed_is_given_back_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "s.db"

    def much_and_then_little(store: Store) -> None:
        for number in range(300):
            store.put({**config(f"n{number}"), "data": {"v": "x" * 100_000}})

    kept(path, much_and_then_little)
    before = path.stat().st_size
    store, told = Store(Chance(1)), threading.Event()
    journal = StoreJournal(path, lambda _: told.set(), lambda error: None)
    journal.restore(store)
    journal.start()
    for number in range(290):
        store.remove(Key(*CONFIG_MAP, "x", f"n{number}"))
    journal.append(store.take_unwritten())
    assert told.wait(10)
    journal.close()
    assert len(list(restored(path).iterate(CONFIG_MAP))) == 10
    assert path.stat().st_size < before / 10
