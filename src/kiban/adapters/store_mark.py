"""Up to which revision a store's writes were acknowledged, in a small file beside it.

SQLite takes a damaged or shortened log for one that ends there, and would forget what was
acknowledged after that point without a word. The mark is written after each commit and before
anybody is told, by one system call, so that it survives `kill -9`. It is on disk from its first
moment and never grows, so that a power loss leaves an older mark, never half of one.
"""

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.processes.reaper import boot_id
from kiban.adapters.store_file import damaged

# Longer than any mark, so that an overwritten one leaves no rest.
_SIZE = 96


@dataclass(frozen=True, slots=True)
class Mark:
    """An acknowledged revision, and the boot of the machine in which it was."""

    revision: int
    boot: str

    @property
    def is_of_this_boot(self) -> bool:
        return bool(self.boot) and self.boot == boot_id()


def mark_path(store: Path) -> Path:
    return store.with_name(f"{store.name}-acknowledged")


def read_mark(store: Path) -> Mark | None:
    """The mark of a store; None when it never had one. Raises `KibanError` for a damaged one."""
    try:
        text = mark_path(store).read_bytes()
    except FileNotFoundError:
        return None
    words, _, checksum = text.strip().rpartition(b" ")
    if len(text) != _SIZE or checksum != b"%08x" % zlib.crc32(words):
        raise damaged(store, f"{mark_path(store).name} beside it cannot be read")
    revision, _, boot = words.decode().partition(" ")
    return Mark(int(revision), boot)


class MarkWriter:
    """Keeps the mark of one store."""

    def __init__(self, store: Path) -> None:
        self._boot = boot_id()
        path = mark_path(store)
        if not path.exists():
            _make(path, _line(0, self._boot))
        self._file = os.open(path, os.O_RDWR)

    def write(self, revision: int) -> None:
        os.pwrite(self._file, _line(revision, self._boot), 0)

    def close(self) -> None:
        os.close(self._file)


def _line(revision: int, boot: str) -> bytes:
    words = f"{revision} {boot}".encode()
    return (words + b" %08x" % zlib.crc32(words)).ljust(_SIZE - 1) + b"\n"


def _make(path: Path, line: bytes) -> None:
    """A whole file or none, whenever we or the machine should stop."""
    draft = path.with_name(path.name + ".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make new names in a directory, and renames, outlast a power loss."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
