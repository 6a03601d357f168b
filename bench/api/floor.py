"""The least a durable API server in this language must do: `python -m bench.api.floor DIR PORT`.

TLS and HTTP by aiohttp on uvloop, the body parsed and written again by orjson, its bytes committed
to SQLite with an fsync that all waiting requests share; then the same bytes back. No meaning at
all: what it costs beyond this is the cost of being Kubernetes.
"""

import asyncio
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import orjson
import uvloop
from aiohttp import web

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import kept_token
from kiban.adapters.api_server.tls import tls_context


class Log:
    """Rows for SQLite, committed in a thread as many at a time as have gathered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[bytes] = []
        self._waiting: list[Callable[[], object]] = []
        self._new = threading.Condition()
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, row: bytes, durable: Callable[[], object]) -> None:
        with self._new:
            self._rows.append(row)
            self._waiting.append(durable)
            self._new.notify()

    def _run(self) -> None:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v BLOB)")
        while True:
            with self._new:
                self._new.wait_for(lambda: bool(self._rows))
                rows, self._rows = self._rows, []
                waiting, self._waiting = self._waiting, []
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO t (v) VALUES (?)", [(row,) for row in rows])
            connection.execute("COMMIT")
            for durable in waiting:
                durable()


async def serve(directory: Path, port: int) -> None:
    log = Log(directory / "floor.db")
    loop = asyncio.get_running_loop()
    kept_token(directory / "token")

    async def handle(request: web.BaseRequest) -> web.Response:
        if request.method == "GET":
            return web.Response(body=b"ok")
        body = orjson.dumps(orjson.loads(await request.read()))
        done = loop.create_future()
        log.add(body, partial(loop.call_soon_threadsafe, done.set_result, None))
        await done
        return web.Response(body=body, content_type="application/json")

    runner = web.ServerRunner(web.Server(handle, access_log=None))
    await runner.setup()
    context = tls_context(server_identity(directory / "pki"))
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.install()
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2])))
