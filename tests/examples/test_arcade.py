"""The arcade as it runs: its real programs, a real PostgreSQL, Redis and gateway.

Everything that the embedded cluster does with pods is done by hand here: addresses, names,
environment. What is tested is the example, and that its parts fit the gateway and the resources.
"""

import asyncio
import filecmp
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiban.adapters.gateway import Gateway
from kiban.adapters.gateway.slots import take_slot
from kiban.adapters.load import OpenLoad, Shot
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.networking.gateway import gateway_configuration
from kiban.cluster.networking.names import rewrite
from kiban.cluster.networking.ports import Protocol, service_ports
from kiban.cluster.store import Store
from kiban.compiler.compilation import compile_environment
from kiban.kube.objects import Manifest, get_in, replaced
from kiban.primitives.chance import Chance
from kiban.spec.load import read_directory
from kiban.spec.loading import load_platform

ARCADE = Path(__file__).parents[2] / "examples" / "arcade"
HOST = "arcade.localhost"
PATIENCE_SECONDS = 40.0
PORTS = {"main": 5432, "cache": 6379}
WEB_SERVICES = ("auth", "contents", "points", "stamp", "user", "web")
PLATFORM = load_platform(read_directory(ARCADE))

pytestmark = pytest.mark.timeout(90)


def test_the_platform_is_without_mistakes_and_every_service_is_released_everywhere() -> None:
    assert list(PLATFORM.environments) == ["dev", "stg", "prod"]
    for environment, services in PLATFORM.services.items():
        assert sorted(services) == [*sorted([*WEB_SERVICES, "notify", "ranking"])]
        assert PLATFORM.unreleased(environment) == []


def test_every_service_builds_from_a_directory_of_its_own() -> None:
    for name, service in PLATFORM.services["dev"].items():
        assert service.build is not None
        assert service.build.context == f"apps/{name}"
        assert (ARCADE / service.build.context / "main.py").is_file()


def test_the_copies_of_what_services_share_are_the_same() -> None:
    for file in ("serving.py", "database.py"):
        first, *others = sorted((ARCADE / "apps").glob(f"*/{file}"))
        for other in others:
            assert filecmp.cmp(first, other, shallow=False), f"{first} and {other} differ"


def test_every_variable_that_a_program_reads_is_given_by_the_compiled_pod() -> None:
    bundle = compile_environment(PLATFORM, "dev", local=True)
    given = {
        manifest["metadata"]["name"]: {
            variable["name"]
            for container in containers_of(manifest)
            for variable in container.get("env", [])
        }
        for manifest in bundle.manifests
        if manifest["kind"] in ("Deployment", "CronJob")
    }

    for name in PLATFORM.services["dev"]:
        source = (ARCADE / "apps" / name / "main.py").read_text(encoding="utf-8")
        needed = set(re.findall(r'environ\["(\w+)"\]', source))
        assert needed <= given[name], f"{name} misses {needed - given[name]}"


def test_services_are_forwarded_as_http_and_resources_as_they_are() -> None:
    store = Store(Chance("arcade"))
    for manifest in compile_environment(PLATFORM, "dev", local=True).manifests:
        if manifest["kind"] == "Service":
            name = manifest["metadata"]["name"]
            address = AddressPlan(0).service_address("arcade", name, ())
            manifest = replaced(manifest, ("spec", "clusterIP"), address)
        store.put(manifest)

    spoken = {port.service: port.protocol for port in service_ports(store)}

    assert spoken == {
        **dict.fromkeys(WEB_SERVICES, Protocol.HTTP1),
        **dict.fromkeys(PORTS, Protocol.TCP),
    }


def containers_of(manifest: Manifest) -> list[dict[str, Any]]:
    template = get_in(manifest, "spec", "jobTemplate", default=manifest)["spec"]["template"]
    found: list[dict[str, Any]] = template["spec"]["containers"]
    return found


class Arcade:
    """The programs as processes on addresses of their own, behind a gateway."""

    def __init__(self, directory: Path, plan: AddressPlan) -> None:
        self.directory, self.plan = directory, plan
        self.store = Store(Chance("arcade"))
        self.pods: dict[str, asyncio.subprocess.Process] = {}
        self.addresses: dict[str, str] = {}
        self.gateway: Gateway
        self.client: aiohttp.ClientSession

    async def open(self, port: int) -> None:
        self.gateway = Gateway(self.directory / "gateway", port)
        for name in WEB_SERVICES:
            self._service(name, PLATFORM.services["dev"][name].port or 0, "http")
        for name, number in PORTS.items():
            self._service(name, number, "main")
        self._ingress({"web": "/", "stamp": "/stamp"})
        problems = await self.gateway.start(self._configuration())
        assert problems == ()
        resources = {
            "main": ("kiban.adapters.local.postgres", {"POSTGRES_PASSWORD": "secret"}),
            "cache": ("kiban.adapters.local.redis", {}),
        }
        for name, (module, environment) in resources.items():
            data = ["--data", str(self.directory / name), "--port", str(PORTS[name])]
            await self._pod(name, "-m", module, *data, environment=environment)
        await asyncio.gather(*(self._listening(name, PORTS[name]) for name in PORTS))
        for name in (*WEB_SERVICES, "notify"):
            await self.start(name)
        await self.serve(*PORTS, *WEB_SERVICES)

    async def start(self, name: str, *, pod: str = "", release: str = "v1") -> None:
        """Start a program; `serve` lets requests in."""
        port = PLATFORM.services["dev"][name].port
        await self._pod(
            pod or name,
            "main.py",
            directory=ARCADE / "apps" / name,
            environment={**self._environment(), "PORT": str(port), "KIBAN_RELEASE": release},
        )

    async def serve(self, *services: str, pod: str = "") -> None:
        """The services lead to the pod of their name, or to this one."""
        for name in services:
            port = PORTS.get(name) or PLATFORM.services["dev"][name].port or 0
            await self._listening(pod or name, port)
            self._endpoints(name, port, self.addresses[pod or name])
        assert await self.gateway.update(self._configuration()) == ()

    async def stop(self, pod: str) -> int:
        self.pods[pod].terminate()
        return await self.pods[pod].wait()

    async def get(self, path: str) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.gateway.place.port}{path}"
        async with self.client.get(url, headers={"host": HOST}) as answer:
            assert answer.status == 200, await answer.text()
            found: dict[str, Any] = await answer.json()
            return found

    async def run_once(self, name: str) -> int:
        """Run a job to its end."""
        await self._pod(
            name,
            "main.py",
            directory=ARCADE / "apps" / name,
            environment=self._environment(),
        )
        return await self.pods[name].wait()

    async def close(self) -> None:
        await self.gateway.stop(0)
        for process in self.pods.values():
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        # As root, PostgreSQL's account cannot reach pytest's directories: its data is elsewhere.
        note = self.directory / "main" / "moved-to"
        if note.exists():
            shutil.rmtree(note.read_text())

    def log(self, pod: str) -> str:
        return (self.directory / f"{pod}.log").read_text()

    async def _pod(
        self, name: str, *arguments: str, environment: dict[str, str], directory: Path = Path()
    ) -> None:
        address = self.addresses[name] = self.plan.pod_address(len(self.addresses))
        with (self.directory / f"{name}.log").open("ab") as log:
            self.pods[name] = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                cwd=directory,
                env={"PATH": os.environ["PATH"], "HOST": address, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def _listening(self, pod: str, port: int) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                _, writer = await asyncio.open_connection(self.addresses[pod], port)
            except OSError:
                assert self.pods[pod].returncode is None, self.log(pod)
                await asyncio.sleep(0.02)
            else:
                writer.close()
                await writer.wait_closed()
                return
        raise AssertionError(f"{pod} does not listen: {self.log(pod)}")

    def _environment(self) -> dict[str, str]:
        names = {
            **{f"{name.upper()}_URL": f"http://{name}.a.svc:8080" for name in WEB_SERVICES},
            "MAIN_URL": "postgresql://app:secret@main.a.svc:5432/app",
            "CACHE_URL": "redis://cache.a.svc:6379/0",
        }
        return {name: rewrite(value, self.store) for name, value in names.items()}

    def _configuration(self) -> Any:
        return gateway_configuration(self.store, self.gateway.place)

    def _service(self, name: str, port: int, port_name: str) -> None:
        ports = [{"name": port_name, "port": port, "targetPort": port}]
        spec = {"clusterIP": self.plan.service_address("a", name, ()), "ports": ports}
        self._put("v1", "Service", name, spec=spec)

    def _endpoints(self, name: str, port: int, address: str) -> None:
        self._put(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            name,
            labels={"kubernetes.io/service-name": name},
            ports=[{"name": "main" if name in PORTS else "http", "port": port}],
            endpoints=[{"addresses": [address], "conditions": {"ready": True}}],
        )

    def _ingress(self, services: dict[str, str]) -> None:
        paths = [
            {
                "path": path,
                "pathType": "Prefix",
                "backend": {"service": {"name": name, "port": {"number": 8080}}},
            }
            for name, path in services.items()
        ]
        spec = {"rules": [{"host": HOST, "http": {"paths": paths}}]}
        self._put("networking.k8s.io/v1", "Ingress", "arcade", spec=spec)

    def _put(
        self,
        version: str,
        kind: str,
        name: str,
        *,
        labels: dict[str, str] | None = None,
        **body: Any,
    ) -> None:
        metadata = {"name": name, "namespace": "a", "labels": labels or {}}
        manifest: Manifest = {"apiVersion": version, "kind": kind, "metadata": metadata, **body}
        self.store.put(manifest)


@asynccontextmanager
async def running_arcade(directory: Path, port: int) -> AsyncIterator[Arcade]:
    slot = take_slot(96)
    arcade = Arcade(directory, slot.plan)
    async with aiohttp.ClientSession() as arcade.client:
        try:
            await arcade.open(port)
            yield arcade
        finally:
            await arcade.close()
            slot.close()


async def eventually(check: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not await check():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.05)


@pytest.mark.skipif(sys.platform != "linux", reason="needs more than one loopback address")
def test_players_collect_stamps_and_the_arcade_bears_releases_and_failures(
    tmp_path: Path, unused_port: int
) -> None:
    async def scenario() -> None:
        async with running_arcade(tmp_path, unused_port) as arcade:
            await _stamps_become_points_and_a_ranking(arcade)
            await _a_release_loses_nothing(arcade)
            await _a_backend_that_is_down_is_replaced_by_defaults(arcade)
            assert await arcade.stop("notify") == 0
            assert "nothing is left half done" in arcade.log("notify")

    asyncio.run(asyncio.wait_for(scenario(), 2 * PATIENCE_SECONDS))


async def _stamps_become_points_and_a_ranking(arcade: Arcade) -> None:
    url = f"http://127.0.0.1:{arcade.gateway.place.port}/stamp/ada"
    for _ in range(3):
        async with arcade.client.post(url, headers={"host": HOST}) as answer:
            assert (answer.status, answer.headers["x-release"]) == (201, "v1")

    async def points_arrived() -> bool:
        page = await arcade.get("/?user=ada")
        return bool(page["points"]["points"] == 3)

    await eventually(points_arrived)
    page = await arcade.get("/?user=ada")
    assert page["defaults"] == []
    assert page["user"]["name"] == "Ada"
    assert page["stamp"]["stamps"] == 3
    assert await arcade.run_once("ranking") == 0, arcade.log("ranking")
    assert (await arcade.get("/ranking"))["ranking"] == [{"place": 1, "user": "ada", "points": 3}]


async def _a_release_loses_nothing(arcade: Arcade) -> None:
    shots = [Shot("GET", "/"), Shot("POST", "/stamp/grace"), Shot("GET", "/stamp/ada", 2)]
    url = f"http://127.0.0.1:{arcade.gateway.place.port}"
    load = OpenLoad(url, shots, rate=60, host=HOST)
    running = asyncio.create_task(load.run())
    await arcade.start("stamp", pod="stamp-v2", release="v2")
    load.phase = "release"
    await arcade.serve("stamp", pod="stamp-v2")
    assert await arcade.stop("stamp") == 0
    load.phase = "after"
    await asyncio.sleep(0.3)
    load.stop()
    await running
    summary = load.summary()
    assert summary["total"]["errors"] == {}
    assert summary["total"]["failed"] == 0
    assert set(summary["phases"]["after"]["versions"]) == {"v2"}


async def _a_backend_that_is_down_is_replaced_by_defaults(arcade: Arcade) -> None:
    os.killpg(arcade.pods["points"].pid, signal.SIGKILL)
    page = await arcade.get("/?user=ada")
    assert page["defaults"] == ["points"]
    assert page["points"] == {"user": "ada", "points": 0}
    assert page["user"]["name"] == "Ada"
