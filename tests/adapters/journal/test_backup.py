"""Backups of a journal: whole, comparable, from either database into either, over nothing."""

import gzip
from pathlib import Path

import psycopg
import pytest

from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.journal.backup import back_up, read_through, restore
from kiban.adapters.journal.database import JournalPlace
from kiban.plans import Event, GateAnswered, Plan, PlanClosed, PlanOpened, Step, StepMoved
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import KibanError

NOW = Instant(1_700_000_000_000_000)
PLAN = Plan("p1", "sync", "shop/dev@local", "", (Step("a", "apply", "web", "apply web"),))
RECORDS = [
    PlanOpened(PLAN, 3),
    StepMoved("p1", "a", "started"),
    GateAnswered("p1", "latency", "pass", "p99 is 12.5 ms", {"p99": 0.0125}),
    PlanClosed("p1", "shop/dev@local", "done", facts={"commit": "c0ffee"}),
    Event("release/quarantined", "web", "Größe „falsch“ \x00", data={"tag": "v1", "who": "ada"}),
]


def filled(place: JournalPlace) -> None:
    journal = Journal(place)
    journal.write(RECORDS, NOW)
    lease = journal.take("shop/dev@local", "host/1", NOW, 10)
    assert lease is not None
    journal.take("shop/dev@local", "host/2", later(NOW, 20), 10)
    journal.close()


def emptied(place: JournalPlace) -> None:
    """The journal is lost."""
    if isinstance(place, Path):
        for path in place.parent.glob(f"{place.name}*"):
            path.unlink()
        return
    with psycopg.connect(place, autocommit=True) as connection:
        connection.execute("DROP SCHEMA kiban CASCADE")


def test_a_lost_journal_is_restored_to_the_byte(place: JournalPlace, tmp_path: Path) -> None:
    filled(place)
    before = JournalReader(place).entries()
    contents = back_up(place, tmp_path / "one.backup", "shop")
    assert (contents.entries, contents.last, contents.tokens) == (5, 5, 1)
    emptied(place)

    assert restore(tmp_path / "one.backup", place, later(NOW, 60)) == contents

    assert JournalReader(place).entries() == before
    back_up(place, tmp_path / "two.backup", "shop")
    one, two = ((tmp_path / f"{name}.backup").read_bytes() for name in ("one", "two"))
    assert one == two


def test_what_is_written_after_a_restore_comes_after_it(
    place: JournalPlace, tmp_path: Path
) -> None:
    filled(place)
    back_up(place, tmp_path / "all.backup", "shop")
    emptied(place)
    restore(tmp_path / "all.backup", place, later(NOW, 60))
    journal = Journal(place)
    assert journal.write([Event("test/after", "web", "")], NOW) == 6
    lease = journal.take("shop/dev@local", "host/3", later(NOW, 60), 10)
    assert lease is not None
    assert lease.token == 3
    journal.close()


def test_a_backup_goes_from_one_database_to_the_other(server: str, tmp_path: Path) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS kiban CASCADE")
    filled(tmp_path / "here.db")
    here = back_up(tmp_path / "here.db", tmp_path / "here.backup", "shop")
    restore(tmp_path / "here.backup", server, later(NOW, 60))
    there = back_up(server, tmp_path / "there.backup", "shop")
    restore(tmp_path / "there.backup", tmp_path / "again.db", later(NOW, 60))
    again = back_up(tmp_path / "again.db", tmp_path / "again.backup", "shop")
    assert here == there == again
    assert (tmp_path / "here.backup").read_bytes() == (tmp_path / "again.backup").read_bytes()


def test_nothing_is_overwritten(place: JournalPlace, tmp_path: Path) -> None:
    filled(place)
    file = tmp_path / "all.backup"
    back_up(place, file, "shop")
    kept = file.read_bytes()
    with pytest.raises(KibanError, match=r"exists already"):
        back_up(place, file, "shop")
    assert file.read_bytes() == kept
    with pytest.raises(KibanError, match=r"has 5 entries, and nothing is ever overwritten"):
        restore(file, place, NOW)
    assert [entry.record for entry in JournalReader(place).entries()] == RECORDS
    assert sorted(path.name for path in tmp_path.glob("*backup*")) == ["all.backup"]


def test_a_journal_somebody_delivers_with_is_not_filled(
    place: JournalPlace, tmp_path: Path
) -> None:
    filled(place)
    back_up(place, tmp_path / "all.backup", "shop")
    emptied(place)
    journal = Journal(place)
    journal.take("shop/dev@local", "host/7", NOW, 10)
    with pytest.raises(KibanError, match=r"host/7 delivers with this journal"):
        restore(tmp_path / "all.backup", place, NOW)
    assert journal.entries() == []
    journal.close()


def test_a_journal_without_entries_gives_no_backup(place: JournalPlace, tmp_path: Path) -> None:
    if isinstance(place, Path):
        with pytest.raises(KibanError, match=r"nothing in the journal"):
            back_up(place, tmp_path / "none.backup", "shop")
        assert not (tmp_path / "none.backup").exists()


def damaged(file: Path, change: int, tmp_path: Path) -> Path:
    """A copy in which one line says something else, and the packing is as it should be."""
    found = gzip.decompress(file.read_bytes()).splitlines(keepends=True)
    found[change] = found[change].replace(b"web", b"wab").replace(b"arcade", b"other")
    copy = tmp_path / f"damaged-{change}.backup"
    copy.write_bytes(gzip.compress(b"".join(found)))
    return copy


def test_damage_is_told_and_nothing_is_restored(tmp_path: Path) -> None:
    filled(tmp_path / "journal.db")
    file = tmp_path / "all.backup"
    back_up(tmp_path / "journal.db", file, "shop")
    whole = gzip.decompress(file.read_bytes())
    cut = tmp_path / "cut.backup"
    cut.write_bytes(gzip.compress(whole[: whole.rindex(b"{")]))
    torn = tmp_path / "torn.backup"
    torn.write_bytes(file.read_bytes()[:-20])
    fewer = tmp_path / "fewer.backup"
    kept = whole.splitlines(keepends=True)
    fewer.write_bytes(gzip.compress(b"".join(kept[:2] + kept[3:])))
    other = tmp_path / "other.backup"
    other.write_bytes(b"not a backup at all")
    for each, why in (
        (damaged(file, 5, tmp_path), "checksum"),
        (cut, "cut off"),
        (torn, "end-of-stream"),
        (fewer, "should hold 5 entries, and holds 4"),
        (other, "gzipped"),
    ):
        with pytest.raises(KibanError, match=why):
            restore(each, tmp_path / "new.db", NOW)
        assert JournalReader(tmp_path / "new.db").entries() == []
    assert read_through(file).entries == 5


def test_every_entry_is_handed_out_with_its_record(tmp_path: Path) -> None:
    filled(tmp_path / "journal.db")
    back_up(tmp_path / "journal.db", tmp_path / "all.backup", "shop")
    found = []
    read_through(tmp_path / "all.backup", lambda row, record: found.append(record))
    assert found == RECORDS
