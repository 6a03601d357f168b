"""The log of one attempt of one container: a pipe read by the event loop into a file.

A pipe, and not the file itself, because clients ask for lines with their times and by their age:
each line is stamped when it is read, and the file can be rotated without the program's help. A
program that writes faster than we read waits, which is what a container's program does too.
Lines are stored as `<time> F <text>`; `P` marks a part of a line too long to be kept whole.
"""

import asyncio
import errno
import os
import pty
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kiban.primitives.instants import Instant, parse_rfc3339, rfc3339_micro

# containerd's defaults are 10 MiB and 5 files; two are enough for a laptop.
FILE_LIMIT_BYTES = 10 * 1024 * 1024
LINE_LIMIT_BYTES = 16 * 1024
READ_BYTES = 64 * 1024
_STAMP_BYTES = len(rfc3339_micro(Instant(0)))


class LogWriter:
    """Writes what a process group says. `input` is the end of the pipe, or of the terminal, to
    hand to the process; close it here once the process has it (`started`). `hear` is told
    everything as it comes."""

    def __init__(
        self, path: Path, clock: Callable[[], Instant], *, is_terminal: bool = False
    ) -> None:
        self.path = path
        self.hear: Callable[[bytes], None] = lambda data: None
        self.changed = asyncio.Event()
        self.is_closed = False
        self._clock = clock
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0
        self._rest = b""
        self._reading, self.input = pty.openpty() if is_terminal else os.pipe()
        os.set_blocking(self._reading, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._reading, self._read)

    def terminal(self) -> int:
        """Our end of the terminal once more, to write input to."""
        return os.dup(self._reading)

    def started(self) -> None:
        """The process has its end of the pipe; or there will be none."""
        os.close(self.input)

    def close(self) -> None:
        """Take what is left in the pipe and close the file; the process group is gone."""
        if self.is_closed:
            return
        with suppress(BlockingIOError):
            while data := self._piece():
                self._take(data)
        self._finish()

    def _piece(self) -> bytes:
        """What there is to read; empty at the end."""
        try:
            return os.read(self._reading, READ_BYTES)
        except OSError as error:
            # A terminal whose last user is gone says so with EIO.
            if error.errno == errno.EIO:
                return b""
            raise

    def _read(self) -> None:
        try:
            data = self._piece()
        except BlockingIOError:
            return
        if data:
            self._take(data)
        else:
            self._finish()

    def _finish(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._loop.remove_reader(self._reading)
        os.close(self._reading)
        if self._rest:
            self._write([b"F " + self._rest])
        os.close(self._file)
        self.changed.set()

    def _take(self, data: bytes) -> None:
        self.hear(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        marked = [part for line in lines for part in _parts(line)]
        while len(self._rest) > LINE_LIMIT_BYTES:
            marked.append(b"P " + self._rest[:LINE_LIMIT_BYTES])
            self._rest = self._rest[LINE_LIMIT_BYTES:]
        if marked:
            self._write(marked)

    def _write(self, lines: list[bytes]) -> None:
        stamp = rfc3339_micro(self._clock()).encode() + b" "
        data = b"".join(stamp + line + b"\n" for line in lines)
        # On a full disk lines are lost, but the program goes on.
        with suppress(OSError):
            os.write(self._file, data)
        self._size += len(data)
        if self._size > FILE_LIMIT_BYTES:
            self._rotate()
        self.changed.set()

    def _rotate(self) -> None:
        os.close(self._file)
        self.path.replace(older(self.path))
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = 0


def older(path: Path) -> Path:
    """Where the part before the last rotation is."""
    return path.with_suffix(".log.1")


def _parts(line: bytes) -> Iterator[bytes]:
    while len(line) > LINE_LIMIT_BYTES:
        yield b"P " + line[:LINE_LIMIT_BYTES]
        line = line[LINE_LIMIT_BYTES:]
    yield b"F " + line


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What of a log is wanted. `since` is the earliest instant; `tail` counts lines."""

    follow: bool = False
    tail: int | None = None
    since: Instant | None = None
    timestamps: bool = False
    limit_bytes: int | None = None


async def read_log(path: Path, query: LogQuery, writer: LogWriter | None) -> AsyncIterator[bytes]:
    """The text of a log, in pieces. With `follow`, until the writer closes."""
    left = query.limit_bytes
    async for piece in _pieces(path, query, writer):
        if left is not None:
            piece, left = piece[:left], left - len(piece[:left])
        if piece:
            yield piece
        if left == 0:
            return


async def _pieces(path: Path, query: LogQuery, writer: LogWriter | None) -> AsyncIterator[bytes]:
    reader = _Reader(path)
    try:
        past = list(_shown(older(path), query)) + [
            text for line in reader.lines() if (text := _text(line, query)) is not None
        ]
        yield b"".join(past if query.tail is None else deque(past, maxlen=max(0, query.tail)))
        while query.follow and writer is not None and not writer.is_closed:
            writer.changed.clear()
            fresh = b"".join(_texts(reader, query))
            if fresh:
                yield fresh
            else:
                await writer.changed.wait()
        if query.follow:
            yield b"".join(_texts(reader, query))
    finally:
        reader.close()


class _Reader:
    """Reads whole lines of a file that grows and may be rotated."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = _opened(path)
        self._rest = b""

    def lines(self) -> Iterator[bytes]:
        if self._file < 0:
            self._file = _opened(self._path)
        yield from self._read()
        if self._was_rotated():
            os.close(self._file)
            self._file = _opened(self._path)
            yield from self._read()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)

    def _read(self) -> Iterator[bytes]:
        while self._file >= 0 and (data := os.read(self._file, READ_BYTES)):
            *lines, self._rest = (self._rest + data).split(b"\n")
            yield from lines

    def _was_rotated(self) -> bool:
        try:
            return self._file >= 0 and self._path.stat().st_ino != os.fstat(self._file).st_ino
        except FileNotFoundError:
            return False


def _opened(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return -1


def _shown(path: Path, query: LogQuery) -> Iterator[bytes]:
    if path.exists():
        reader = _Reader(path)
        yield from _texts(reader, query)
        reader.close()


def _texts(reader: _Reader, query: LogQuery) -> Iterator[bytes]:
    for line in reader.lines():
        if (text := _text(line, query)) is not None:
            yield text


def _text(line: bytes, query: LogQuery) -> bytes | None:
    stamp, mark, text = line[:_STAMP_BYTES], line[_STAMP_BYTES + 1 : _STAMP_BYTES + 2], line
    if query.since is not None and parse_rfc3339(stamp.decode()) < query.since:
        return None
    text = line[_STAMP_BYTES + 3 :]
    end = b"\n" if mark == b"F" else b""
    return (stamp + b" " if query.timestamps else b"") + text + end
