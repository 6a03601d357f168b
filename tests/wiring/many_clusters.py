"""Clusters over HTTP in the loop of the test, each with its own credentials in one kubeconfig."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from kiban.adapters.api_server.credentials import Authenticator
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.server import ApiServer
from kiban.cluster.cluster import assembled
from kiban.kube.objects import DEPLOYMENT, Key, Manifest, get_in, key_of
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Patch
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

FAILED = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}


class QuickDeployments:
    """Reports every replica of a Deployment as available at once; one whose image is `broken` as
    given up."""

    name = "quick-deployments"
    watches = frozenset({DEPLOYMENT})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        return [change.key]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        live = snapshot.get(key)
        if live is None:
            return NOTHING
        status = _status(live)
        if all(get_in(live, "status", name) == value for name, value in status.items()):
            return NOTHING
        return Outcome((Patch(key_of(live), {"status": status}, "status"),))


def _status(live: Manifest) -> Manifest:
    broken = "broken" in str(get_in(live, "spec", "template", "spec", "containers"))
    count = live["spec"].get("replicas", 1)
    names = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    status: Manifest = dict.fromkeys(names, count)
    status["conditions"] = [FAILED] if broken else []
    return status | {"observedGeneration": live["metadata"]["generation"]}


@dataclass
class Served:
    """One cluster; it can go away and come back at the same address."""

    name: str
    token: str
    driver: WallDriver = field(init=False)
    server: ApiServer = field(init=False)
    address: str = ""

    async def start(self) -> None:
        self.driver = WallDriver(assembled(self.name, [QuickDeployments()]))
        await self.driver.start()
        await self.come_back()

    async def come_back(self) -> None:
        self.server = ApiServer(self.driver, Authenticator(self.token))
        port = int(self.address.rpartition(":")[2]) if self.address else 0
        self.address = await self.server.start(port)

    async def go_away(self) -> None:
        await self.server.stop()

    async def stop(self) -> None:
        await self.server.stop()
        await self.driver.stop()

    def image_of(self, service: str) -> str:
        """The image that the Deployment of a service asks for; empty when there is none."""
        for live in self.driver.cluster.store.list(DEPLOYMENT):
            if live["metadata"]["name"] == service:
                return str(live["spec"]["template"]["spec"]["containers"][0]["image"])
        return ""


def kubeconfig(path: Path, clusters: Iterable[Served]) -> None:
    """A kubeconfig with a context, a cluster and a user of each."""
    listed = list(clusters)
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": one.name, "cluster": {"server": one.address}} for one in listed],
        "users": [{"name": one.name, "user": {"token": one.token}} for one in listed],
        "contexts": [
            {"name": one.name, "context": {"cluster": one.name, "user": one.name}} for one in listed
        ],
    }
    path.write_text(yaml.safe_dump(config))
