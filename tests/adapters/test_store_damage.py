"""Damaged store files: a flipped byte or a cut is told, or changes nothing that is read."""

import os
import random
import shutil
import threading
import zlib
from pathlib import Path

import pytest

from kiban.adapters.store_journal import StoreJournal
from kiban.adapters.store_mark import Mark, mark_path, read_mark
from kiban.cluster.store import Store
from kiban.kube.objects import CONFIG_MAP, Key, Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.problems import KibanError

WRITES = 60
# SQLite's write-ahead log: its head, and frames of a head and a page.
LOG_HEAD, FRAME_HEAD, FRAME = 32, 24, 24 + 4096
# KIBAN_DAMAGE_STRIDE=1 cuts at every byte, in a minute or two.
STRIDE = int(os.environ.get("KIBAN_DAMAGE_STRIDE", "97"))


def config(name: str, value: int) -> Manifest:
    metadata = {"name": name, "namespace": "x", "uid": name}
    data = {"value": str(value), "filling": "f" * 150}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def killed(directory: Path) -> dict[str, Manifest]:
    """Leave in a directory what `kill -9` after many commits would; what was acknowledged."""
    live = directory / "live"
    live.mkdir()
    told = threading.Semaphore(0)
    store = Store(Chance(1))
    journal = StoreJournal(live / "s.db", lambda _: told.release(), lambda error: None)
    journal.restore(store)
    journal.start()
    for number in range(WRITES):
        store.put(config(f"n{number % 20}", number))
        if number % 7 == 6:
            store.remove(Key(*CONFIG_MAP, "x", f"n{number % 20}"))
        journal.append(store.take_unwritten())
        assert told.acquire(timeout=10)
    shutil.copytree(live, directory / "left")
    journal.close()
    return objects(store)


def objects(store: Store) -> dict[str, Manifest]:
    return {item.object["metadata"]["name"]: item.object for item in store.iterate(CONFIG_MAP)}


def restored(path: Path) -> Store:
    store = Store(Chance(1))
    StoreJournal(path, lambda _: None, lambda _: None).restore(store)
    return store


def told_or_whole(path: Path, expected: dict[str, Manifest]) -> bool:
    """Whether the damage is told; if not, nothing may be missing or different."""
    try:
        store = restored(path)
    except KibanError as error:
        assert error.problems[0].code == "cluster/damaged-store"
        assert "restore a backup" in error.problems[0].fix
        return True
    assert objects(store) == expected
    return False


def copied(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target / "s.db"


def test_what_kill_9_leaves_is_whole(tmp_path: Path) -> None:
    expected = killed(tmp_path)
    assert objects(restored(tmp_path / "left" / "s.db")) == expected


@pytest.mark.parametrize("suffix", ["", "-wal", "-acknowledged"])
def test_a_flipped_byte_is_told_or_harmless(tmp_path: Path, suffix: str) -> None:
    expected = killed(tmp_path)
    if not suffix:
        # Closing folds the log into the file, so that there is something to damage.
        restored(tmp_path / "left" / "s.db")
    dice = random.Random(7)
    told = 0
    for _ in range(120):
        path = copied(tmp_path / "left", tmp_path / "damaged")
        victim = path.with_name(path.name + suffix)
        content = bytearray(victim.read_bytes())
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
        victim.write_bytes(content)
        told += told_or_whole(path, expected)
    assert told > 0


@pytest.mark.parametrize("suffix", ["", "-wal"])
def test_a_cut_file_is_told(tmp_path: Path, suffix: str) -> None:
    expected = killed(tmp_path)
    if not suffix:
        restored(tmp_path / "left" / "s.db")
    size = (tmp_path / "left" / f"s.db{suffix}").stat().st_size
    for part in range(10):
        path = copied(tmp_path / "left", tmp_path / "damaged")
        with path.with_name(path.name + suffix).open("r+b") as file:
            file.truncate(size * part // 10)
        assert told_or_whole(path, expected), f"cut after {part} tenths"


def test_a_log_cut_at_any_byte_of_its_end_is_told(tmp_path: Path) -> None:
    """The last two frames, byte by byte in the frames' heads and in strides between."""
    killed(tmp_path)
    size = (tmp_path / "left" / "s.db-wal").stat().st_size
    assert (size - LOG_HEAD) % FRAME == 0
    for left in range(size - 2 * FRAME, size):
        into = (left - LOG_HEAD) % FRAME
        if into > FRAME_HEAD and into % STRIDE:
            continue
        path = copied(tmp_path / "left", tmp_path / "damaged")
        with path.with_name("s.db-wal").open("r+b") as file:
            file.truncate(left)
        with pytest.raises(KibanError, match="69 was acknowledged"):
            restored(path)


def test_a_flipped_bit_in_a_head_of_the_log_is_told(tmp_path: Path) -> None:
    """Heads hold what SQLite believes of a frame: its page, its salt, its checksum."""
    expected = killed(tmp_path)
    content = (tmp_path / "left" / "s.db-wal").read_bytes()
    last = len(content) - FRAME
    told = 0
    places = [*range(LOG_HEAD), *range(last, last + FRAME_HEAD)]
    for place in places[:: 1 if STRIDE == 1 else 3]:
        path = copied(tmp_path / "left", tmp_path / "damaged")
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        path.with_name("s.db-wal").write_bytes(flipped)
        told += told_or_whole(path, expected)
    assert told >= 15


def test_a_store_that_is_gone_is_told(tmp_path: Path) -> None:
    killed(tmp_path)
    for name in ("s.db", "s.db-wal", "s.db-shm"):
        (tmp_path / "left" / name).unlink(missing_ok=True)
    with pytest.raises(KibanError, match="it ends at revision 1, and 69 was acknowledged"):
        restored(tmp_path / "left" / "s.db")


def test_a_tail_that_a_power_loss_took_is_told(tmp_path: Path) -> None:
    killed(tmp_path)
    path = tmp_path / "left" / "s.db"
    mark = read_mark(path)
    assert mark == Mark(69, mark.boot if mark else "")
    path.with_name("s.db-wal").unlink()
    text = mark_path(path).read_text()
    earlier = "0" * len(mark.boot)
    words = f"{mark.revision} {earlier}"
    line = f"{words} {zlib.crc32(words.encode()):08x}"
    mark_path(path).write_text(line.ljust(len(text) - 1) + "\n")
    with pytest.raises(KibanError, match="its disk did not keep what it had confirmed"):
        restored(path)
