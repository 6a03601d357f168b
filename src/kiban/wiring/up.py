"""`kiban up`: the cluster, the deliveries and the repository in one event loop, until told to end.

With a context of a kubeconfig the cluster is somebody else's and only the deliveries run here.
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from kiban.adapters.delivery_driver import DeliveryDriver, follow_repository
from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.cluster.nodes import NodeGroup
from kiban.delivery.status import DeliveryStatus
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.spec import Platform, load_platform, read_directory
from kiban.wiring.dashboard import NO_DASHBOARD, DashboardWish, Source, dashboard_of
from kiban.wiring.deliveries import Target, chosen_environments, compiler_for, driver_for
from kiban.wiring.heralding import commits_seen_by, tell_people
from kiban.wiring.local_cluster import LocalCluster, start_cluster
from kiban.wiring.places import State
from kiban.wiring.processes import announce, detach, retire, running
from kiban.wiring.repository import Home, home_of
from kiban.wiring.tending.rollouts import RolloutJudge
from kiban.wiring.tending.running import Running, heads, tend_releases


@dataclass(frozen=True, slots=True)
class UpWish:
    """What is to come up, and when `up` is over."""

    source: str = "."
    environments: tuple[str, ...] = ()
    branch: str = ""
    context: str = ""
    modelled: bool = False
    allow_delete: bool = False
    until_ready: bool = False
    patience_seconds: float = 180.0
    dashboard: DashboardWish = NO_DASHBOARD


class Screen(Protocol):
    """Shows what happens; the terminal's tree, plain lines, and nothing are three of them."""

    def say(self, line: str) -> None: ...

    def show(self, statuses: Sequence[DeliveryStatus], gateway: str) -> None: ...


@dataclass(slots=True)
class Up:
    """A platform that is up: what its tour, its status line and its tests use."""

    home: Home
    platform: Platform
    repository: GitRepository
    cluster: KubernetesCluster
    local: LocalCluster | None
    drivers: list[DeliveryDriver]
    stopping: asyncio.Event
    screen: Screen
    dashboard: str = ""

    @property
    def gateway(self) -> str:
        return self.local.gateway_address if self.local else ""

    def statuses(self) -> list[DeliveryStatus]:
        return [driver.status() for driver in self.drivers]

    @property
    def is_ready(self) -> bool:
        """Whether every environment runs the newest commit, in full and well."""
        return all(status.is_ready for status in self.statuses())

    async def until_ready(self, patience_seconds: float | None) -> None:
        """Wait until everything is ready. Raises `KibanError` with what is not, and why."""
        try:
            async with asyncio.timeout(patience_seconds):
                await asyncio.gather(*(_ready(driver) for driver in self.drivers))
        except TimeoutError:
            raise KibanError(_not_ready(self.statuses()), Exit.WORLD_FAILED) from None

    async def until_delivered(self, patience_seconds: float = 60.0) -> None:
        """Wait until the newest commit runs, in full and well. Raises what is not."""
        head = self.repository.head()

        async def delivered(driver: DeliveryDriver) -> None:
            async for status in driver.changes():
                if status.is_ready and status.delivered == head:
                    return

        try:
            async with asyncio.timeout(patience_seconds):
                await asyncio.gather(*map(delivered, self.drivers))
        except TimeoutError:
            raise KibanError(_not_ready(self.statuses()), Exit.WORLD_FAILED) from None

    def as_data(self) -> dict[str, Any]:
        """What `kiban up --json` prints."""
        return {
            "platform": self.platform.name,
            "ready": self.is_ready,
            "repository": str(self.repository.folder),
            "environments": [status.as_data() for status in self.statuses()],
            "addresses": addresses_of(self.statuses(), self.gateway),
            # Without the token that its link holds: this is printed.
            "dashboard": self.dashboard.partition("#")[0],
            "cluster": self._cluster_data(),
        }

    def _cluster_data(self) -> dict[str, object]:
        if self.local is None:
            return {"context": self.cluster.access.context}
        # The token is in the kubeconfig, which only its owner can read; this is printed.
        return {name: fact for name, fact in self.local.as_data().items() if name != "token"}


def addresses_of(statuses: Sequence[DeliveryStatus], gateway: str) -> list[str]:
    """URLs under which the routes answer from this machine."""
    port = gateway.rpartition(":")[2]
    return [
        f"http://{host}:{port}{slash}{path}"
        for status in statuses
        for found in status.addresses.values()
        for host, slash, path in (address.partition("/") for address in found)
    ]


def up_detached(wish: UpWish) -> dict[str, Any]:
    """Bring the platform up in the background; what it says about itself once it answers, or with
    `until_ready` once everything is ready."""
    home = home_of(wish.source)
    if found := running(home.state):
        return found
    if Path(wish.source).exists():
        load_platform(read_directory(home.directory))
    arguments = ["up", wish.source, *(f"--env={name}" for name in wish.environments)]
    arguments += [f"--branch={wish.branch}"] if wish.branch else []
    arguments += [f"--context={wish.context}"] if wish.context else []
    arguments += ["--modelled"] if wish.modelled else []
    arguments += ["--allow-delete"] if wish.allow_delete else []
    arguments += [f"--dashboard={wish.dashboard.port or 'none'}"]
    return detach(home.state, arguments, wish.patience_seconds, until_ready=wish.until_ready)


async def run_up(
    wish: UpWish,
    screen: Screen,
    then: Callable[[Up], Awaitable[int]] | None = None,
    tell: Callable[[dict[str, Any]], None] | None = None,
) -> int:
    """Bring the platform up; stay until interrupted, until ready, or until `then` is done.

    `tell` gets what is up, once it is ready.
    """
    home = home_of(wish.source)
    repository = home.repository(wish.branch)
    platform = load_platform(repository.files(repository.head()))
    environments = chosen_environments(platform, wish.environments)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as stack:
        local = None
        if not wish.context:
            local = await stack.enter_async_context(
                _embedded(wish, home.state, platform, environments, screen)
            )
        access = load_access(wish.context, "" if wish.context else str(home.state.kubeconfig))
        cluster = await stack.enter_async_context(KubernetesCluster(access))
        journal = Journal(home.state.journal)
        stack.callback(journal.close)
        target = Target(cluster, wish.context or "local", local.images if local else None)
        judge = RolloutJudge()
        drivers = [
            driver_for(platform, name, target, journal, allow_delete=wish.allow_delete, judge=judge)
            for name in environments
        ]
        up = Up(home, platform, repository, cluster, local, drivers, stopping, screen)
        tasks = _tasks(up, journal, target, judge)
        stack.push_async_callback(_cancel, tasks)
        source = _looked_at(up)
        up.dashboard = await stack.enter_async_context(dashboard_of(wish.dashboard, source))
        if up.dashboard:
            screen.say(f"the dashboard is at {up.dashboard}")
        announce(home.state, up.as_data())
        stack.callback(retire, home.state)
        return await _stay(up, tasks, _work(up, wish, then, tell))


def _tasks(
    up: Up, journal: Journal, target: Target, judge: RolloutJudge
) -> list["asyncio.Task[None]"]:
    """All that goes on while the platform is up, each begun."""
    compilers = [
        compiler_for(driver.scope.environment, target, up.repository, journal.place, wall_clock)
        for driver in up.drivers
    ]
    following = follow_repository(
        up.repository, list(zip(up.drivers, compilers, strict=True)), heads(up.repository, journal)
    )
    begun = {
        **{driver.scope.subject: driver.run() for driver in up.drivers},
        "repository": following,
        "releases": tend_releases(_tended(up, journal), judge),
        "screen": _show(up),
        "notifications": tell_people(journal, up.repository, commits_seen_by(up.drivers[0])),
        **({"cluster": up.local.finished()} if up.local else {}),
    }
    return [asyncio.create_task(work, name=name) for name, work in begun.items()]


def _looked_at(up: Up) -> Source:
    """What the dashboard shows."""
    return Source(
        up.repository,
        up.cluster,
        up.local.gateway if up.local else None,
        up.home.state,
        [driver.changes for driver in up.drivers],
        up.platform.spec.access,
    )


def _tended(up: Up, journal: Journal) -> Running:
    """What the tending of releases needs."""
    scopes = [driver.scope for driver in up.drivers]
    return Running(
        up.repository, journal, up.platform, scopes, up.home.state, up.local, up.screen.say
    )


async def _stay(up: Up, tasks: list["asyncio.Task[None]"], work: Coroutine[Any, Any, int]) -> int:
    """Wait for the end: the signal, the end of the work, or a task's fault, which is raised."""
    working = asyncio.create_task(work)
    stop = asyncio.create_task(up.stopping.wait())
    await asyncio.wait([working, stop, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        if task.done():
            await _cancel([working, stop])
            task.result()
    if working.done():
        await _cancel([stop])
        return working.result()
    await _cancel([working])
    return Exit.DONE


async def _work(
    up: Up,
    wish: UpWish,
    then: Callable[[Up], Awaitable[int]] | None,
    tell: Callable[[dict[str, Any]], None] | None,
) -> int:
    patience = wish.patience_seconds if wish.until_ready or then else None
    await up.until_ready(patience)
    announce(up.home.state, up.as_data())
    if tell is not None:
        tell(up.as_data())
    if then is not None:
        return await then(up)
    if not wish.until_ready:
        await asyncio.Event().wait()
    return Exit.DONE


@asynccontextmanager
async def _embedded(
    wish: UpWish, state: State, platform: Platform, environments: Sequence[str], screen: Screen
) -> AsyncIterator[LocalCluster]:
    """The embedded cluster with the nodes of the environments' own clusters."""
    local = await start_cluster(state, modelled=wish.modelled)
    try:
        if local.swept:
            screen.say(f"ended {local.swept} processes that an earlier run had left")
        local.add_nodes(node_groups_of(platform, environments))
        screen.say(f"the cluster answers at {local.server}")
        yield local
    finally:
        screen.say("stopping: every pod gets its grace period")
        await local.stop()


def node_groups_of(platform: Platform, environments: Sequence[str]) -> list[NodeGroup]:
    """The node groups of the clusters that the environments live on, at their smallest size."""
    names = dict.fromkeys(
        cluster for name in environments for cluster in platform.clusters_of(name)
    )
    found = []
    for name in names:
        cluster = platform.spec.clusters[name]
        for group_name, group in sorted(cluster.nodes.items()):
            zones = tuple(group.zones or cluster.zones) or ("local-1a",)
            count = max(1, group.min)
            spot = 1.0 if group.spot else 0.0
            found.append(NodeGroup(group_name, group.instance, zones, count, spot))
    return found or [NodeGroup("node", zones=("local-1a", "local-1b", "local-1c"), count=3)]


async def _ready(driver: DeliveryDriver) -> None:
    async for status in driver.changes():
        if status.is_ready:
            return


async def _show(up: Up) -> None:
    """Have the screen follow the statuses."""

    async def follow(driver: DeliveryDriver) -> None:
        async for _ in driver.changes():
            up.screen.show(up.statuses(), up.gateway)

    await asyncio.gather(*(follow(driver) for driver in up.drivers))


def _not_ready(statuses: Sequence[DeliveryStatus]) -> list[Problem]:
    found = [problem for status in statuses for problem in status.problems]
    found += [
        Problem("up/not-ready", f"{service.name} is {service.status}: {service.message}")
        for status in statuses
        for service in status.services
        if service.status != "Healthy"
    ]
    return found or [Problem("up/not-ready", "the platform did not become ready in time")]


async def _cancel(tasks: Sequence["asyncio.Task[Any]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
