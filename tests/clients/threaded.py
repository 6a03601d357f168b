"""An API server in a thread of this process, over plain HTTP, that can be ended and begun again."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from kiban.adapters.api_server.credentials import Authenticator
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled

TOKEN = "token"
PATIENCE_SECONDS = 20.0


class Threaded:
    """One server, always at the same address, with or without a journal; it may be told how many
    changes of a kind to remember."""

    def __init__(self, journal: Path | None = None, remembered: int | None = None) -> None:
        self._journal = journal
        self._remembered = remembered
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.address = ""
        self.start()

    def start(self) -> None:
        self._do(self._start())

    def stop(self) -> None:
        self._do(self._stop())

    def close(self) -> None:
        self.stop()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    async def _start(self) -> None:
        cluster = assembled(1, [])
        if self._remembered is not None:
            cluster.store.history_limit = self._remembered
        self._driver = WallDriver(cluster, journal=self._journal)
        await self._driver.start()
        self._server = ApiServer(self._driver, Authenticator(TOKEN))
        port = int(self.address.rpartition(":")[2] or 0)
        self.address = await self._server.start(port)

    async def _stop(self) -> None:
        await self._server.stop()
        await self._driver.stop()

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_SECONDS)
