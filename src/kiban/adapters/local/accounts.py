"""Which user PostgreSQL runs as, and where that user can read and write.

PostgreSQL refuses to run as root, and the account that stands in may not see what root sees:
neither a wheel in /root nor a data directory below it. What it cannot reach is put where it can.
"""

import os
import pwd
import secrets
import shutil
import subprocess
from pathlib import Path

from kiban.adapters.local.foreground import Account, as_account
from kiban.primitives.problems import Exit, KibanError, Problem

# In this order: made for it, or at least there on every machine.
ACCOUNTS = ("postgres", "nobody")
ROOTS_DATA = Path("/var/lib/kiban")
ROOTS_CACHE = Path("/var/cache/kiban")
_MOVED = "moved-to"
_MOVED_FROM = "moved-from"


def account_for_postgres() -> Account | None:
    """Another account when we are root; None when the current user will do."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        if found.pw_uid != 0:
            return Account(found.pw_uid, found.pw_gid, name)
    raise KibanError(
        Problem(
            "local/no-account",
            "There is no account to run PostgreSQL under.",
            why="PostgreSQL refuses to run as root.",
            fix=f"Create one of the users {', '.join(ACCOUNTS)}, or run kiban as another user.",
        ),
        Exit.WORLD_FAILED,
    )


def writable_directory(wanted: Path, account: Account | None) -> Path:
    """The directory itself where the account can use it, else one that stands in for it.

    Its place is noted in the directory, so that it is found again, and so that a directory that
    was removed and made anew does not find the data of its predecessor.
    """
    wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account is None:
        return wanted
    note = wanted / _MOVED
    if note.exists():
        return Path(note.read_text())
    os.chown(wanted, account.uid, account.gid)
    if _allows("-w", wanted, account):
        return wanted
    instead = ROOTS_DATA / f"postgres-{secrets.token_hex(8)}"
    ROOTS_DATA.mkdir(parents=True, exist_ok=True, mode=0o755)
    _sweep(ROOTS_DATA)
    instead.mkdir(mode=0o700)
    (instead / _MOVED_FROM).write_text(str(note))
    os.chown(instead, account.uid, account.gid)
    note.write_text(str(instead))
    return instead


def _sweep(root: Path) -> None:
    """Remove data whose directory is gone, and with it the note that led here."""
    for origin in sorted(root.glob(f"*/{_MOVED_FROM}")):
        note = Path(origin.read_text())
        if not note.exists() or note.read_text() != str(origin.parent):
            shutil.rmtree(origin.parent, ignore_errors=True)


def readable_package(package: Path, account: Account | None) -> Path:
    """The directory of a wheel's programs, or a copy of it that the account can read.

    The shared libraries of a repaired wheel lie next to its package, in `<package>.libs`.
    """
    if account is None or _allows("-r", package / "__init__.py", account):
        return package
    state = package.stat()
    copy = ROOTS_CACHE / f"{package.name}-{state.st_ino}-{state.st_mtime_ns}" / package.name
    if not copy.exists():
        ROOTS_CACHE.mkdir(parents=True, exist_ok=True, mode=0o755)
        fresh = ROOTS_CACHE / f".{secrets.token_hex(8)}"
        shutil.copytree(package, fresh / package.name)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.exists():
            shutil.copytree(libraries, fresh / libraries.name)
        fresh.chmod(0o755)
        _put_in_place(fresh, copy.parent)
    return copy


def _put_in_place(fresh: Path, target: Path) -> None:
    try:
        fresh.rename(target)
    except OSError:
        # Another pod was faster.
        shutil.rmtree(fresh)
        assert target.exists()


def _allows(test: str, path: Path, account: Account) -> bool:
    """Ask the kernel, as the account: rights may come from more than mode bits."""
    command = ["/bin/sh", "-c", f'test {test} "$1"', "sh", str(path)]
    done: subprocess.CompletedProcess[bytes]
    done = subprocess.run(command, check=False, **as_account(account))
    return done.returncode == 0
