"""Up to which revision a store's writes were acknowledged, in a small file beside it.

SQLite takes a damaged or shortened log for one that ends there, and would forget what was
acknowledged after that point without a word. The mark is written after each commit and before
anybody is told, by one system call, so that it survives `kill -9` as the commit does. A machine
that lost its power may have kept the mark and not the log's last seconds; the boot's identity
tells this from damage.
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
        self._file = os.open(mark_path(store), os.O_RDWR | os.O_CREAT, 0o600)

    def write(self, revision: int) -> None:
        words = f"{revision} {self._boot}".encode()
        line = words + b" %08x" % zlib.crc32(words)
        os.pwrite(self._file, line.ljust(_SIZE - 1) + b"\n", 0)

    def close(self) -> None:
        os.close(self._file)
