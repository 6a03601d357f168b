"""Collects stamps. Each goes into the queue of `notify`, and the player's count goes up."""

import contextlib
import os

from aiohttp import web
from redis import asyncio as redis
from serving import logger, serve

# Both are in every answer, so that everybody can see which code and which release they met.
VERSION = "1"
RELEASE = os.environ.get("KIBAN_RELEASE", "none")
QUEUE = "stamps"
# Rather late than never: a player who waits is better than one who is sent away.
SECONDS = 3.0
CONNECTIONS = 2_000

log = logger("stamp")
# A pool that makes requests wait for a connection collapses when they wait for long: let each
# have one. Redis holds ten thousand.
cache = redis.from_url(
    os.environ["CACHE_URL"],
    decode_responses=True,
    socket_timeout=SECONDS,
    max_connections=CONNECTIONS,
)


async def show(request: web.Request) -> web.Response:
    user = request.match_info["user"]
    return answer({"user": user, "stamps": int(await cache.hget("stamps:count", user) or 0)})


async def collect(request: web.Request) -> web.Response:
    user = request.match_info["user"]
    async with cache.pipeline(transaction=True) as pipeline:
        pipeline.hincrby("stamps:count", user, 1)
        pipeline.xadd(QUEUE, {"user": user})
        count, _ = await pipeline.execute()
    log("debug", "stamp collected", user=user, stamps=count)
    return answer({"user": user, "stamps": count}, status=201)


async def about(_: web.Request) -> web.Response:
    return answer({"service": "stamp"})


def answer(body: dict[str, object], status: int = 200) -> web.Response:
    return web.json_response({**body, "version": VERSION, "release": RELEASE}, status=status)


async def add_version(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["x-version"] = VERSION
    response.headers["x-release"] = RELEASE


@web.middleware
async def without_cache(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except redis.RedisError as error:
        log("error", "the cache does not answer", error=str(error))
        return answer({"error": "the cache does not answer"}, status=503)


async def warm_up(_: web.Application) -> None:
    """Connect before the first player waits for it; without a cache, start all the same."""
    with contextlib.suppress(redis.RedisError):
        await cache.ping()


async def close(_: web.Application) -> None:
    await cache.aclose()


app = web.Application(middlewares=[without_cache])
app.add_routes(
    [
        web.get("/stamp", about),
        web.get("/stamp/{user}", show),
        web.post("/stamp/{user}", collect),
    ]
)
app.on_response_prepare.append(add_version)
app.on_startup.append(warm_up)
app.on_cleanup.append(close)

if __name__ == "__main__":
    serve(app, log)
