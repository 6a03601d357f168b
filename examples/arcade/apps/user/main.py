"""Who a player is. Whoever asks with a session gets the player of that session from `auth`."""

import contextlib
import os

import aiohttp
import psycopg
from aiohttp import web
from database import Database
from serving import logger, serve

SCHEMA = """
CREATE TABLE IF NOT EXISTS players (
    id text PRIMARY KEY,
    name text NOT NULL,
    joined timestamptz NOT NULL DEFAULT now()
);
INSERT INTO players (id, name) VALUES ('ada', 'Ada'), ('grace', 'Grace'), ('linus', 'Linus')
ON CONFLICT DO NOTHING
"""
SHOW = "SELECT id, name, joined FROM players WHERE id = %s"
JOIN = """
INSERT INTO players (id, name) VALUES (%s, %s)
ON CONFLICT (id) DO UPDATE SET name = EXCLUDED.name RETURNING id, name, joined
"""
AUTH_SECONDS = 0.5

log = logger("user")
database = Database(os.environ["MAIN_URL"], SCHEMA)
AUTH_URL = os.environ["AUTH_URL"]
CLIENT = web.AppKey("client", aiohttp.ClientSession)


async def show(request: web.Request) -> web.Response:
    return await player(request.match_info["user"])


async def me(request: web.Request) -> web.Response:
    session = request.headers.get("x-session", "")
    try:
        async with request.app[CLIENT].get(f"{AUTH_URL}/sessions/{session or '-'}") as response:
            if response.status != 200:
                return web.json_response({"error": "log in first"}, status=401)
            user = (await response.json())["user"]
    except (TimeoutError, aiohttp.ClientError) as error:
        log("warning", "auth does not answer", error=str(error))
        return web.json_response({"error": "auth does not answer"}, status=503)
    return await player(user)


async def join(request: web.Request) -> web.Response:
    body = await request.json()
    name = body.get("name") if isinstance(body, dict) else None
    if not isinstance(name, str) or not 0 < len(name) <= 40:
        return web.json_response({"error": 'send {"name": "<up to 40 letters>"}'}, status=400)
    rows = await database.rows(JOIN, request.match_info["user"], name)
    return described(rows[0])


async def player(user: str) -> web.Response:
    rows = await database.rows(SHOW, user)
    if not rows:
        return web.json_response({"error": f"there is no player {user}"}, status=404)
    return described(rows[0])


def described(row: tuple) -> web.Response:
    id_, name, joined = row
    return web.json_response({"user": id_, "name": name, "joined": joined.isoformat()})


@web.middleware
async def without_database(request: web.Request, handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except psycopg.Error as error:
        log("error", "the database does not answer", error=str(error))
        return web.json_response({"error": "the database does not answer"}, status=503)


async def warm_up(_: web.Application) -> None:
    """Connect before the first player waits for it; without a database, start all the same."""
    with contextlib.suppress(psycopg.Error):
        await database.rows("SELECT 1")


async def resources(app: web.Application):
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(AUTH_SECONDS)) as client:
        app[CLIENT] = client
        yield
    await database.close()


app = web.Application(middlewares=[without_database])
app.add_routes(
    [web.get("/users/me", me), web.get("/users/{user}", show), web.put("/users/{user}", join)]
)
app.on_startup.append(warm_up)
app.cleanup_ctx.append(resources)

if __name__ == "__main__":
    serve(app, log)
