"""Logs through a real pipe: stamped, cut, rotated, followed."""

import asyncio
import os
from pathlib import Path

import pytest

from kiban.adapters.processes import logs
from kiban.adapters.processes.logs import LogQuery, LogWriter, read_log
from kiban.primitives.instants import Instant, later

START = Instant(1_800_000_000_000_000)


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> Instant:
        return self.now


async def said(path: Path, query: LogQuery, writer: LogWriter | None = None) -> bytes:
    return b"".join([piece async for piece in read_log(path, query, writer)])


def written(path: Path, *texts: bytes) -> None:
    """Each text a second after the one before."""

    async def write() -> None:
        clock = Clock()
        writer = LogWriter(path, clock)
        for text in texts:
            os.write(writer.input, text)
            writer._read()
            clock.now = later(clock.now, 1)
        writer.started()
        writer.close()

    asyncio.run(write())


def read(path: Path, **query: object) -> bytes:
    return asyncio.run(said(path, LogQuery(**query)))  # type: ignore[arg-type]


def test_lines_come_back_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    written(path, b"one\ntw", b"o\n\nlast")
    assert read(path) == b"one\ntwo\n\nlast\n"
    assert read(path, tail=2) == b"\nlast\n"
    assert read(path, tail=0) == b""
    assert read(path, limit_bytes=5) == b"one\nt"


def test_lines_carry_the_time_at_which_they_were_read(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    written(path, b"one\n", b"two\n")
    assert read(path, timestamps=True) == (
        b"2027-01-15T08:00:00.000000Z one\n2027-01-15T08:00:01.000000Z two\n"
    )
    assert read(path, since=later(START, 1)) == b"two\n"


def test_a_line_without_an_end_is_kept_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "0.log"
    long = b"x" * 50_000
    written(path, long + b"\nend\n")
    assert read(path) == long + b"\nend\n"


def test_a_full_file_makes_room_and_both_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_LIMIT_BYTES", 1000)
    path = tmp_path / "0.log"
    written(path, *(f"{n:03} {'y' * 90}\n".encode() for n in range(30)))
    lines = read(path).split(b"\n")
    assert lines[-2].startswith(b"029")
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 2500


def test_a_follower_sees_every_line_even_when_the_file_is_rotated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "FILE_LIMIT_BYTES", 1000)

    async def play() -> bytes:
        path = tmp_path / "0.log"
        writer = LogWriter(path, Clock())
        follower = asyncio.create_task(said(path, LogQuery(follow=True), writer))
        for n in range(60):
            os.write(writer.input, f"{n} {'z' * 60}\n".encode())
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        writer.started()
        async with asyncio.timeout(5):
            return await follower

    numbers = [int(line.split()[0]) for line in asyncio.run(play()).splitlines()]
    assert numbers == list(range(60))
