"""Backups of a cluster's store: one file that holds every object as of one revision.

A backup is a store file of its own, made through SQLite's backup interface while the cluster runs,
and read through to the last row before anybody relies on it. It holds objects only: certificates,
images and processes are made anew wherever it is restored.
"""

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from kiban.adapters.new_file import take_name
from kiban.adapters.store_file import (
    UNREADABLE,
    Totals,
    connect,
    keep_totals,
    rows_of,
    totals_of,
)
from kiban.adapters.store_mark import MarkWriter, read_mark, sync_directory
from kiban.primitives.problems import Exit, KibanError, Place, Problem


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a backup holds."""

    objects: int
    revision: int


def back_up(store: Path, backup: Path) -> Snapshot:
    """Copy a store, running or not, into a new file. Raises `KibanError`."""
    if not store.is_file():
        raise _refused("backup/no-cluster", "there is no cluster here to back up", store)
    if backup.exists():
        raise _refused("backup/exists", "the backup's file exists already", backup)
    draft = backup.with_name(f".{backup.name}.{os.getpid()}")
    try:
        _copy(store, draft)
        totals = checked(draft)
        _name(draft, backup)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(backup.parent)
    return Snapshot(totals.count, totals.revision)


def restore_backup(backup: Path, store: Path, *, force: bool) -> Snapshot:
    """Put a backup in the place of a store that nobody runs. Raises `KibanError`.

    Revisions go on above those of the store that was there, so that no client of before takes an
    old version for a new one.
    """
    checked(backup)
    old = _old_totals(store, force=force)
    if old.count and not force:
        raise _refused(
            "restore/not-empty",
            f"the cluster here has {old.count} objects",
            store,
            "they would be lost; to replace them all the same, say --force",
        )
    draft = store.with_name(f"{store.name}.{os.getpid()}")
    try:
        store.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _copy(backup, draft)
        totals = _raised(draft, old.revision)
        # The old log must be gone before the new file is there: it would be replayed into it.
        for suffix in ("-wal", "-shm"):
            store.with_name(store.name + suffix).unlink(missing_ok=True)
        draft.replace(store)
    finally:
        draft.unlink(missing_ok=True)
    with closing(MarkWriter(store)) as mark:
        mark.write(totals.revision)
    sync_directory(store.parent)
    return Snapshot(totals.count, totals.revision)


def checked(backup: Path) -> Totals:
    """The totals of a file that is whole. Raises `KibanError` for any other."""
    if not backup.is_file():
        raise _refused("restore/no-backup", "there is no such backup", backup)
    try:
        with closing(_opened(backup)) as connection:
            totals = totals_of(connection, backup)
            for _ in rows_of(connection, backup, totals):
                pass
            return totals
    except (*UNREADABLE, KibanError) as error:
        why = error.problems[0].what if isinstance(error, KibanError) else str(error)
        raise _refused(
            "restore/damaged-backup",
            "the backup is not whole",
            backup,
            why=why,
            fix="take another backup",
        ) from error


def _old_totals(store: Path, *, force: bool) -> Totals:
    """What the store in place holds, its log folded in. A damaged one counts for its revision
    only, and only under force."""
    if not store.is_file():
        return Totals(0)
    try:
        with closing(connect(store)) as connection:
            totals = totals_of(connection, store)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        mark = read_mark(store)
    except (*UNREADABLE, KibanError) as error:
        if not force:
            raise _refused(
                "restore/damaged-store",
                "the cluster here is damaged and what it holds cannot be told",
                store,
                "to replace it all the same, say --force",
                why=str(error),
            ) from error
        return Totals(_last_mark(store))
    return replace(totals, revision=max(totals.revision, mark.revision if mark else 0))


def _last_mark(store: Path) -> int:
    try:
        mark = read_mark(store)
    except KibanError:
        return 0
    return mark.revision if mark else 0


def _raised(draft: Path, above: int) -> Totals:
    """Bring a copy's revision above another's; its totals then."""
    with closing(sqlite3.connect(draft, isolation_level=None)) as connection:
        totals = totals_of(connection, draft)
        totals = replace(totals, revision=max(totals.revision, above + 1))
        connection.execute("BEGIN IMMEDIATE")
        keep_totals(connection, totals)
        connection.execute("COMMIT")
    return totals


def _copy(source: Path, target: Path) -> None:
    """One consistent copy, a single file that is its owner's only, on disk when this returns."""
    target.unlink(missing_ok=True)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        with closing(_opened(source)) as from_, closing(sqlite3.connect(target)) as to:
            to.execute("PRAGMA synchronous=FULL")
            from_.backup(to)
            # A copy of a store with a log says it has one too; a backup is one file.
            to.execute("PRAGMA journal_mode=DELETE")
    except UNREADABLE as error:
        raise _refused(
            "backup/unreadable",
            "the store cannot be copied",
            source,
            why=str(error),
        ) from error


def _name(draft: Path, backup: Path) -> None:
    """Give a finished backup its name, which nobody may have taken meanwhile."""
    try:
        take_name(draft, backup)
    except FileExistsError:
        raise _refused("backup/exists", "the backup's file exists already", backup) from None


def _opened(path: Path) -> sqlite3.Connection:
    """An existing file, which is read only."""
    # Not mode=ro: to read a store with a log, SQLite makes the index of the log beside it.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
    connection.execute("PRAGMA query_only=1")
    return connection


def _refused(code: str, what: str, path: Path, fix: str = "", *, why: str = "") -> KibanError:
    return KibanError(Problem(code, what, Place(str(path)), why=why, fix=fix), Exit.WORLD_FAILED)
