"""A real Envoy before real servers."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from kiban.adapters.gateway import Gateway
from kiban.adapters.load import OpenLoad, Shot
from kiban.adapters.processes.reaper import marked
from kiban.adapters.processes.warden import Warden
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.networking.gateway import GatewayConfiguration, gateway_configuration
from kiban.cluster.store import Store
from kiban.kube.objects import Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.problems import KibanError, Problem

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs more than one loopback address"
)

PLAN = AddressPlan(95)
POD_PORT = 8080
SERVICE_PORT = 8081
HOST = "shop.localhost"
PATIENCE_SECONDS = 20.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def pod(index: int) -> str:
    return PLAN.pod_address(index)


def cluster_address(name: str) -> str:
    address = PLAN.service_address("shop", name, ())
    assert address is not None
    return address


class Shop:
    """A gateway and the objects it follows."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.store = Store(Chance("gateway"))
        self.port = gateway.place.port
        self.url = f"http://127.0.0.1:{self.port}"
        self.client: aiohttp.ClientSession
        self._ingress()

    def put(
        self,
        name: str,
        *endpoints: str,
        port_name: str = "http",
        address: str = "",
        sticky: bool = False,
    ) -> None:
        """A service and the pods that are ready for it."""
        metadata = {"name": name, "namespace": "shop"}
        ports = [{"name": port_name, "port": SERVICE_PORT, "targetPort": POD_PORT}]
        affinity = "ClientIP" if sticky else "None"
        spec = {
            "clusterIP": address or cluster_address(name),
            "ports": ports,
            "sessionAffinity": affinity,
        }
        self._put("v1", "Service", metadata, spec=spec)
        labels = {"kubernetes.io/service-name": name}
        ready = [{"addresses": [one], "conditions": {"ready": True}} for one in endpoints]
        self._put(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            {**metadata, "labels": labels},
            ports=[{"name": port_name, "port": POD_PORT}],
            endpoints=ready,
        )

    def put_http_route(
        self, host: str, weights: dict[str, int], *, mirror: str = "", rate: int = 0
    ) -> None:
        def reference(name: str) -> dict[str, Any]:
            return {"name": name, "port": SERVICE_PORT}

        rule: dict[str, Any] = {
            "backendRefs": [{**reference(name), "weight": one} for name, one in weights.items()]
        }
        if mirror:
            to = {"backendRef": reference(mirror)}
            rule["filters"] = [{"type": "RequestMirror", "requestMirror": to}]
        noted = {"kiban.dev/requests-per-second": str(rate)} if rate else {}
        self._put(
            "gateway.networking.k8s.io/v1",
            "HTTPRoute",
            {"name": host, "namespace": "shop", "annotations": noted},
            spec={"hostnames": [host], "rules": [rule]},
        )

    async def update(self) -> tuple[Problem, ...]:
        return await self.gateway.update(self.configuration())

    def configuration(self) -> GatewayConfiguration:
        return gateway_configuration(self.store, self.gateway.place)

    async def get(self, path: str = "/", host: str = HOST) -> tuple[int, str]:
        async with self.client.get(self.url + path, headers={"host": host}) as answer:
            return answer.status, await answer.text()

    def put_redirect(self, asked: str, **config: str) -> None:
        """An Ingress that sends whoever asks for a path elsewhere, as a load balancer is told."""
        action = {"type": "redirect", "redirectConfig": {"statusCode": "HTTP_301", **config}}
        notes = {"alb.ingress.kubernetes.io/actions.away": json.dumps(action)}
        backend = {"service": {"name": "away", "port": {"name": "use-annotation"}}}
        paths = [{"path": asked, "pathType": "Prefix", "backend": backend}]
        spec = {"rules": [{"host": HOST, "http": {"paths": paths}}]}
        metadata = {"name": "away", "namespace": "shop", "annotations": notes}
        self._put("networking.k8s.io/v1", "Ingress", metadata, spec=spec)

    def _ingress(self) -> None:
        backend = {"service": {"name": "web", "port": {"number": SERVICE_PORT}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        spec = {"rules": [{"host": HOST, "http": {"paths": paths}}]}
        metadata = {"name": "web", "namespace": "shop"}
        self._put("networking.k8s.io/v1", "Ingress", metadata, spec=spec)

    def _put(self, version: str, kind: str, metadata: dict[str, Any], **body: Any) -> None:
        manifest: Manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
        self.store.put(manifest)


@asynccontextmanager
async def running_shop(directory: Path, *endpoints: str) -> AsyncIterator[Shop]:
    gateway = Gateway(directory / "gateway", free_port())
    shop = Shop(gateway)
    shop.put("web", *endpoints)
    assert await gateway.start(shop.configuration()) == ()
    async with aiohttp.ClientSession() as shop.client:
        try:
            yield shop
        finally:
            await gateway.stop()


Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def server(address: str, handler: Handler) -> AsyncIterator[web.AppRunner]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=5)
    await runner.setup()
    try:
        await web.TCPSite(runner, address, POD_PORT).start()
        yield runner
    finally:
        await runner.cleanup()


def saying(text: str, *, after: float = 0.0) -> Handler:
    async def handler(request: web.Request) -> web.Response:
        await request.read()
        await asyncio.sleep(after)
        return web.Response(text=text)

    return handler


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(coroutine, PATIENCE_SECONDS))


def test_a_request_under_way_is_finished_by_a_pod_that_goes(tmp_path: Path) -> None:
    async def scenario() -> None:
        entered = asyncio.Event()

        async def slow(_: web.Request) -> web.Response:
            entered.set()
            await asyncio.sleep(0.3)
            return web.Response(text="old")

        async with (
            running_shop(tmp_path, pod(1)) as shop,
            server(pod(1), slow),
            server(pod(2), saying("new")),
        ):
            under_way = asyncio.create_task(shop.get())
            await entered.wait()
            shop.put("web", pod(2))
            assert await shop.update() == ()

            assert await shop.get() == (200, "new")
            assert await under_way == (200, "old")

    run(scenario())


def test_a_rollout_under_load_loses_no_request(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_shop(tmp_path, pod(0)) as shop, server(pod(0), saying("0")):
            shots = [Shot("GET", "/"), Shot("POST", "/", 2)]
            load = OpenLoad(shop.url, shots, rate=200, host=HOST)
            running = asyncio.create_task(load.run())
            for generation in range(1, 5):
                async with server(pod(generation), saying(str(generation), after=0.01)):
                    shop.put("web", pod(generation))
                    await shop.update()
                    await asyncio.sleep(0.2)
                    shop.put("web", pod(0))
                    await shop.update()
                    # As with preStop: the pod serves on while the gateway's threads learn of it.
                    await asyncio.sleep(0.3)
            load.stop()
            await running

            total = load.summary()["total"]
            assert total["requests"] > 100
            assert total["errors"] == {}
            assert total["failed"] == 0

    run(scenario())


def test_a_read_that_a_killed_pod_left_unanswered_is_repeated_and_a_write_is_not(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async def dying(request: web.Request) -> web.Response:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()

        async with (
            running_shop(tmp_path, pod(1), pod(2)) as shop,
            server(pod(1), dying),
            server(pod(2), saying("alive")),
        ):
            assert [await shop.get() for _ in range(8)] == [(200, "alive")] * 8
            statuses = set()
            for _ in range(16):
                async with shop.client.post(shop.url, headers={"host": HOST}) as answer:
                    statuses.add(answer.status)
            assert statuses == {200, 503}

    run(scenario())


def test_an_envoy_that_was_killed_comes_back_with_the_same_configuration(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_shop(tmp_path) as shop, server(pod(1), saying("here")):
            shop.put("web", pod(1))
            await shop.update()
            killed = shop.gateway.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            while shop.gateway.pid == killed:
                await asyncio.sleep(0.01)
            while True:
                try:
                    assert await shop.get() == (200, "here")
                    break
                except aiohttp.ClientError:
                    await asyncio.sleep(0.01)
            assert shop.gateway.restarts == 1
            assert await shop.update() == ()

    run(scenario())


def test_a_service_that_cannot_be_served_is_named_and_the_others_are_served(
    tmp_path: Path,
) -> None:
    async def scenario() -> None:
        async with running_shop(tmp_path, pod(1)) as shop, server(pod(1), saying("here")):
            # Addresses for documentation: no machine has them (RFC 5737).
            shop.put("lost", address="192.0.2.1")
            [problem] = await shop.update()

            assert problem.code == "gateway/refused"
            assert "shop/lost/8081" in problem.what
            assert "Cannot assign requested address" in problem.what
            assert await shop.get() == (200, "here")

            shop.put("lost")
            assert await shop.update() == ()

    run(scenario())


def test_a_public_port_in_use_is_a_problem_at_the_start(tmp_path: Path) -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            gateway = Gateway(tmp_path, taken.getsockname()[1])
            with pytest.raises(KibanError, match="Address already in use"):
                await gateway.start(Shop(gateway).configuration())
            assert gateway.pid is None

    run(scenario())


def test_a_tcp_connection_outlives_the_removal_of_its_endpoint(tmp_path: Path) -> None:
    async def scenario() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        listening = await asyncio.start_server(echo, pod(3), POD_PORT)
        async with running_shop(tmp_path) as shop, listening:
            shop.put("db", pod(3), port_name="postgres")
            await shop.update()
            reader, writer = await asyncio.open_connection(cluster_address("db"), SERVICE_PORT)
            writer.write(b"one\n")
            assert await reader.readline() == b"one\n"
            shop.put("db", port_name="postgres")
            await shop.update()
            writer.write(b"two\n")
            assert await reader.readline() == b"two\n"
            writer.close()
            await writer.wait_closed()

    run(scenario())


def test_websockets_pass(tmp_path: Path) -> None:
    async def scenario() -> None:
        async def chat(request: web.Request) -> web.WebSocketResponse:
            talk = web.WebSocketResponse()
            await talk.prepare(request)
            async for message in talk:
                await talk.send_str(message.data.upper())
            return talk

        async with (
            running_shop(tmp_path, pod(1)) as shop,
            server(pod(1), chat),
            shop.client.ws_connect(shop.url, headers={"host": HOST}) as talk,
        ):
            await talk.send_str("hello")
            assert await talk.receive_str() == "HELLO"

    run(scenario())


def test_services_call_each_other_through_it_and_everything_is_counted(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_shop(tmp_path, pod(1)) as shop, server(pod(1), saying("here")):
            url = f"http://{cluster_address('web')}:{SERVICE_PORT}/"
            for _ in range(3):
                async with shop.client.get(url) as answer:
                    assert await answer.text() == "here"
            await shop.get()
            shop.put("web")
            await shop.update()
            assert (await shop.get())[0] == 503

            counted = (await shop.gateway.statistics())["shop/web/8081"]
            assert counted.requests == 5
            assert counted.server_errors == 1
            assert counted.without_endpoint >= 1
            assert 0 < counted.latency_ms(0.5) < 1000

    run(scenario())


def test_weights_mirrors_sticky_services_and_limits_are_carried_out(tmp_path: Path) -> None:
    async def scenario() -> None:
        mirrored = asyncio.Event()

        async def shadow(_: web.Request) -> web.Response:
            mirrored.set()
            return web.Response(text="shadow")

        async with (
            running_shop(tmp_path) as shop,
            server(pod(1), saying("old")),
            server(pod(2), saying("new")),
            server(pod(3), shadow),
        ):
            for name, address in {"old": pod(1), "new": pod(2), "shadow": pod(3)}.items():
                shop.put(name, address)
            shop.put_http_route("beta.localhost", {"old": 1, "new": 1}, mirror="shadow")
            shop.put_http_route("slow.localhost", {"old": 1}, rate=2)
            shop.put("web", pod(1), pod(2), sticky=True)
            assert await shop.update() == ()

            seen = {await shop.get("/", host="beta.localhost") for _ in range(40)}
            assert seen == {(200, "old"), (200, "new")}
            await mirrored.wait()
            limited = {(await shop.get("/", host="slow.localhost"))[0] for _ in range(10)}
            assert limited == {200, 429}
            assert len({await shop.get() for _ in range(20)}) == 1

    run(scenario())


def test_a_redirect_sends_elsewhere_and_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with running_shop(tmp_path) as shop:
            for config, asked, wanted in (
                ({"path": "/new"}, "/old/a?b=c", f"http://{HOST}/new?b=c"),
                ({"path": "/v2/#{path}"}, "/old/a", f"http://{HOST}/v2/old/a"),
                ({"host": "b.localhost"}, "/old", f"http://b.localhost:{shop.port}/old"),
            ):
                shop.put_redirect("/old", **config)
                assert await shop.update() == ()
                url, headers = f"{shop.url}{asked}", {"host": HOST}

                async with asyncio.timeout(PATIENCE_SECONDS):
                    while True:
                        answering = shop.client.get(url, headers=headers, allow_redirects=False)
                        async with answering as answer:
                            found = answer.status, answer.headers.get("location")
                        if found == (301, wanted):
                            break
                        await asyncio.sleep(0.05)

    run(scenario())


def test_a_gateway_that_nobody_stops_is_known_to_the_warden(tmp_path: Path) -> None:
    async def scenario() -> None:
        warden = Warden(tmp_path / "state")
        warden.open()
        gateway = Gateway(tmp_path / "gateway", free_port(), warden=warden)
        await gateway.start(Shop(gateway).configuration())
        pid = gateway.pid
        assert pid in marked(f"KIBAN_RUN={warden.run_id}")
        assert (warden.directory / f"{pid}.json").exists()
        await gateway.stop()
        assert not list(warden.directory.glob("*.json"))
        warden.close()

    run(scenario())


def test_stopping_lets_requests_under_way_finish_and_leaves_nothing(tmp_path: Path) -> None:
    async def scenario() -> None:
        entered = asyncio.Event()

        async def slow(_: web.Request) -> web.Response:
            entered.set()
            await asyncio.sleep(0.4)
            return web.Response(text="finished")

        async with running_shop(tmp_path, pod(1)) as shop, server(pod(1), slow):
            under_way = asyncio.create_task(shop.get())
            await entered.wait()
            pid = shop.gateway.pid
            assert pid is not None
            await shop.gateway.stop()
            assert await under_way == (200, "finished")
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    run(scenario())
