"""The program of a new repo serves what its spec promises."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

from kiban.spec import load_platform, read_directory, scaffold


def write(root: Path) -> None:
    for path, text in scaffold("demo").items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    write(tmp_path)
    assert load_platform(read_directory(tmp_path)).name == "demo"


def test_the_program_obeys_host_and_port_and_stops_when_told(tmp_path: Path) -> None:
    write(tmp_path)
    program = subprocess.Popen(
        [sys.executable, "main.py"],
        cwd=tmp_path / "apps/hello",
        env={**os.environ, "HOST": "127.0.0.1", "PORT": "0", "GREETING": "Hi"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert program.stdout is not None
        address = program.stdout.readline().split('"')[3]
        with urllib.request.urlopen(f"http://{address}/healthz", timeout=5) as answer:
            assert answer.read() == b'{"healthy": true}\n'
        with urllib.request.urlopen(f"http://{address}/", timeout=5) as answer:
            assert b"Hi" in answer.read()
        program.send_signal(signal.SIGTERM)
        assert program.wait(5) == 0
    finally:
        program.kill()
        program.communicate()
