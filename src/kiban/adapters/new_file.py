"""Writes a file that must not be there yet: whole and on the disk, or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kiban.adapters.store_mark import sync_directory


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file for its owner only, which gets its name when the block ends well. Raises
    `FileExistsError` when the name is taken, before and after."""
    if path.exists():
        raise FileExistsError(path)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        take_name(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    sync_directory(path.parent)


def take_name(draft: Path, path: Path) -> None:
    """Give a finished file its name. Raises `FileExistsError` when somebody has taken it."""
    try:
        os.link(draft, path)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links; here a name that is taken in this very moment would be lost.
        draft.replace(path)
