"""A real cluster in miniature: store, kubelet, driver, process runtime, in one directory.

Run as a script (`python stage.py DIRECTORY SLOT`) it is a Kiban to be killed: it starts a pod and
a pod that leaves its group, says `ready`, and waits.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.gateway.slots import take_slot
from kiban.adapters.images import ImageStore
from kiban.adapters.processes import ProcessRuntime, Warden, shut_down
from kiban.cluster.api.values import PodLogs
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.kubelet import Kubelet
from kiban.cluster.nodes import NodeGroup, node_manifests
from kiban.kube.objects import Key, Manifest, condition_of
from kiban.reconcile.commands import Command, Create

PROGRAM = """
import http.server, os, signal, sys

def end(*_):
    print("got TERM", flush=True)
    sys.exit(0)

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path != "/broken" else 500)
        self.end_headers()
        self.wfile.write(b"hello")
    def log_message(self, *_):
        pass

signal.signal(signal.SIGTERM, end)
print("listening on", os.environ["HOST"], os.environ["PORT"])
address = os.environ["HOST"], int(os.environ["PORT"])
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""
DEAF = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)"
# Leaves its process group and session, as daemons do.
DAEMON = (
    "import os, time; pid = os.fork();"
    "(os.setsid(), time.sleep(600)) if pid == 0 else (print('forked', pid), time.sleep(600))"
)


class Stage:
    """One running cluster."""

    def __init__(self, directory: Path, slot: int) -> None:
        self.directory = directory
        self.images = ImageStore(directory / "images")
        self.warden = Warden(directory)
        self.runtime = ProcessRuntime(directory, self.images, wall_clock, self.warden)
        # The slot is a wish, so that two runs of these tests at once do not meet.
        self.slot = take_slot(slot)
        self.kubelet = Kubelet(self.slot.plan)
        self.cluster: Cluster = assembled(1, [], kubelet=self.kubelet)
        self.driver = WallDriver(self.cluster, runtime=self.runtime, journal=directory / "store.db")
        self.runtime.post = self.driver.post

    async def start(self) -> None:
        source = self.directory / "source" / "app"
        source.mkdir(parents=True, exist_ok=True)
        (source / "app.py").write_text(PROGRAM)
        self.images.build(source.parent, "app", image="registry.example/app", tag="1")
        self.warden.open()
        await self.driver.start()
        if self.cluster.store.get(Key("", "Node", "", "web-1")) is None:
            account = plain("v1", "ServiceAccount", "default")
            self.do(*(Create(node) for node in node_manifests([NodeGroup("web")])), Create(account))

    def do(self, *commands: Command) -> None:
        assert self.cluster.executor.execute("test", commands, wall_clock()) == ()
        self.driver.wake()

    async def stop(self) -> None:
        await shut_down(
            self.kubelet, self.runtime, self.warden, clock=wall_clock, wake=self.driver.wake
        )
        await self.driver.stop()
        self.slot.close()

    def pod(self, name: str) -> Manifest | None:
        return self.cluster.store.get(Key("", "Pod", "default", name))

    def status(self, name: str) -> Manifest:
        return (self.pod(name) or {}).get("status") or {}

    def is_ready(self, name: str) -> bool:
        found = condition_of({"status": self.status(name)}, "Ready")
        return found is not None and bool(found["status"] == "True")

    async def until(self, holds: Callable[[], object], seconds: float = 15.0) -> None:
        """Wait for a fact of the world, with a bound."""
        async with asyncio.timeout(seconds):
            while not holds():
                await asyncio.sleep(0.01)

    async def log(self, pod: str, **wish: Any) -> str:
        key = Key("", "Pod", "default", pod)
        pieces = [piece async for piece in self.runtime.logs(PodLogs(key, "app", **wish))]
        return b"".join(pieces).decode()


@asynccontextmanager
async def staged(directory: Path, slot: int) -> AsyncIterator[Stage]:
    stage = Stage(directory, slot)
    await stage.start()
    try:
        yield stage
    finally:
        await stage.stop()


def plain(api_version: str, kind: str, name: str, **fields: Any) -> Manifest:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def pod(name: str, container: Manifest | None = None, **spec: Any) -> Manifest:
    app = {
        "name": "app",
        "image": "registry.example/app:1",
        "command": ["python", "app.py"],
        "ports": [{"containerPort": 8080}],
        **(container or {}),
    }
    fields = {"nodeName": "web-1", "automountServiceAccountToken": False, "containers": [app]}
    return plain("v1", "Pod", name, spec={**fields, **spec})


def script(text: str) -> Manifest:
    return {"command": ["python", "-c", text]}


async def be_killed(directory: Path, slot: int) -> None:
    stage = Stage(directory, slot)
    await stage.start()
    for name, container in (("server", {}), ("deaf", script(DEAF)), ("daemon", script(DAEMON))):
        if stage.pod(name) is None:
            stage.do(Create(pod(name, container)))
    for name in ("server", "deaf", "daemon"):
        await stage.until(lambda name=name: stage.is_ready(name))  # type: ignore[misc]
    await stage.until((directory / "store.db").exists)
    await stage.driver.until_durable(stage.cluster.store.revision)
    print("ready", os.getpid(), flush=True)
    await asyncio.sleep(600)


if __name__ == "__main__":
    asyncio.run(be_killed(Path(sys.argv[1]), int(sys.argv[2])))
