"""The tending of releases inside a running `kiban up`, and what makes the delivery look at the
branch again although it has not moved."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.registry import Registry
from kiban.delivery.marks import Scope
from kiban.operations.promotion import LIFTED
from kiban.plans.records import Event
from kiban.primitives.problems import KibanError
from kiban.spec import Platform
from kiban.wiring.local_cluster import LocalCluster
from kiban.wiring.places import State
from kiban.wiring.tending.figures import PlatformFigures
from kiban.wiring.tending.house import House
from kiban.wiring.tending.outside import Outside
from kiban.wiring.tending.rollouts import RolloutJudge
from kiban.wiring.tending.tend import tend

LIFTED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Running:
    """What `kiban up` has that tending needs."""

    repository: GitRepository
    journal: Journal
    platform: Platform
    scopes: Sequence[Scope]
    state: State
    local: LocalCluster | None
    say: Callable[[str], None]


async def tend_releases(running: Running, judge: RolloutJudge) -> None:
    """Tend the releases of what is up, until cancelled; `judge` may answer from then on."""
    async with aiohttp.ClientSession() as session:
        house: House | None = None

        def platform() -> Platform:
            return house.platform if house is not None else running.platform

        local = running.local
        gateway = local.gateway if local is not None else None
        figures = PlatformFigures(platform, session, gateway, wall_clock)
        house = House(
            running.repository, running.journal, figures, wall_clock, running.scopes,
            running.platform, running.state.directory, running.say,
        )  # fmt: skip
        judge.house = house
        async with asyncio.TaskGroup() as group:
            group.create_task(figures.run())
            if local is not None:
                store = local.cluster.store
                group.create_task(Outside(figures, store, local.view, wall_clock).run())
            group.create_task(tend(house, Registry(session, wall_clock)))


async def heads(repository: GitRepository, journal: JournalReader) -> AsyncIterator[str]:
    """Every new tip of the branch, and the tip again when a quarantine was lifted: a commit that
    was refused because of it may be good now."""
    queue: asyncio.Queue[str] = asyncio.Queue()

    async def follow() -> None:
        async for head in repository.follow():
            queue.put_nowait(head)

    async def watch() -> None:
        last = max((entry.sequence for entry in journal.last(1)), default=0)
        while True:
            await asyncio.sleep(LIFTED_SECONDS)
            try:
                found = await asyncio.to_thread(journal.entries, kind="event", after=last)
            except KibanError:
                # A database that is away is asked again.
                continue
            last = found[-1].sequence if found else last
            if any(isinstance(e.record, Event) and e.record.code == LIFTED for e in found):
                queue.put_nowait(await asyncio.to_thread(repository.head))

    tasks = [asyncio.create_task(follow()), asyncio.create_task(watch())]
    try:
        while True:
            getting = asyncio.ensure_future(queue.get())
            done, _ = await asyncio.wait([getting, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done - {getting}:
                task.result()
            yield getting.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
