"""The engine under measurement, in a process of its own: told by one line of JSON what to do, it
answers with one. It is put together as `kiban up --context` does it.

    echo '{"act": "install", "repo": "…", "kubeconfig": "…"}' | python -m bench.delivery.engine
"""

import asyncio
import resource
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from bench.delivery import repo
from bench.delivery.limits import open_files_at_most
from kiban.adapters.delivery_driver import DeliveryDriver, follow_repository
from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.journal import Journal
from kiban.adapters.kubernetes import KubernetesCluster, load_access
from kiban.adapters.kubernetes.cluster import WATCH_SECONDS
from kiban.spec import Platform, load_platform
from kiban.wiring.deliveries import Target, compiler_for, driver_for
from kiban.wiring.event_loop import run

Job = Mapping[str, Any]
PATIENCE_SECONDS = 900.0


@dataclass(slots=True)
class Calls:
    """Requests sent so far, when the first was sent that is about an object, and when the last
    write was answered; trials are writes that the server only judges."""

    reads: int = 0
    writes: int = 0
    trials: int = 0
    streams: int = 0
    first_sent: float = 0.0
    last_write: float = 0.0

    @property
    def total(self) -> int:
        return self.reads + self.writes + self.trials + self.streams

    def reset(self) -> None:
        self.reads = self.writes = self.trials = self.streams = 0
        self.first_sent = self.last_write = 0.0


class CountedCluster(KubernetesCluster):
    """The engine's own client, which counts what it sends."""

    calls: Calls

    async def _json(self, method: Any, path: str, **rest: Any) -> Any:
        if method == "GET":
            self.calls.reads += 1
            return await super()._json(method, path, **rest)
        self.calls.first_sent = self.calls.first_sent or time.perf_counter()
        if "dryRun" in (rest.get("query") or {}):
            self.calls.trials += 1
            return await super()._json(method, path, **rest)
        self.calls.writes += 1
        found = await super()._json(method, path, **rest)
        self.calls.last_write = time.perf_counter()
        return found

    async def _lines(self, *arguments: Any) -> AsyncIterator[bytes]:
        self.calls.streams += 1
        async for line in super()._lines(*arguments):
            yield line


@dataclass(slots=True)
class Engine:
    """One repo on its way to some clusters."""

    root: Path
    repository: GitRepository
    platform: Platform
    drivers: list[DeliveryDriver]
    calls: Calls
    begun: float
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def delivered(self, commit: str) -> float:
        """Seconds since `begun` at which a commit is delivered everywhere, in full and well."""
        waiting = asyncio.create_task(self._all_delivered(commit))
        done, _ = await asyncio.wait(
            [waiting, *self.tasks], timeout=PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if waiting not in done:
            for task in self.tasks:
                if task.done():
                    task.result()
            problems = [str(p) for driver in self.drivers for p in driver.status().problems]
            raise AssertionError(f"not delivered in time: {problems[:5]}")
        return time.perf_counter() - self.begun

    async def _all_delivered(self, commit: str) -> None:
        await asyncio.gather(*(_delivered(driver, commit) for driver in self.drivers))


async def _delivered(driver: DeliveryDriver, commit: str) -> None:
    async for status in driver.changes():
        if status.is_ready and status.delivered == commit:
            return


@asynccontextmanager
async def running(job: Job) -> AsyncIterator[Engine]:
    """The engine for every environment of the repo, each on the cluster whose kubeconfig lies
    under its name in `kubeconfigs`."""
    begun = time.perf_counter()
    root, calls = Path(job["repo"]), Calls()
    journal = Journal(root.parent / "journal.db")
    repository = open_repository(str(root), root.parent / "remotes")
    platform = load_platform(repository.files(repository.head()))
    pairs, clusters = [], []
    for environment, kubeconfig in sorted(job["kubeconfigs"].items()):
        cluster = CountedCluster(load_access("", kubeconfig))
        cluster.calls = calls
        clusters.append(cluster)
        target = Target(cluster, environment)
        driver = driver_for(platform, environment, target, journal, allow_delete=False)
        compile_ = compiler_for(environment, target, repository, journal.place, wall_clock)
        pairs.append((driver, compile_))
    drivers = [driver for driver, _ in pairs]
    engine = Engine(root, repository, platform, drivers, calls, begun)
    engine.tasks = [asyncio.create_task(driver.run()) for driver in drivers]
    engine.tasks.append(asyncio.create_task(follow_repository(repository, pairs)))
    try:
        yield engine
    finally:
        for task in engine.tasks:
            task.cancel()
        await asyncio.gather(*engine.tasks, return_exceptions=True)
        for cluster in clusters:
            await cluster.close()
        journal.close()


async def install(job: Job) -> Job:
    """Deliver what is there, whatever the cluster has."""
    async with running(job) as engine:
        seconds = await engine.delivered(engine.repository.head())
        return {"seconds": seconds, **_cost(engine)}


async def changes(job: Job) -> Job:
    """Start on a cluster that has everything, then take commits, then stand still."""
    found: dict[str, Any] = {}
    async with running(job) as engine:
        await engine.delivered(engine.repository.head())
        found["start"] = _cost(engine)
        for changed in job["changed"]:
            words = f"v-{changed}"
            found[str(changed)] = await _take(
                engine, partial(repo.release, engine.root, job["services"], changed, words)
            )
        found["0"] = await _take(engine, lambda: repo.note(engine.root, "Nothing."))
        found["idle"] = await _idle(engine, job["idle_seconds"])
    return found


async def _take(engine: Engine, make: Callable[[], str]) -> Job:
    commit = await asyncio.to_thread(make)
    engine.begun = time.perf_counter()
    engine.calls.reset()
    used = time.process_time()
    seconds = await engine.delivered(commit)
    known, calls = engine.calls.first_sent, engine.calls
    return {
        "seconds": seconds,
        "known_seconds": known - engine.begun if known else None,
        "written_seconds": calls.last_write - engine.begun if calls.last_write else None,
        "cpu_seconds": time.process_time() - used,
        "writes": calls.writes,
        "trials": calls.trials,
        "reads": calls.reads,
    }


async def _idle(engine: Engine, seconds: float) -> Job:
    """A span without any change. Watches last longer than it: how often they are renewed follows
    from how long they are asked for."""
    await asyncio.sleep(2.0)
    engine.calls.reset()
    used = time.process_time()
    await asyncio.sleep(seconds)
    follows = sum(len(driver.delivery.follows()) for driver in engine.drivers)
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - used,
        "calls": engine.calls.total,
        "watches": follows,
        "renewals_an_hour": follows * 3600 / WATCH_SECONDS,
    }


def _cost(engine: Engine) -> dict[str, Any]:
    return {
        "cpu_seconds": time.process_time(),
        "memory_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "reads": engine.calls.reads,
        "writes": engine.calls.writes,
        "trials": engine.calls.trials,
        "watches": engine.calls.streams,
        "follows": sum(len(driver.delivery.follows()) for driver in engine.drivers),
    }


ACTS: dict[str, Callable[[Job], Awaitable[Job]]] = {"install": install, "changes": changes}


def main() -> None:
    open_files_at_most()
    job = orjson.loads(sys.stdin.read())
    sys.stdout.write(orjson.dumps(run(_do(job))).decode() + "\n")


async def _do(job: Job) -> Job:
    return await ACTS[job["act"]](job)


if __name__ == "__main__":
    main()
