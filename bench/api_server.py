"""Measure the embedded API server: start-up, memory, durable writes, a long list.

    python -m bench.api_server [--clients 16] [--writes 4000]

Prints one line of JSON. Each figure stands beside a named baseline of the same run, as a ratio:
start-up against an empty `python -c pass`, writes against single-row SQLite commits of the same
bytes by one writer, the list against the same bytes read from a plain aiohttp handler.
"""

import argparse
import asyncio
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from aiohttp import web

SERVE = """
import asyncio, sys
from pathlib import Path
from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import Authenticator, kept_token
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled
from kiban.cluster.controllers.service_account import ServiceAccountController

async def main(directory, port, tls):
    identity = server_identity(directory) if tls else None
    driver = WallDriver(assembled(1, [ServiceAccountController()]), journal=directory / "store.db")
    await driver.start()
    server = ApiServer(driver, Authenticator(kept_token(directory / "token")))
    await server.start(port, identity)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "tls"))
"""
PODS = 5000
OBJECTS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--writes", type=int, default=4000)
    arguments = parser.parse_args()
    figures = {
        "start": startup(),
        "writes": asyncio.run(writes(arguments.clients, arguments.writes)),
        "list": asyncio.run(listing()),
    }
    print(json.dumps(figures))


class Served:
    """A server process of its own, and how to reach it."""

    def __init__(self, directory: Path, *, tls: bool) -> None:
        with closing(socket.socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.directory = directory
        scheme = "tls" if tls else "plain"
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(directory), str(self.port), scheme]
        )

    def wait(self) -> float:
        """Seconds from the start of the process until it accepts a connection and answers."""
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return time.perf_counter() - self.started
            except OSError:
                time.sleep(0.005)

    @property
    def headers(self) -> dict[str, str]:
        token = (self.directory / "token").read_text().strip()
        return {"Authorization": f"Bearer {token}"}

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def memory_mib(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


def startup() -> dict[str, Any]:
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    empty = time.perf_counter() - begun
    with tempfile.TemporaryDirectory() as directory:
        first = Served(Path(directory), tls=True)
        fresh = first.wait()
        first.stop()
        second = Served(Path(directory), tls=True)
        again = second.wait()
        second.stop()
    return {
        "seconds_first": round(fresh, 3),
        "seconds_again": round(again, 3),
        "baseline": "python -c pass",
        "baseline_seconds": round(empty, 3),
        "ratio": round(again / empty, 1),
    }


async def writes(clients: int, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        served = Served(Path(directory), tls=False)
        served.wait()
        async with aiohttp.ClientSession(headers=served.headers) as session:
            path = served.url("/api/v1/namespaces/default/configmaps")
            await created(session, path, 0, OBJECTS, clients)
            memory = served.memory_mib()
            alone = await created(session, path, 10_000, 300, 1)
            together = await created(session, path, 20_000, count, clients)
        served.stop()
        baseline = sqlite_commits(Path(directory) / "baseline.db")
    return {
        "clients": clients,
        "per_second": round(together),
        "per_second_one_client": round(alone),
        "memory_mib_with_500_objects": round(memory, 1),
        "baseline": "one SQLite commit per row, synchronous=NORMAL, one writer",
        "baseline_per_second": round(baseline),
        "ratio": round(together / baseline, 3),
    }


async def created(
    session: aiohttp.ClientSession, path: str, first: int, count: int, clients: int
) -> float:
    """Objects created per second by so many clients at once."""
    numbers = iter(range(first, first + count))

    async def client() -> None:
        for number in numbers:
            async with session.post(path, data=config_map(number), headers=JSON) as response:
                assert response.status == 201, await response.text()
                await response.read()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return count / (time.perf_counter() - begun)


JSON = {"Content-Type": "application/json"}


def config_map(number: int) -> bytes:
    name = f"object-{number}"
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
    return orjson.dumps({**manifest, "data": {"key": "value", "number": str(number)}})


def sqlite_commits(path: Path) -> float:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
        data = config_map(1) * 3
        begun = time.perf_counter()
        for number in range(4000):
            connection.execute("INSERT INTO t VALUES (?, ?)", (number, data))
        return 4000 / (time.perf_counter() - begun)


async def listing() -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as directory:
        served = Served(Path(directory), tls=False)
        served.wait()
        async with aiohttp.ClientSession(headers=served.headers) as session:
            path = served.url("/api/v1/namespaces/default/pods")
            filled = await fill(session, path)
            body, seconds = await fetched(session, path)
        memory = served.memory_mib()
        served.stop()
    baseline = await plain(body)
    return {
        "pods": PODS,
        "pods_created_per_second": round(filled),
        "bytes": len(body),
        "milliseconds": round(seconds * 1000, 1),
        "memory_mib": round(memory, 1),
        "baseline": "the same bytes from a bare aiohttp handler",
        "baseline_milliseconds": round(baseline * 1000, 1),
        "ratio": round(seconds / baseline, 2),
    }


async def fill(session: aiohttp.ClientSession, path: str) -> float:
    numbers = iter(range(PODS))

    async def client() -> None:
        for number in numbers:
            pod = {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": f"pod-{number}", "labels": {"app": f"a{number % 50}"}},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            }
            async with session.post(path, data=orjson.dumps(pod), headers=JSON) as response:
                assert response.status == 201, await response.text()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(16)))
    return PODS / (time.perf_counter() - begun)


async def fetched(session: aiohttp.ClientSession, url: str) -> tuple[bytes, float]:
    """A body, and the seconds of the quickest of five fetches."""
    best, body = 1e9, b""
    for _ in range(5):
        begun = time.perf_counter()
        async with session.get(url) as response:
            body = await response.read()
        best = min(best, time.perf_counter() - begun)
    return body, best


async def plain(body: bytes) -> float:
    async def handle(request: web.BaseRequest) -> web.Response:
        return web.Response(body=body)

    runner = web.ServerRunner(web.Server(handle))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession() as session:
        _, seconds = await fetched(session, f"http://{host}:{port}/")
    await runner.cleanup()
    return seconds


if __name__ == "__main__":
    main()
