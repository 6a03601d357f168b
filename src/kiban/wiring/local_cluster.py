"""The embedded cluster put together: store and journal, API server, kubelet, processes, gateway.

Everything runs in one event loop. It ends from the outside in: the gateway answers what is under
way and takes nothing new, then every pod gets its grace period, then the API server and the store.
"""

import asyncio
import json
import secrets
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from kiban.adapters.api_server.authority import Authority
from kiban.adapters.api_server.certificates import (
    ServerIdentity,
    server_identity,
    write_private,
)
from kiban.adapters.api_server.credentials import Authenticator, kept_token, write_kubeconfig
from kiban.adapters.api_server.driver import WallDriver, wall_clock
from kiban.adapters.api_server.jwt import SignedTokens
from kiban.adapters.api_server.server import ApiServer
from kiban.adapters.gateway import Gateway
from kiban.adapters.gateway.process import lowest_port
from kiban.adapters.gateway.slots import Slot, take_slot
from kiban.adapters.images import ImageStore
from kiban.adapters.processes import ProcessRuntime, Warden, shut_down
from kiban.adapters.processes.modelled import ModelledRuntime
from kiban.adapters.processes.usage import UsageSource, can_measure
from kiban.adapters.webhooks import WebhookCaller
from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.catalog import controllers
from kiban.cluster.controllers.certificate_signing import CertificateSigningController
from kiban.cluster.controllers.event_expiry import EventExpiryController
from kiban.cluster.controllers.horizontal_pod_autoscaler import MeasuredMetrics
from kiban.cluster.kubelet.kubelet import Kubelet
from kiban.cluster.networking.gateway import gateway_configuration
from kiban.cluster.nodes import NodeGroup, node_manifests
from kiban.cluster.usage import MetricsView
from kiban.kube.objects import ENDPOINT_SLICE, INGRESS, SERVICE, GroupKind, key_of
from kiban.primitives.instants import rfc3339
from kiban.reconcile.commands import Create
from kiban.wiring.listening import certified_addresses
from kiban.wiring.measuring import Measuring
from kiban.wiring.places import AUDIT_FILE, STORE_FILE, State

DEFAULT_GATEWAY_PORT = 8080
# What the gateway's configuration is made of; a change of anything else does not concern it.
GATEWAY_KINDS: tuple[GroupKind, ...] = (
    SERVICE,
    ENDPOINT_SLICE,
    INGRESS,
    GroupKind("gateway.networking.k8s.io", "HTTPRoute"),
)


@dataclass(slots=True)
class LocalCluster:
    """One running embedded cluster. Made by `start_cluster`."""

    state: State
    server: str
    token: str
    identity: ServerIdentity
    cluster: Cluster
    driver: WallDriver
    runtime: ProcessRuntime
    images: ImageStore
    gateway: Gateway | None
    swept: int
    view: MetricsView
    _kubelet: Kubelet
    _api: ApiServer
    _warden: Warden
    _slot: Slot
    _follower: asyncio.Task[None] | None = field(default=None)
    _measurer: asyncio.Task[None] | None = field(default=None)

    @property
    def gateway_address(self) -> str:
        """Where the public side listens, as host and port; empty without a gateway."""
        return f"{self.gateway.place.address}:{self.gateway.place.port}" if self.gateway else ""

    def add_nodes(self, groups: Sequence[NodeGroup]) -> None:
        """Have at least these virtual nodes."""
        missing = [
            node for node in node_manifests(groups) if self.cluster.store.get(key_of(node)) is None
        ]
        if missing:
            self.driver.execute("kubelet", [Create(node) for node in missing])

    async def finished(self) -> None:
        """Wait for the end of what runs, which only a fault of ours brings; raises that."""
        tasks = [task for task in (self._follower, self._measurer) if task is not None]
        # Shielded: whoever stops waiting must not end what runs.
        await asyncio.gather(self.driver.finished(), *map(asyncio.shield, tasks))

    async def stop(self) -> None:
        """End everything in good order."""
        for task in (self._measurer, self._follower):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        if self.gateway is not None:
            await self.gateway.stop()
        await shut_down(
            self._kubelet, self.runtime, self._warden, clock=wall_clock, wake=self.driver.wake
        )
        await self._api.stop()
        await self.driver.stop()
        self._slot.close()

    def as_data(self) -> dict[str, object]:
        """What a script needs to use the cluster."""
        return {
            "server": self.server,
            "token": self.token,
            "ca": str(self.identity.authority),
            "kubeconfig": str(self.state.kubeconfig),
            "gateway": self.gateway_address,
            "sweptProcesses": self.swept,
        }


async def start_cluster(
    state: State,
    *,
    port: int = 0,
    gateway_port: int | None = DEFAULT_GATEWAY_PORT,
    modelled: bool = False,
    listen: str = "",
) -> LocalCluster:
    """Start the cluster that lives in a state directory, or a new one there.

    Raises `KibanError` when another process runs it. A `gateway_port` of None starts no gateway;
    `listen` is an address beside the loopback on which the API server is to be reached.
    """
    directory = state.cluster
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    warden = Warden(directory)
    swept = warden.open()
    facts = _Facts(directory / "cluster.json")
    slot = take_slot(facts.slot)
    facts.keep(slot=slot.plan.slot)
    identity = server_identity(directory / "pki", certified_addresses(listen))
    token = kept_token(directory / "token")
    images = ImageStore(directory / "images")
    runtime = ProcessRuntime(directory, images, wall_clock, warden)
    carrier = ModelledRuntime(runtime, images, wall_clock) if modelled else runtime
    tokens = SignedTokens(kept_token(directory / "signing-key"))
    kubelet = Kubelet(slot.plan, tokens, lowest_port=lowest_port())
    view = MetricsView()
    authority = Authority(identity)
    every = controllers(root_ca=identity.authority.read_text(), metrics=MeasuredMetrics(view))
    cluster = assembled(
        facts.seed,
        [*every, CertificateSigningController(authority), EventExpiryController()],
        kubelet=kubelet,
        plan=slot.plan,
        metrics=view if can_measure() else None,
        signer=authority,
    )
    cluster.tokens = tokens
    driver = WallDriver(
        cluster,
        journal=directory / STORE_FILE,
        audit=directory / AUDIT_FILE,
        runtime=carrier,
        consultant=WebhookCaller(),
    )
    carrier.post = driver.post
    await driver.start()
    api = ApiServer(driver, Authenticator(token), logs=runtime, containers=runtime)
    wanted = port or facts.port
    server = await api.start(free_port(wanted) if wanted else 0, identity, also=listen)
    facts.keep(port=int(server.rpartition(":")[2]))
    write_kubeconfig(state.kubeconfig, server, token, identity.authority)
    gateway = None
    if gateway_port is not None:
        facts.keep(gatewayPort=free_port(facts.gateway_port or gateway_port))
        gateway = Gateway(directory / "gateway", facts.gateway_port, warden=warden)
    found = LocalCluster(
        state, server, token, identity, cluster, driver, runtime, images, gateway, swept,
        view, kubelet, api, warden, slot,
    )  # fmt: skip
    if gateway is not None:
        await gateway.start(gateway_configuration(cluster.store, gateway.place))
        found._follower = asyncio.create_task(_follow(driver, gateway), name="gateway")
    measuring = Measuring(view, UsageSource(lambda: runtime.leaders, wall_clock), driver, gateway)
    found._measurer = asyncio.create_task(measuring.run(), name="measuring")
    return found


async def _follow(driver: WallDriver, gateway: Gateway) -> None:
    """Keep the gateway at what the store says, whenever something about it has changed."""
    seen = driver.durable
    changed = driver.listen()
    try:
        while True:
            await changed.wait()
            changed.clear()
            durable, store = driver.durable, driver.cluster.store
            if any(store.since(kind, seen, durable) for kind in GATEWAY_KINDS):
                await gateway.update(gateway_configuration(store, gateway.place))
            seen = durable
    finally:
        driver.forget(changed)


class _Facts:
    """What a cluster keeps from one run to the next beside its objects: the seed of its names,
    the slot of its addresses, the port of its API server."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data: dict[str, object] = json.loads(path.read_text()) if path.exists() else {}
        if "seed" not in self._data:
            self.keep(seed=secrets.token_hex(16))

    @property
    def seed(self) -> str:
        # A new seed for every run: two runs must never draw the same names or uids.
        return f"{self._data['seed']}/{rfc3339(wall_clock())}/{secrets.token_hex(4)}"

    @property
    def slot(self) -> int:
        return int(str(self._data.get("slot", 0)))

    @property
    def port(self) -> int:
        return int(str(self._data.get("port", 0)))

    @property
    def gateway_port(self) -> int:
        return int(str(self._data.get("gatewayPort", 0)))

    def keep(self, **facts: object) -> None:
        self._data.update(facts)
        write_private(self._path, json.dumps(self._data, sort_keys=True).encode())


def free_port(preferred: int) -> int:
    """The preferred loopback port, or another one when somebody has it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", preferred))
        except OSError:
            return free_port(0)
        return int(probe.getsockname()[1])
