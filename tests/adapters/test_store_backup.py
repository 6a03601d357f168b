"""Backups: consistent while the store is written, checked before they replace anything."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiban.adapters import store_backup
from kiban.adapters.store_backup import Snapshot, back_up, restore_backup
from kiban.adapters.store_file import Totals
from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.store import Store
from kiban.kube.objects import CONFIG_MAP, Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.problems import KibanError


def config(name: str, value: int = 0) -> Manifest:
    metadata = {"name": name, "namespace": "x", "uid": name}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata,
        "data": {"v": str(value)},
    }


@contextmanager
def written(path: Path, *objects: Manifest) -> Iterator[tuple[Store, StoreJournal]]:
    """A store that is open for more, with these objects on disk."""
    durable = threading.Event()
    store = Store(Chance(1))
    journal = StoreJournal(path, lambda _: durable.set(), lambda error: None)
    journal.restore(store)
    journal.start()
    for manifest in objects:
        store.put(manifest)
    journal.append(store.take_unwritten())
    assert durable.wait(10)
    try:
        yield store, journal
    finally:
        journal.close()


def restored(path: Path) -> Store:
    store = Store(Chance(1))
    StoreJournal(path, lambda _: None, lambda _: None).restore(store)
    return store


def names(store: Store) -> list[str]:
    return [item.object["metadata"]["name"] for item in store.iterate(CONFIG_MAP)]


def test_a_backup_of_a_running_store_comes_back_whole(tmp_path: Path) -> None:
    with written(tmp_path / "s.db", config("a"), config("b")):
        assert back_up(tmp_path / "s.db", tmp_path / "b") == Snapshot(2, 3)
    assert (tmp_path / "b").stat().st_mode & 0o777 == 0o600
    restore_backup(tmp_path / "b", tmp_path / "new" / "s.db", force=False)
    assert names(restored(tmp_path / "new" / "s.db")) == ["a", "b"]


def test_a_backup_during_writes_is_of_one_moment(tmp_path: Path) -> None:
    """Two objects are always written together; no backup sees them apart."""
    stop = threading.Event()
    with written(tmp_path / "s.db", config("a"), config("b")) as (store, journal):

        def write() -> None:
            value = 0
            while not stop.is_set():
                value += 1
                store.put(config("a", value))
                store.put(config("b", value))
                journal.append(store.take_unwritten())
                stop.wait(0.001)

        writer = threading.Thread(target=write)
        writer.start()
        for number in range(8):
            back_up(tmp_path / "s.db", tmp_path / f"b{number}")
        stop.set()
        writer.join()
    for number in range(8):
        restore_backup(tmp_path / f"b{number}", tmp_path / f"s{number}.db", force=False)
        one, other = restored(tmp_path / f"s{number}.db").list(CONFIG_MAP)
        assert one["data"] == other["data"]


def test_a_store_with_objects_is_replaced_only_by_force_and_revisions_go_on(tmp_path: Path) -> None:
    with written(tmp_path / "s.db", config("a")):
        back_up(tmp_path / "s.db", tmp_path / "b")
    with written(tmp_path / "s.db", config("later"), config("latest")) as (store, _):
        reached = store.revision
    with pytest.raises(KibanError, match="has 3 objects"):
        restore_backup(tmp_path / "b", tmp_path / "s.db", force=False)
    assert names(restored(tmp_path / "s.db")) == ["a", "later", "latest"]
    restore_backup(tmp_path / "b", tmp_path / "s.db", force=True)
    store = restored(tmp_path / "s.db")
    assert names(store) == ["a"]
    assert store.revision > reached


def test_a_damaged_backup_replaces_nothing(tmp_path: Path) -> None:
    with written(tmp_path / "s.db", config("a"), config("b")):
        back_up(tmp_path / "s.db", tmp_path / "b")
    content = (tmp_path / "b").read_bytes()
    (tmp_path / "b").write_bytes(content.replace(b'"a"', b'"c"'))
    with pytest.raises(KibanError, match="the backup is not whole"):
        restore_backup(tmp_path / "b", tmp_path / "s.db", force=True)
    assert names(restored(tmp_path / "s.db")) == ["a", "b"]


def test_a_damaged_store_is_neither_backed_up_nor_replaced_without_force(tmp_path: Path) -> None:
    with written(tmp_path / "s.db", config("a")):
        back_up(tmp_path / "s.db", tmp_path / "b")
    content = (tmp_path / "s.db").read_bytes()
    (tmp_path / "s.db").write_bytes(content.replace(b'"a"', b'"c"'))
    with pytest.raises(KibanError, match="not whole"):
        back_up(tmp_path / "s.db", tmp_path / "again")
    assert not (tmp_path / "again").exists()
    with pytest.raises(KibanError, match="damaged"):
        restore_backup(tmp_path / "b", tmp_path / "s.db", force=False)
    restore_backup(tmp_path / "b", tmp_path / "s.db", force=True)
    assert names(restored(tmp_path / "s.db")) == ["a"]


def test_a_name_that_is_taken_while_the_backup_is_made_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = store_backup.checked

    def checked(draft: Path) -> Totals:
        (tmp_path / "b").write_text("mine")
        return whole(draft)

    monkeypatch.setattr(store_backup, "checked", checked)
    with written(tmp_path / "s.db", config("a")), pytest.raises(KibanError, match="exists already"):
        back_up(tmp_path / "s.db", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.glob(".b*")) == []


def test_nothing_is_overwritten_by_a_backup(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("mine")
    with written(tmp_path / "s.db", config("a")), pytest.raises(KibanError, match="exists already"):
        back_up(tmp_path / "s.db", tmp_path / "b")
    with pytest.raises(KibanError, match="no cluster here"):
        back_up(tmp_path / "none.db", tmp_path / "c")
    with pytest.raises(KibanError, match="no such backup"):
        restore_backup(tmp_path / "none", tmp_path / "s.db", force=True)
