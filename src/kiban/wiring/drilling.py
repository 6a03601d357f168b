"""`kiban restore --drill`: proves a backup without touching anything that runs.

It is restored into a journal of its own, an embedded cluster is started in a temporary directory,
the last good commit of every environment is delivered there by the engine as it always does, the
result is compared with what Git wants field by field, and all of it is removed again.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiban.adapters.delivery_driver import Compile, DeliveryDriver, follow_repository
from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.adapters.journal.backup import read_through
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.compiler import Bundle
from kiban.delivery.compare import missing_from
from kiban.kube.objects import key_of
from kiban.kube.ports import ClusterPort
from kiban.primitives.problems import KibanError, Problem
from kiban.spec import load_platform
from kiban.telemetry import deployments
from kiban.wiring.backups import Told, check_platform, restored_into
from kiban.wiring.deliveries import Target, compiler_for, driver_for
from kiban.wiring.event_loop import run
from kiban.wiring.local_cluster import start_cluster
from kiban.wiring.places import State
from kiban.wiring.record import environment_of, every_entry
from kiban.wiring.repository import home_of, platform_here
from kiban.wiring.up import node_groups_of

PATIENCE_SECONDS = 180.0


@dataclass(frozen=True, slots=True)
class Proven:
    """One environment delivered anew: how many objects, how many of them are not as Git wants
    them, and what stood in the way."""

    environment: str
    commit: str
    objects: int = 0
    different: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        return bool(self.objects) and not self.different and not self.problems

    def as_data(self) -> dict[str, Any]:
        return {
            "environment": self.environment,
            "commit": self.commit,
            "good": self.is_good,
            "objects": self.objects,
            "different": list(self.different),
            "problems": [problem.as_data() for problem in self.problems],
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class Drill:
    """What came out of a drill."""

    told: Told
    environments: tuple[Proven, ...]

    @property
    def is_good(self) -> bool:
        return all(each.is_good for each in self.environments)

    def as_data(self) -> dict[str, Any]:
        return {
            "good": self.is_good,
            **self.told.as_data(),
            "environments": [each.as_data() for each in self.environments],
        }


def drill(file: Path, say: Callable[[str], None]) -> Drill:
    """Restore a backup into a scratch cluster. Raises `KibanError` for one that is not whole."""
    home = home_of()
    check_platform(read_through(file), file, platform_here().name)
    with tempfile.TemporaryDirectory(prefix="kiban-drill-") as directory:
        scratch = Path(directory)
        journal = scratch / "journal.db"
        told = restored_into(journal, file)
        say(f"restored {told.entries} entries into a journal of its own")
        last = last_good(journal)
        repository = home.repository()
        lost = {name: commit for name, commit in last.items() if not repository.exists(commit)}
        found = [Proven(name, commit, problems=(_lost(commit),)) for name, commit in lost.items()]
        left = {name: commit for name, commit in last.items() if name not in lost}
        if left:
            found += run(_deliver(repository, scratch, left, say))
        return Drill(told, tuple(found))


def last_good(journal: Path) -> dict[str, str]:
    """The commit that was delivered last, by environment."""
    found = [each for each in deployments(every_entry(journal)) if each.outcome == "delivered"]
    found.sort(key=lambda each: each.ended or each.began)
    return dict(sorted((environment_of(each.subject), each.commit) for each in found))


async def _deliver(
    repository: GitRepository,
    scratch: Path,
    last: Mapping[str, str],
    say: Callable[[str], None],
) -> list[Proven]:
    state = State(scratch / ".kiban")
    async with AsyncExitStack() as stack:
        local = await start_cluster(state, gateway_port=None, modelled=True)
        stack.push_async_callback(local.stop)
        say(f"a cluster of its own answers at {local.server}")
        access = load_access("", str(state.kubeconfig))
        cluster = await stack.enter_async_context(KubernetesCluster(access))
        journal = Journal(scratch / "journal.db")
        stack.callback(journal.close)
        target = Target(cluster, "local", local.images)
        found = []
        for environment, commit in last.items():
            try:
                platform = load_platform(repository.files(commit))
                local.add_nodes(node_groups_of(platform, [environment]))
                driver = driver_for(platform, environment, target, journal, allow_delete=False)
                compile_ = compiler_for(environment, target, repository, journal.place, wall_clock)
                found.append(await _prove(driver, compile_, repository, environment, commit))
            except KibanError as error:
                found.append(Proven(environment, commit, problems=tuple(error.problems)))
            say(f"{environment}: {'good' if found[-1].is_good else 'not good'}")
        return found


async def _prove(
    driver: DeliveryDriver,
    compile_: Compile,
    repository: GitRepository,
    environment: str,
    commit: str,
) -> Proven:
    """Deliver a commit with the engine, and compare."""
    begun = time.monotonic()
    bundles: list[Bundle] = []

    def compile_and_keep(files: Mapping[str, str]) -> Bundle:
        bundles.append(compile_(files))
        return bundles[-1]

    tasks = [
        asyncio.create_task(driver.run()),
        asyncio.create_task(
            follow_repository(repository, [(driver, compile_and_keep)], _only(commit))
        ),
    ]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await _settled(driver, tasks)
        problems = driver.status().problems
        different = await _different(driver.cluster, bundles[-1]) if bundles else ()
    except TimeoutError:
        problems = driver.status().problems or (_late(),)
        different = ()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    objects = len(bundles[-1].manifests) if bundles else 0
    seconds = time.monotonic() - begun
    return Proven(environment, commit, objects, different, tuple(problems), seconds)


async def _settled(driver: DeliveryDriver, tasks: list["asyncio.Task[None]"]) -> None:
    """Until the commit is delivered in full, or refused. Raises what a task ended with."""
    async for status in driver.changes():
        if status.is_ready or status.phase == "refused":
            return
        for task in tasks:
            if task.done():
                task.result()


async def _only(commit: str) -> AsyncIterator[str]:
    yield commit


async def _different(cluster: ClusterPort, bundle: Bundle) -> tuple[str, ...]:
    """The objects that are not, field by field, what the commit wants."""
    found = []
    for manifest in bundle.manifests:
        key = key_of(manifest)
        live = await cluster.get(key)
        if live is None or missing_from(live, manifest):
            found.append(str(key))
    return tuple(found)


def _lost(commit: str) -> Problem:
    return Problem(
        "restore/commit-lost",
        f"The commit {commit[:8]} that ran last is not in the repository.",
        why="Without it nobody can deliver what ran.",
        fix="Fetch the branch it was on, or bring it back from another clone.",
    )


def _late() -> Problem:
    return Problem(
        "restore/not-delivered", f"It was not delivered within {PATIENCE_SECONDS:g} seconds."
    )
