"""`kiban deliver` and `kiban fleet`: every environment on every one of its clusters, from one
process, at the pace of their rings."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kiban.adapters.delivery_driver import DeliveryDriver
from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.fleet import CompileFleet, FleetDriver
from kiban.adapters.fleet.driver import CONNECTIONS
from kiban.adapters.fleet.link import PROBE_SECONDS, Connect
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.adapters.journal.database import JournalPlace
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.compiler import Bundle, Compilations
from kiban.delivery.fleet import Member, Pace, Ring
from kiban.delivery.fleet.status import FleetStatus
from kiban.delivery.marks import Scope
from kiban.primitives.problems import Exit, KibanError, Problem
from kiban.spec import Platform, load_platform
from kiban.wiring.deliveries import refuse_findings
from kiban.wiring.heralding import tell_people
from kiban.wiring.quarantines import quarantined, refuse_newly_quarantined
from kiban.wiring.repository import Home, home_of
from kiban.wiring.sources import compiled, renderer_of_files
from kiban.wiring.tending.rollouts import RolloutJudge
from kiban.wiring.tending.running import Running, tend_releases


@dataclass(frozen=True, slots=True)
class FleetWish:
    """What is to be delivered to; everything unless told."""

    source: str = "."
    environments: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    branch: str = ""
    allow_delete: bool = False
    until_ready: bool = False
    patience_seconds: float = 600.0
    probe_seconds: float = PROBE_SECONDS


Show = Callable[[FleetStatus], None]


def pace_of(platform: Platform, wish: FleetWish) -> Pace:
    """The members of a platform's fleet and their rings. Raises `KibanError` for names that are
    not there, and when there is no member."""
    for name in wish.environments:
        platform.environment(name)
    members = {}
    for environment in wish.environments or platform.environments:
        for cluster in platform.clusters_of(environment):
            if not wish.clusters or cluster in wish.clusters:
                ring = platform.spec.clusters[cluster].ring or ""
                member = Member(environment, cluster, ring)
                members[member.name] = member
    unknown = set(wish.clusters) - {member.cluster for member in members.values()}
    if unknown or not members:
        what = f"no environment lives on {', '.join(sorted(unknown)) or 'any cluster'}"
        fix = "declare it in platform.yaml: `clusters:`, and `clusters:` of an environment"
        raise KibanError(Problem("fleet/no-members", what, fix=fix), Exit.USAGE)
    rings = tuple(Ring(name, ring.at_once, ring.soak) for name, ring in platform.spec.rings.items())
    return Pace(rings, members)


def subject_of(platform: Platform) -> str:
    """What the journal calls the fleet of a platform."""
    return f"{platform.name}/fleet"


def connect_by(platform: Platform) -> Connect:
    """Opens a cluster with its own credentials: its kubeconfig, and its context there."""

    def connect(name: str) -> KubernetesCluster:
        cluster = platform.spec.clusters[name]
        path = str(Path(cluster.kubeconfig).expanduser()) if cluster.kubeconfig else ""
        access = load_access(cluster.context or name, path)
        return KubernetesCluster(access, connections=CONNECTIONS)

    return connect


def fleet_compiler(repository: GitRepository, journal: JournalPlace) -> CompileFleet:
    """What makes the bundles of a commit: loaded once, compiled and checked for each member."""
    cache = Compilations()

    def prepare(files: Mapping[str, str]) -> Callable[[Member], Bundle]:
        platform = load_platform(files)
        held = quarantined(journal)
        renderer = renderer_of_files(files, repository)

        def compile_(member: Member) -> Bundle:
            platform.environment(member.environment)
            environment = member.environment
            subject = f"{platform.name}/{environment}@{member.cluster}"
            refuse_newly_quarantined(platform, environment, subject, journal, held)
            bundle = compiled(
                platform, member.environment, renderer, cluster=member.cluster, cache=cache
            )
            refuse_findings(bundle, files, wall_clock())
            return bundle

        return compile_

    return prepare


def fleet_driver(
    platform: Platform,
    pace: Pace,
    repository: GitRepository,
    journal: Journal,
    wish: FleetWish,
    judge: RolloutJudge,
) -> FleetDriver:
    """The driver of a platform's fleet; `judge` answers for new pods."""
    holder = f"{socket.gethostname()}/{os.getpid()}"

    def make(member: Member, connected: KubernetesCluster) -> DeliveryDriver:
        namespace = platform.namespace_of(member.environment)
        scope = Scope(platform.name, member.environment, member.cluster, namespace)
        return DeliveryDriver(
            scope,
            connected,
            journal,
            holder=holder,
            allow_delete=wish.allow_delete,
            validates=True,
            measure=judge.of(scope),
        )

    return FleetDriver(
        subject_of(platform),
        pace,
        journal,
        connect_by(platform),
        make,
        fleet_compiler(repository, journal.place),
        holder=holder,
        probe_seconds=wish.probe_seconds,
    )


async def run_fleet(wish: FleetWish, show: Show) -> int:
    """Deliver to the whole fleet until interrupted, or until all of it is well.

    When a commit changes who is in the fleet or in which ring, it is taken up anew: what each
    cluster was given is in the journal. A cluster that leaves keeps what it runs.
    """
    home = home_of(wish.source)
    repository = home.repository(wish.branch)
    journal = Journal(home.state.journal)
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        while not stopping.is_set():
            platform = load_platform(repository.files(repository.head()))
            pace = pace_of(platform, wish)
            judge = RolloutJudge()
            driver = fleet_driver(platform, pace, repository, journal, wish, judge)
            tasks = [
                asyncio.create_task(driver.run(repository), name="fleet"),
                asyncio.create_task(_show(driver, show), name="screen"),
                asyncio.create_task(_until_changed(repository, pace, wish), name="members"),
                asyncio.create_task(stopping.wait(), name="stop"),
                asyncio.create_task(
                    tell_people(journal, repository, repository.follow()), name="notifications"
                ),
                asyncio.create_task(
                    tend_releases(_tended(platform, pace, repository, journal, home), judge),
                    name="releases",
                ),
            ]
            if wish.until_ready:
                tasks.append(asyncio.create_task(_until_well(driver, wish), name="ready"))
            if await _ended(tasks):
                return Exit.DONE
        return Exit.DONE
    finally:
        journal.close()


def _tended(
    platform: Platform, pace: Pace, repository: GitRepository, journal: Journal, home: Home
) -> Running:
    """What the tending of the fleet's releases needs; figures are other systems' than ours."""
    scopes = [
        Scope(platform.name, one.environment, one.cluster, platform.namespace_of(one.environment))
        for _, one in sorted(pace.members.items())
    ]
    return Running(repository, journal, platform, scopes, home.state, None, lambda line: None)


async def _ended(tasks: Sequence["asyncio.Task[object]"]) -> bool:
    """Wait for the first task that ends, and end the others; whether all is over."""
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()
    return any(task.get_name() != "members" for task in done)


async def _until_changed(repository: GitRepository, pace: Pace, wish: FleetWish) -> object:
    """Wait for a good commit with another fleet."""
    async for head in repository.follow():
        with suppress(KibanError):
            files = await asyncio.to_thread(repository.files, head)
            if pace_of(await asyncio.to_thread(load_platform, files), wish) != pace:
                return None
    return None


async def _until_well(driver: FleetDriver, wish: FleetWish) -> object:
    try:
        async with asyncio.timeout(wish.patience_seconds):
            return await driver.until(lambda status: status.commit is not None and status.is_well)
    except TimeoutError:
        found = driver.status()
        problems = [
            Problem("fleet/not-well", f"{one.member.name} is {one.health}: {one.words}")
            for one in found
            if one.health != "well"
        ]
        raise KibanError(problems, Exit.WORLD_FAILED) from None


async def _show(driver: FleetDriver, show: Show) -> object:
    async for status in driver.changes():
        show(status)
    return None
