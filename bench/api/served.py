"""A server process under measurement: started, looked at from outside, killed."""

import http.client
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import orjson

_TICKS = os.sysconf("SC_CLK_TCK")
Kind = Literal["alone", "whole", "floor"]


class Served:
    """The API server alone, the whole cluster as `kiban cluster start` runs it, or the least that
    any server must do."""

    def __init__(self, directory: Path, kind: Kind) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        place = directory / "cluster" if kind == "whole" else directory
        self._token, self.authority = place / "token", place / "pki" / "ca.crt"
        port = str(self.port)
        whole = ["kiban", "cluster", "start", "--modelled", "--state", str(directory), "--json"]
        arguments = {
            "alone": ["bench.api.serve", str(directory), port],
            "floor": ["bench.api.floor", str(directory), port],
            "whole": [*whole, "--port", port],
        }[kind]
        # As on a user's machine, where modules are compiled once.
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-m", *arguments], stdout=subprocess.DEVNULL, env=environment
        )

    def wait(self, path: str = "/readyz") -> float:
        """Seconds from the start of the process to its first answer."""
        while True:
            try:
                self.get(path)
                return time.perf_counter() - self.started
            except OSError:
                if self.process.poll() is not None:
                    raise AssertionError("the server ended") from None
                time.sleep(0.003)

    def get(self, path: str) -> bytes:
        context = ssl.create_default_context(cafile=str(self.authority))
        connection = http.client.HTTPSConnection("localhost", self.port, context=context)
        with closing(connection):
            connection.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
            return connection.getresponse().read()

    @property
    def token(self) -> str:
        return self._token.read_text().strip()

    @property
    def memory_mib(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    @property
    def cpu_seconds(self) -> float:
        """Processor time of the process so far, all threads."""
        text = Path(f"/proc/{self.process.pid}/stat").read_text()
        user, system = text.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / _TICKS

    def load(self, act: str, **job: Any) -> dict[str, Any]:
        """What the load process measured, and what the server used for it a piece."""
        told = {"port": self.port, "token": self.token, "authority": str(self.authority)}
        before = self.cpu_seconds
        done = subprocess.run(
            [sys.executable, "-m", "bench.api.load"],
            input=orjson.dumps({**told, "act": act, **job}),
            stdout=subprocess.PIPE,
            check=True,
        )
        found: dict[str, Any] = orjson.loads(done.stdout)
        found["server_cpu_seconds"] = self.cpu_seconds - before
        return found

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.stop()

    def stop(self, how: signal.Signals = signal.SIGKILL) -> None:
        self.process.send_signal(how)
        self.process.wait()
