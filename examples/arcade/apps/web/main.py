"""What players open: one page of data from four backends.

Each backend has a short time to answer. One that does not is replaced by a default, the page says
which, and the player still gets a page.
"""

import asyncio
import json
import os
from dataclasses import dataclass

import aiohttp
from aiohttp import web
from serving import logger, serve

# A backend that takes longer is as good as down for somebody who waits for a page.
BACKEND_SECONDS = 0.4
# More than a frozen backend can hold at any rate that two instances are made for.
CONNECTIONS = 256

log = logger("web")
CLIENT = web.AppKey("client", aiohttp.ClientSession)


@dataclass(frozen=True)
class Part:
    """A part of the page: who knows it, and what to show when they do not answer."""

    backend: str
    path: str
    default: dict


def parts(user: str) -> list[Part]:
    return [
        Part("user", f"/users/{user}", {"user": user, "name": "Player"}),
        Part("contents", "/contents", {"contents": []}),
        Part("stamp", f"/stamp/{user}", {"user": user, "stamps": 0}),
        Part("points", f"/points/{user}", {"user": user, "points": 0}),
    ]


async def home(request: web.Request) -> web.Response:
    user = request.query.get("user", "ada")
    wanted = parts(user)
    found = await asyncio.gather(*(ask(request.app, part) for part in wanted))
    page = {
        part.backend: part.default if answer is None else answer
        for part, answer in zip(wanted, found, strict=True)
    }
    missing = [part.backend for part, answer in zip(wanted, found, strict=True) if answer is None]
    # Which release of `stamp` this page was made with.
    headers = {"x-release": str(page["stamp"].get("release", "none"))}
    if missing:
        headers["x-defaults"] = ",".join(missing)
    return web.json_response({**page, "defaults": missing}, headers=headers)


async def ranking(request: web.Request) -> web.Response:
    found = await ask(request.app, Part("points", "/ranking", {}))
    missing = [] if found else ["points"]
    return web.json_response({**(found or {"ranking": []}), "defaults": missing})


async def ask(app: web.Application, part: Part) -> dict | None:
    """A part of the page, or None when its backend does not answer well and in time."""
    url = os.environ[f"{part.backend.upper()}_URL"] + part.path
    try:
        async with app[CLIENT].get(url) as response:
            # "There is no such player" is a good answer, but not one for a page.
            if response.status == 200:
                return json.loads(await response.read())
            reason = f"status {response.status}"
    except (TimeoutError, aiohttp.ClientError) as error:
        reason = type(error).__name__
    log("warning", "a default is used", backend=part.backend, reason=reason)
    return None


async def client(app: web.Application):
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=BACKEND_SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        app[CLIENT] = session
        yield


app = web.Application()
app.add_routes([web.get("/", home), web.get("/ranking", ranking)])
app.cleanup_ctx.append(client)

if __name__ == "__main__":
    serve(app, log)
