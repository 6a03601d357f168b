"""What the services of the arcade have in common. It is short, so each has its own copy."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable

from aiohttp import web

LEVELS = ("debug", "info", "warning", "error")
LEVEL = LEVELS.index(os.environ.get("LOG_LEVEL", "info"))
# After SIGTERM, requests under way get this long; Kiban's grace period is longer.
FINISH_SECONDS = 10
Log = Callable[..., None]


def logger(service: str) -> Log:
    """A function that writes one line of JSON: `log("info", "stamp collected", user="ada")`."""

    def log(level: str, message: str, **fields: object) -> None:
        if LEVELS.index(level) >= LEVEL:
            line = {"time": timestamp(), "level": level, "service": service, "message": message}
            sys.stdout.write(json.dumps({**line, **fields}, default=str) + "\n")
            sys.stdout.flush()

    return log


def timestamp() -> str:
    moment = time.time()
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment))
    return f"{whole}.{int(moment % 1 * 1000):03d}Z"


def serve(app: web.Application, log: Log) -> None:
    """Listen on $HOST:$PORT until SIGTERM, then finish what is under way.

    `/healthz` says that this program is up, and nothing about the others: a backend that is down
    must not take its callers with it.
    """
    app.router.add_get("/healthz", healthy)
    app.middlewares.append(request_log(log))
    app.on_startup.append(lambda _: said(log, "serving"))
    app.on_shutdown.append(lambda _: said(log, "finishing"))
    host, port = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8080"))
    web.run_app(
        app,
        host=host,
        port=port,
        print=None,
        access_log=None,
        shutdown_timeout=FINISH_SECONDS,
        loop=quick_loop(),
    )


def quick_loop() -> asyncio.AbstractEventLoop:
    """uvloop's, which needs a third less of the processor, or the standard one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


async def said(log: Log, message: str) -> None:
    log("info", message, pid=os.getpid())


def request_log(log: Log) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Log every request; probes only when somebody is debugging."""

    @web.middleware
    async def middleware(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        started, status = time.perf_counter(), 500
        try:
            response = await handler(request)
            status = response.status
        except web.HTTPException as answer:
            status = answer.status
            raise
        else:
            return response
        finally:
            level = "debug" if request.path == "/healthz" else "info" if status < 500 else "error"
            milliseconds = round((time.perf_counter() - started) * 1000, 2)
            log(
                level,
                "request",
                method=request.method,
                path=request.path,
                status=status,
                ms=milliseconds,
            )

    return middleware
