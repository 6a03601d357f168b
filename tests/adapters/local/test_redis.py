"""A real server, started as a pod would start it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from kiban.adapters.local.foreground import Arguments
from kiban.adapters.local.redis import configuration

HOST = "127.15.0.2" if sys.platform == "linux" else "127.0.0.1"
PORT = 46379
PASSWORD = 'it is "secret"'
PATIENCE_SECONDS = 20.0


@contextmanager
def server(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "kiban.adapters.local.redis"]
    command += ["--data", str(data), "--port", str(PORT)]
    environment = {**os.environ, "HOST": HOST, "REDIS_PASSWORD": PASSWORD}
    process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def client_with(password: str | None) -> "redis.Redis":
    at_once = Retry(NoBackoff(), 0)
    return redis.Redis(HOST, PORT, password=password, decode_responses=True, retry=at_once)


def connected(process: subprocess.Popen[bytes]) -> "redis.Redis":
    client = client_with(PASSWORD)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.02)
        else:
            return client


def test_a_queue_survives_a_restart_and_needs_the_password(tmp_path: Path) -> None:
    with server(tmp_path) as process:
        with connected(process) as client:
            client.rpush("queue", "one", "two")
        with pytest.raises(redis.AuthenticationError), client_with(None) as stranger:
            stranger.ping()
        listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, check=True).stdout
        assert PASSWORD.encode() not in listed
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0

    with server(tmp_path) as process, connected(process) as client:
        assert client.lrange("queue", 0, -1) == ["one", "two"]


def test_a_server_without_a_password_is_open_on_its_address_only() -> None:
    text = configuration(Arguments(Path("/data"), "127.16.0.1", 6379), "")

    assert "bind 127.16.0.1\n" in text
    assert "requirepass" not in text
