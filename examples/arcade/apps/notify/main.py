"""Takes stamps from the queue, gives a point for each, and tells the player (in the log).

The queue is a Redis stream: a stamp that an instance took and did not finish, because it was
killed, goes to another one after a while. A crash gives a point twice rather than never.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time

import aiohttp
from redis import asyncio as redis

QUEUE = "stamps"
GROUP = "notify"
INSTANCE = os.environ.get("POD_NAME") or f"{socket.gethostname()}-{os.getpid()}"
# Longer than any attempt takes; then its instance is dead.
ABANDONED_MILLISECONDS = 10_000
BATCH = 10
WAIT_MILLISECONDS = 1_000
REQUEST_SECONDS = 2.0
PAUSE_SECONDS = 1.0
LEVELS = ("debug", "info", "warning", "error")


def log(level: str, message: str, **fields: object) -> None:
    if LEVELS.index(level) < LEVELS.index(os.environ.get("LOG_LEVEL", "info")):
        return
    whole = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    line = {"time": whole, "level": level, "service": "notify", "message": message, **fields}
    print(json.dumps(line, default=str), flush=True)


async def work(stopping: asyncio.Event) -> None:
    cache = redis.from_url(os.environ["CACHE_URL"], decode_responses=True)
    timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS)
    async with cache, aiohttp.ClientSession(timeout=timeout) as client:
        while not stopping.is_set():
            try:
                await open_queue(cache)
                while not stopping.is_set():
                    for id_, stamp in await take(cache):
                        await tell(client, stamp["user"])
                        await done(cache, id_)
            except (redis.RedisError, aiohttp.ClientError, TimeoutError) as error:
                log("warning", "trying again", error=f"{type(error).__name__}: {error}")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), PAUSE_SECONDS)


async def open_queue(cache: redis.Redis) -> None:
    with contextlib.suppress(redis.ResponseError):  # it exists
        await cache.xgroup_create(QUEUE, GROUP, id="0", mkstream=True)


async def take(cache: redis.Redis) -> list[tuple[str, dict[str, str]]]:
    """Stamps that somebody left unfinished, else our own unfinished ones, else new ones."""
    _, left, *_ = await cache.xautoclaim(
        QUEUE, GROUP, INSTANCE, min_idle_time=ABANDONED_MILLISECONDS, count=BATCH
    )
    if left:
        return left
    for start, wait in (("0", None), (">", WAIT_MILLISECONDS)):
        found = await cache.xreadgroup(GROUP, INSTANCE, {QUEUE: start}, count=BATCH, block=wait)
        items = [item for _, items in stream_items(found) for item in items]
        if items:
            return items
    return []


def stream_items(found: object) -> list:
    """redis-py gives a list for RESP2 and a mapping for RESP3."""
    if isinstance(found, dict):
        return [(name, [item for page in pages for item in page]) for name, pages in found.items()]
    return list(found or [])


async def tell(client: aiohttp.ClientSession, user: str) -> None:
    url = f"{os.environ['POINTS_URL']}/points/{user}"
    async with client.post(url, json={"points": 1}) as response:
        response.raise_for_status()
        points = (await response.json())["points"]
    log("info", "player told", user=user, points=points)


async def done(cache: redis.Redis, id_: str) -> None:
    async with cache.pipeline(transaction=True) as pipeline:
        pipeline.xack(QUEUE, GROUP, id_)
        pipeline.xdel(QUEUE, id_)
        await pipeline.execute()


async def main() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stopping.set)
    log("info", "working", pid=os.getpid())
    await work(stopping)
    log("info", "stopped; nothing is left half done")


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
