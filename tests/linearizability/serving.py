"""A real API server in a process of its own, to be killed at any moment."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import aiohttp

SERVE = """
import asyncio, os, sys, threading
from pathlib import Path
from kiban.adapters.api_server.credentials import Authenticator
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled

exec(sys.argv[3])
# It ends with the test, which holds the other end of its input.
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()

async def main(directory, port):
    driver = WallDriver(assembled(str(wall_clock()), []), journal=directory / "store.db")
    await driver.start()
    await ApiServer(driver, Authenticator("token")).start(port)
    await driver.finished()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""
HEADERS = {"Authorization": "Bearer token"}
PATIENCE_SECONDS = 50.0


class Server:
    """One cluster on disk, and the process that serves it now."""

    def __init__(self, directory: Path, plant: str = "") -> None:
        """`plant` is Python that puts a fault into the server, for a test of the tests."""
        self._directory, self._plant = directory, plant
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.address = f"http://127.0.0.1:{self._port}"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start the process and wait until it answers."""
        arguments = [str(self._directory), str(self._port), self._plant]
        self._process = subprocess.Popen(
            [sys.executable, "-c", SERVE, *arguments], stdin=subprocess.PIPE
        )
        deadline = time.monotonic() + PATIENCE_SECONDS
        async with aiohttp.ClientSession(self.address, headers=HEADERS) as session:
            while time.monotonic() < deadline and self._process.poll() is None:
                try:
                    async with session.get("/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.02)
        raise AssertionError("the server does not come up")

    def kill(self) -> None:
        """As `kill -9`: nothing is finished."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.communicate()
            self._process = None
