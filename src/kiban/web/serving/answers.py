"""JSON in and out, as every route of the dashboard reads and writes it."""

import json
from typing import Any

import orjson
from aiohttp import web

from kiban.web.serving.guarding import refusal


async def body_of(request: web.Request) -> dict[str, Any]:
    try:
        found = orjson.loads(await request.read())
    except json.JSONDecodeError:
        raise refusal(400, "the request is not JSON") from None
    if not isinstance(found, dict):
        raise refusal(400, "the request is not a JSON object")
    return found


def json_answer(data: object) -> web.Response:
    response = web.Response(body=orjson.dumps(data), content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    response.enable_compression()
    return response
