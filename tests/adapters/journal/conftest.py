"""The same tests on both databases: a file, and a real PostgreSQL server."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from kiban.adapters.journal.database import JournalPlace

PATIENCE_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server's database `game`, whose user may make others."""
    data = tmp_path_factory.mktemp("postgres") / "data"
    port = free_port()
    command = [sys.executable, "-m", "kiban.adapters.local.postgres"]
    given = {"HOST": "127.0.0.1", "POSTGRES_USER": "app", "POSTGRES_PASSWORD": "s3cret",
             "POSTGRES_DB": "game"}  # fmt: skip
    process = subprocess.Popen(
        [*command, "--data", str(data), "--port", str(port)],
        env={**os.environ, **given}, start_new_session=True,
    )  # fmt: skip
    try:
        url = f"postgresql://app:s3cret@127.0.0.1:{port}/game"
        _wait_for(url, process)
        yield url
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        note = data / "moved-to"
        if note.exists():
            shutil.rmtree(note.read_text(), ignore_errors=True)


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            psycopg.connect(url, connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JournalPlace]:
    """An empty journal's place."""
    if request.param == "sqlite":
        yield tmp_path / "journal.db"
        return
    url: str = request.getfixturevalue("server")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS kiban CASCADE")
    yield url
