"""The SQLite file that holds every object of a cluster: its form, and whether it is whole.

Each row carries a checksum, and the facts carry totals over all rows under a seal: rows that a
damaged page or log took back to an older state, or took away, are noticed although each of them
is sound. Nothing is ever repaired here.
"""

import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from kiban.kube.objects import Key, Manifest, key_of
from kiban.kube.ownership.entries import share_fields
from kiban.primitives.problems import Exit, KibanError, Place, Problem

FORMAT = 2
# A checkpoint's work is bounded: 4,000 pages are 16 MB.
CHECKPOINT_PAGES = 4000
# Sums of revisions stay within SQLite's 64-bit integers.
_SUM_MODULUS = 1 << 62

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
);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""
# Free pages that make a file worth rewriting, when they are also more than half of it: 16 MB.
_FREE_PAGES = 4000
# What reading a damaged file may raise: SQLite's own errors, texts that are none, wrong types.
UNREADABLE = (sqlite3.DatabaseError, ValueError, TypeError)

_FACTS = "INSERT OR REPLACE INTO facts VALUES (?, ?), (?, ?), (?, ?), (?, ?), (?, ?)"
_ROWS = "SELECT api_group, kind, namespace, name, revision, checksum, data FROM objects"


@dataclass(frozen=True, slots=True)
class Totals:
    """What all rows add up to at the revision of the last commit."""

    revision: int = 1
    count: int = 0
    revision_sum: int = 0

    def changed(self, before: int | None, after: int | None, revision: int) -> "Totals":
        """The totals after one write, which took a row from one revision to another; None: no row
        was, or is, there."""
        count = self.count + (after is not None) - (before is not None)
        total = (self.revision_sum + (after or 0) - (before or 0)) % _SUM_MODULUS
        return Totals(revision, count, total)

    @property
    def seal(self) -> int:
        return zlib.crc32(f"{self.revision} {self.count} {self.revision_sum}".encode())


def connect(path: Path) -> sqlite3.Connection:
    """Open a store for writing; it is made when there is none, for its owner only.

    A commit returns when the disk has it; on macOS a plain fsync would not say that.
    """
    existed = path.exists()
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    if not existed:
        path.chmod(0o600)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA fullfsync=1")
    connection.execute("PRAGMA checkpoint_fullfsync=1")
    connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    connection.executescript(_SCHEMA)
    return connection


def keep_totals(connection: sqlite3.Connection, totals: Totals) -> None:
    """Write the totals down; a part of the transaction that changed them."""
    facts = {
        "format": FORMAT,
        "revision": totals.revision,
        "count": totals.count,
        "revision_sum": totals.revision_sum,
        "seal": totals.seal,
    }
    connection.execute(_FACTS, [value for fact in facts.items() for value in fact])


def totals_of(connection: sqlite3.Connection, path: Path) -> Totals:
    """The totals as they were written down, of an empty store when it is new.

    Raises `KibanError` when they are not what was written, one of `UNREADABLE` when the file
    cannot be read.
    """
    fault = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if fault != "ok":
        raise damaged(path, fault)
    facts = dict(connection.execute("SELECT name, value FROM facts"))
    if not facts and connection.execute("SELECT count(*) FROM objects").fetchone()[0] == 0:
        return Totals()
    if facts.get("format") != FORMAT:
        raise damaged(path, f"it has format {facts.get('format')}, this Kiban reads {FORMAT}")
    totals = Totals(*(facts.get(name, 0) for name in ("revision", "count", "revision_sum")))
    if facts.get("seal") != totals.seal:
        raise damaged(path, "the seal over its totals is broken")
    return totals


def rows_of(
    connection: sqlite3.Connection, path: Path, totals: Totals
) -> Iterator[tuple[int, Manifest]]:
    """Every object with its revision. Raises as `totals_of` does, at the latest after the last
    one, when what was read is not what was written."""
    found = Totals(totals.revision)
    for *key, revision, checksum, data in connection.execute(_ROWS):
        if zlib.crc32(data) != checksum:
            raise damaged(path, f"the checksum of {key[1]} {key[3]} is wrong")
        manifest = orjson.loads(data)
        if key_of(manifest) != Key(*key):
            raise damaged(path, f"{key[1]} {key[3]} stands in the place of another object")
        found = found.changed(None, revision, totals.revision)
        share_fields(manifest)
        yield revision, manifest
    if found != totals:
        raise damaged(path, f"{found.count} objects are not the {totals.count} that were written")


def compact(connection: sqlite3.Connection) -> bool:
    """Give room back that nothing needs any more, if it is much; whether it was. A file reuses
    its free pages, so this is for what was deleted for good."""
    free = connection.execute("PRAGMA freelist_count").fetchone()[0]
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    if free < _FREE_PAGES or 2 * free < pages:
        return False
    connection.execute("VACUUM")
    return True


def damaged(path: Path, why: str) -> KibanError:
    """What is said of a store that is not what was written."""
    return KibanError(
        Problem(
            "cluster/damaged-store",
            f"the cluster's store is damaged: {why}",
            Place(str(path)),
            why="starting from it could lose or invent objects",
            fix="restore a backup with `kiban cluster restore FILE --force`, or start anew: remove "
            f"every file {path.name}*, and what Git holds is delivered again",
        ),
        Exit.WORLD_FAILED,
    )
