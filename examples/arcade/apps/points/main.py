"""How many points a player has, and who has most."""

import contextlib
import os

import psycopg
from aiohttp import web
from database import Database
from serving import logger, serve

SCHEMA = """
CREATE TABLE IF NOT EXISTS points (
    player text PRIMARY KEY,
    points bigint NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS ranking (
    place integer PRIMARY KEY,
    player text NOT NULL,
    points bigint NOT NULL
)
"""
SHOW = "SELECT points FROM points WHERE player = %s"
ADD = """
INSERT INTO points (player, points) VALUES (%s, %s)
ON CONFLICT (player) DO UPDATE SET points = points.points + EXCLUDED.points
RETURNING points
"""
RANKING = "SELECT place, player, points FROM ranking ORDER BY place"

log = logger("points")
database = Database(os.environ["MAIN_URL"], SCHEMA)


async def show(request: web.Request) -> web.Response:
    user = request.match_info["user"]
    rows = await database.rows(SHOW, user)
    return web.json_response({"user": user, "points": rows[0][0] if rows else 0})


async def add(request: web.Request) -> web.Response:
    user, body = request.match_info["user"], await request.json()
    if not isinstance(body, dict) or not isinstance(body.get("points"), int):
        return web.json_response({"error": 'send {"points": <whole number>}'}, status=400)
    rows = await database.rows(ADD, user, body["points"])
    return web.json_response({"user": user, "points": rows[0][0]})


async def ranking(_: web.Request) -> web.Response:
    rows = await database.rows(RANKING)
    places = [{"place": place, "user": user, "points": points} for place, user, points in rows]
    return web.json_response({"ranking": places})


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


async def close(_: web.Application) -> None:
    await database.close()


app = web.Application(middlewares=[without_database])
app.add_routes(
    [
        web.get("/points/{user}", show),
        web.post("/points/{user}", add),
        web.get("/ranking", ranking),
    ]
)
app.on_startup.append(warm_up)
app.on_cleanup.append(close)

if __name__ == "__main__":
    serve(app, log)
