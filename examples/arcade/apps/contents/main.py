"""What can be played, from the file next to this one."""

import json
from pathlib import Path

from aiohttp import web
from serving import logger, serve

log = logger("contents")
contents = json.loads(Path(__file__).with_name("contents.json").read_text(encoding="utf-8"))


async def listed(_: web.Request) -> web.Response:
    return web.json_response({"contents": contents})


async def show(request: web.Request) -> web.Response:
    found = [one for one in contents if one["id"] == request.match_info["id"]]
    if not found:
        return web.json_response({"error": "there is no such content"}, status=404)
    return web.json_response(found[0])


app = web.Application()
app.add_routes([web.get("/contents", listed), web.get("/contents/{id}", show)])

if __name__ == "__main__":
    serve(app, log)
