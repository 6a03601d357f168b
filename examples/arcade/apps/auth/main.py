"""Sessions: who logged in, for an hour."""

import contextlib
import os
import secrets

from aiohttp import web
from redis import asyncio as redis
from serving import logger, serve

SESSION_SECONDS = 3600
# Rather late than never: a player who waits is better than one who is sent away.
SECONDS = 3.0
CONNECTIONS = 2_000

log = logger("auth")
# A pool that makes requests wait for a connection collapses when they wait for long: let each
# have one. Redis holds ten thousand.
cache = redis.from_url(
    os.environ["CACHE_URL"],
    decode_responses=True,
    socket_timeout=SECONDS,
    max_connections=CONNECTIONS,
)


async def log_in(request: web.Request) -> web.Response:
    """A demonstration: everybody is who they say they are."""
    body = await request.json()
    user = body.get("user") if isinstance(body, dict) else None
    if not isinstance(user, str) or not user.isalnum():
        return web.json_response({"error": 'send {"user": "<letters and digits>"}'}, status=400)
    session = secrets.token_urlsafe(16)
    await cache.set(f"session:{session}", user, ex=SESSION_SECONDS)
    log("info", "logged in", user=user)
    return web.json_response({"session": session}, status=201)


async def show(request: web.Request) -> web.Response:
    user = await cache.get(f"session:{request.match_info['session']}")
    if user is None:
        return web.json_response({"error": "there is no such session"}, status=404)
    return web.json_response({"user": user})


@web.middleware
async def without_cache(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except redis.RedisError as error:
        log("error", "the cache does not answer", error=str(error))
        return web.json_response({"error": "the cache does not answer"}, status=503)


async def warm_up(_: web.Application) -> None:
    """Connect before the first player waits for it; without a cache, start all the same."""
    with contextlib.suppress(redis.RedisError):
        await cache.ping()


async def close(_: web.Application) -> None:
    await cache.aclose()


app = web.Application(middlewares=[without_cache])
app.add_routes([web.post("/sessions", log_in), web.get("/sessions/{session}", show)])
app.on_startup.append(warm_up)
app.on_cleanup.append(close)

if __name__ == "__main__":
    serve(app, log)
