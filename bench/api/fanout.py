"""Many watchers of one kind, and how long a write takes to reach the last of them."""

import asyncio
import re
import time
from typing import Any

import orjson

from bench.api.wire import Address, Connection, checked, connections

_PATH = "/api/v1/namespaces/default/configmaps"
_SENT = re.compile(rb'"sent":"(\d+)"')


class _Tally:
    """Which writes how many watchers have seen."""

    def __init__(self, watchers: int) -> None:
        self._watchers = watchers
        self._seen: dict[int, int] = {}
        self.delays: list[float] = []
        self._all_seen = asyncio.Event()
        self._awaited = 0

    def take(self, data: bytes) -> None:
        for text in _SENT.findall(data):
            sent = int(text)
            seen = self._seen[sent] = self._seen.get(sent, 0) + 1
            if seen == self._watchers:
                self.delays.append((time.monotonic_ns() - sent) / 1e9)
                if len(self.delays) >= self._awaited:
                    self._all_seen.set()

    async def until(self, writes: int) -> None:
        """Wait until so many writes have reached everybody."""
        self._awaited = writes
        if len(self.delays) < writes:
            self._all_seen.clear()
            await self._all_seen.wait()


async def fan_out(job: dict[str, Any], address: Address) -> dict[str, Any]:
    """First writes one by one, each when the last has reached everybody, for their delay; then
    all at once, for how many events a second are delivered."""
    watching = await connections(address, job["watchers"])
    writer, *more = await connections(address, 20)
    tally = _Tally(len(watching))
    for connection in watching:
        connection.watch(f"{_PATH}?watch=true&labelSelector=watched", tally.take)
    await asyncio.sleep(1.0)
    count = job["count"]
    for number in range(count):
        await _write(writer, number)
        await tally.until(number + 1)
    delays = sorted(tally.delays)
    begun, used = time.perf_counter(), time.process_time()
    numbers = iter(range(count, 3 * count))

    async def write_all(connection: Connection) -> None:
        for number in numbers:
            await _write(connection, number)

    await asyncio.gather(*(write_all(connection) for connection in [writer, *more]))
    await tally.until(3 * count)
    seconds = time.perf_counter() - begun
    for connection in watching:
        connection.close()
    return {
        "p50_seconds": delays[len(delays) // 2],
        "p99_seconds": delays[int(len(delays) * 0.99)],
        "events_per_second": 2 * count * len(watching) / seconds,
        "generator_cpu_seconds": time.process_time() - used,
        "seconds": seconds,
    }


async def _write(connection: Connection, number: int) -> None:
    metadata = {"name": f"watched-{number}", "labels": {"watched": "yes"}}
    data = {"key": "v" * 200, "sent": str(time.monotonic_ns())}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    checked(connection, await connection.ask("POST", _PATH, orjson.dumps(manifest)), 201)
