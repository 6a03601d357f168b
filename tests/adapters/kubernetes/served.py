"""The embedded cluster over HTTPS, in the loop of the test, with pods that are ready at once."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from kiban.adapters.api_server.certificates import server_identity
from kiban.adapters.api_server.credentials import Authenticator, kept_token, write_kubeconfig
from kiban.adapters.api_server.driver import WallDriver
from kiban.adapters.api_server.server import ApiServer
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.cluster.cluster import assembled
from kiban.kube.objects import DEPLOYMENT, GroupKind, Key, get_in, key_of
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Patch
from kiban.reconcile.controller import NOTHING, Change, Controller, Outcome, Snapshot


class InstantDeployments:
    """Reports every replica of a Deployment as available, unless its image says `broken`."""

    name = "instant-deployments"
    watches = frozenset({DEPLOYMENT})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        return [change.key]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        live = snapshot.get(key)
        if live is None:
            return NOTHING
        broken = "broken" in str(get_in(live, "spec", "template", "spec", "containers"))
        count = live["spec"].get("replicas", 1)
        names = ("replicas", "updatedReplicas") + (
            () if broken else ("readyReplicas", "availableReplicas")
        )
        status = dict.fromkeys(names, count)
        status["observedGeneration"] = live["metadata"]["generation"]
        if broken:
            status |= {"readyReplicas": 0, "availableReplicas": 0}
        if all(get_in(live, "status", name, default=0) == value for name, value in status.items()):
            return NOTHING
        return Outcome((Patch(key_of(live), {"status": status}, "status"),))


CONTROLLERS: tuple[Controller, ...] = (InstantDeployments(),)


@asynccontextmanager
async def served(
    folder: Path, controllers: Iterable[Controller] = CONTROLLERS
) -> AsyncIterator[KubernetesCluster]:
    """A cluster that is reached as users reach it: by its kubeconfig."""
    driver = WallDriver(assembled("test", controllers))
    await driver.start()
    token = kept_token(folder / "token")
    server = ApiServer(driver, Authenticator(token))
    identity = server_identity(folder)
    address = await server.start(identity=identity)
    write_kubeconfig(folder / "kubeconfig", address, token, identity.authority)
    try:
        async with KubernetesCluster(load_access(path=str(folder / "kubeconfig"))) as cluster:
            yield cluster
    finally:
        await server.stop()
        await driver.stop()


CONFIG_MAPS = GroupKind("", "ConfigMap")
