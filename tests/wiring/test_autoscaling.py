"""Real pods that work are made more by a real autoscaler, and kubectl shows what they use."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from kiban.cluster.nodes import NodeGroup
from kiban.kube.objects import Key, Manifest, get_in
from kiban.reconcile.commands import Create
from kiban.wiring.local_cluster import LocalCluster, start_cluster
from kiban.wiring.places import State

# Uses about a quarter of a core.
BURNER = """
import time
while True:
    until = time.process_time() + 0.02
    while time.process_time() < until:
        pass
    time.sleep(0.06)
"""
WEB = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass

address = os.environ["HOST"], int(os.environ["PORT"])
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""
PAUSE_SECONDS = 0.05
# Two periods of the autoscaler and of the measuring, and something to start and stop in.
PATIENCE_SECONDS = 50.0


def plain(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def deployment(name: str, **container: Any) -> Manifest:
    app = {
        "name": "app",
        "image": "registry.example/app:1",
        "command": ["python", f"{name}.py"],
        "resources": {"requests": {"cpu": "100m", "memory": "32Mi"}},
        **container,
    }
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [app]}}
    selector = {"matchLabels": {"app": name}}
    return plain("apps/v1", "Deployment", name, spec={"selector": selector, "template": template})


def autoscaler(name: str, metric: dict[str, Any]) -> Manifest:
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": name}
    spec = {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 2, "metrics": [metric]}
    return plain("autoscaling/v2", "HorizontalPodAutoscaler", name, spec=spec)


def by_cpu(percent: int) -> dict[str, Any]:
    target = {"type": "Utilization", "averageUtilization": percent}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def by_requests(per_second: str) -> dict[str, Any]:
    """As the compiler writes `scale: {requests: ...}`."""
    target = {"type": "AverageValue", "averageValue": per_second}
    return {
        "type": "Pods",
        "pods": {"metric": {"name": "http_requests_per_second"}, "target": target},
    }


@asynccontextmanager
async def running(directory: Path, **programs: str) -> AsyncIterator[LocalCluster]:
    """A cluster with an image of these programs."""
    cluster = await start_cluster(State(directory))
    try:
        source = directory / "source"
        (source / "app").mkdir(parents=True)
        for name, text in programs.items():
            (source / "app" / f"{name}.py").write_text(text)
        cluster.images.build(source, "app", image="registry.example/app", tag="1")
        cluster.add_nodes([NodeGroup("web")])
        yield cluster
    finally:
        await cluster.stop()


def do(cluster: LocalCluster, *manifests: Manifest) -> None:
    assert cluster.driver.execute("test", [Create(manifest) for manifest in manifests]) == ()


def replicas(cluster: LocalCluster, name: str) -> int:
    found = cluster.cluster.store.get(Key("apps", "Deployment", "default", name))
    return int(get_in(found, "spec", "replicas", default=0))


async def until(holds: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(PAUSE_SECONDS)


async def asking(url: str) -> None:
    """Ask a few dozen times a second, whatever is answered."""
    async with aiohttp.ClientSession() as session:
        while True:
            with suppress(aiohttp.ClientError):
                async with session.get(url) as answer:
                    await answer.read()
            await asyncio.sleep(0.02)


async def kubectl(cluster: LocalCluster, *arguments: str) -> list[list[str]]:
    """The words of every line that kubectl says."""
    process = await asyncio.create_subprocess_exec(
        "kubectl",
        *arguments,
        env={**os.environ, "KUBECONFIG": str(cluster.state.kubeconfig)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return [line.split() for line in said.decode().splitlines()]


@pytest.mark.timeout(90)
def test_work_and_requests_make_more_pods_and_kubectl_top_shows_them(tmp_path: Path) -> None:
    async def story() -> None:
        async with running(tmp_path, burner=BURNER, web=WEB) as cluster:
            ports = [{"name": "http", "port": 8080, "targetPort": 9000}]
            service = plain("v1", "Service", "web")
            do(
                cluster,
                {**service, "spec": {"selector": {"app": "web"}, "ports": ports}},
                deployment("burner"),
                deployment("web", ports=[{"containerPort": 9000}]),
                autoscaler("burner", by_cpu(80)),
                autoscaler("web", by_requests("5")),
            )
            address = _service_address(cluster, "web")
            load = asyncio.create_task(asking(f"http://{address}:8080/"))
            try:
                await until(lambda: replicas(cluster, "burner") == 2)
                await until(lambda: replicas(cluster, "web") == 2)
            finally:
                load.cancel()
            if shutil.which("kubectl"):
                await _look_with_kubectl(cluster)

    asyncio.run(story())


def _service_address(cluster: LocalCluster, name: str) -> str:
    service = cluster.cluster.store.get(Key("", "Service", "default", name))
    return str(get_in(service, "spec", "clusterIP"))


async def _look_with_kubectl(cluster: LocalCluster) -> None:
    header, *pods = await kubectl(cluster, "top", "pods")
    assert header == ["NAME", "CPU(cores)", "MEMORY(bytes)"]
    used = {name.partition("-")[0]: (cpu, memory) for name, cpu, memory in pods}
    assert 80 < int(used["burner"][0].removesuffix("m")) < 600
    assert 2 < int(used["web"][1].removesuffix("Mi")) < 300
    (_, node) = await kubectl(cluster, "top", "nodes")
    assert int(node[1].removesuffix("m")) > 80
    shown = await kubectl(cluster, "get", "hpa", "burner", "-o", "jsonpath={.status.conditions}")
    assert "ValidMetricFound" in str(shown)
