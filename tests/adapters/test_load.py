import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kiban.adapters.load import LoadProcess, OpenLoad, Record, Shot, percentile, summary_of


@asynccontextmanager
async def server(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def answering(version: str = "v1") -> web.Application:
    async def handler(request: web.Request) -> web.Response:
        status = 503 if request.path == "/broken" else 200
        return web.Response(status=status, headers={"x-release": version})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    return app


@pytest.mark.parametrize(
    ("text", "shot"),
    [
        ("/", Shot("GET", "/", 1)),
        ("/ 3", Shot("GET", "/", 3)),
        ("POST /stamp/ada 2", Shot("POST", "/stamp/ada", 2)),
    ],
)
def test_a_shot_is_written_as_method_path_and_weight(text: str, shot: Shot) -> None:
    assert Shot.parse(text) == shot


def test_percentiles_are_nearest_ranks() -> None:
    values = [float(number) for number in range(1, 101)]

    assert [percentile(values, p) for p in (50, 99, 100)] == [50.0, 99.0, 100.0]
    assert percentile([], 50) == 0.0


def test_a_summary_counts_failures_and_leaves_their_latency_out() -> None:
    records = [
        Record(0.0, 10.0, "load", 200, version="v1"),
        Record(0.5, 20.0, "load", 201, version="v2", defaults="points"),
        Record(1.0, 30.0, "load", 503),
        Record(1.5, 9999.0, "load", 0, error="ServerDisconnectedError: gone"),
    ]

    assert summary_of(records) == {
        "requests": 4,
        "failed": 2,
        "seconds": 1.5,
        "statuses": {"0": 1, "200": 1, "201": 1, "503": 1},
        "versions": {"v1": 1, "v2": 1},
        "defaults": {"points": 1},
        "errors": {"status 503": 1, "ServerDisconnectedError: gone": 1},
        "failedAt": [1.0, 1.5],
        "latencyMs": {"p50": 20.0, "p90": 30.0, "p99": 30.0, "max": 30.0},
    }


def test_a_stalled_server_does_not_slow_the_load_and_its_stall_is_measured() -> None:
    async def scenario() -> None:
        gate = asyncio.Event()

        async def handler(_: web.Request) -> web.Response:
            await gate.wait()
            return web.Response()

        app = web.Application()
        app.router.add_get("/", handler)
        async with server(app) as url:
            load = OpenLoad(url, [Shot("GET", "/")], rate=100)
            running = asyncio.create_task(load.run(0.3))
            while load.summary()["underWay"] < 30:
                await asyncio.sleep(0.01)
            gate.set()
            await running

            summary = load.summary()["total"]
            assert (summary["requests"], summary["failed"]) == (30, 0)
            assert summary["latencyMs"]["max"] > 200

    asyncio.run(scenario())


def test_a_load_in_its_own_process_follows_phases_and_ends_with_a_summary() -> None:
    async def scenario() -> None:
        async with server(answering()) as url:
            shots = [Shot("GET", "/"), Shot("POST", "/broken")]
            load = await LoadProcess.start(url, host="shop.localhost", rate=200, shots=shots)
            while (await load.summary())["total"]["requests"] < 20:
                await asyncio.sleep(0.01)
            await load.phase("release")
            while "release" not in (await load.summary())["phases"]:
                await asyncio.sleep(0.01)
            summary = await load.stop()

            assert list(summary["phases"]) == ["load", "release"]
            total = summary["total"]
            assert total["statuses"].keys() == {"200", "503"}
            assert total["failed"] == total["statuses"]["503"]
            assert total["versions"] == {"v1": total["requests"]}

    asyncio.run(asyncio.wait_for(scenario(), 20))


def test_nobody_listening_is_an_error_of_every_request() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        load = OpenLoad(url, [Shot("GET", "/")], rate=100)
        asyncio.run(load.run(0.05))

    total = load.summary()["total"]
    assert total["failed"] == total["requests"] == 5
    [error] = total["errors"]
    assert error.startswith("ClientConnectorError")
