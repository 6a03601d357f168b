"""A platform on 26 clusters, delivered to over HTTP from one process, as `kiban deliver` does."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiban.adapters.fleet import FleetDriver
from kiban.adapters.fleet.driver import FOUND, LOST
from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.journal import Journal
from kiban.delivery.fleet.status import FleetStatus
from kiban.delivery.releases import with_release
from kiban.plans.records import Event
from kiban.spec import load_platform
from kiban.wiring.fleet_looking import look_at_fleet
from kiban.wiring.fleets import FleetWish, fleet_driver, pace_of
from kiban.wiring.tending.rollouts import RolloutJudge

sys.path.insert(0, str(Path(__file__).parent))
from many_clusters import Served, kubeconfig

CLUSTERS = [f"tenant-{number:02}" for number in range(26)]
FIRST, REST = CLUSTERS[:2], CLUSTERS[2:]
WEB = "image: registry.example/web\nport: 8080\nhealth: /healthz\n"


def platform_file() -> str:
    lines = ["platform: arcade", "rings: {first: {}, rest: {atOnce: 8}}", "environments:"]
    lines += [f"  prod: {{clusters: [{', '.join(CLUSTERS)}]}}", "clusters:"]
    lines += [f"  {name}: {{ring: {'first' if name in FIRST else 'rest'}}}" for name in CLUSTERS]
    return "\n".join(lines) + "\n"


def make_repository(folder: Path) -> GitRepository:
    files = {
        "platform.yaml": platform_file(),
        "services/web.yaml": WEB,
        "releases/prod.yaml": "web: v1\n",
    }
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for command in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return open_repository(str(folder), folder.parent)


@dataclass
class Fleet:
    folder: Path
    repository: GitRepository
    clusters: dict[str, Served]
    journal: Journal
    driver: FleetDriver

    def release(self, service: str, tag: str) -> str:
        return self.repository.edit(
            "releases/prod.yaml", lambda text: with_release(text, service, tag), f"{service} {tag}"
        )

    async def until(self, wanted: Callable[[FleetStatus], bool]) -> FleetStatus:
        async with asyncio.timeout(60):
            return await self.driver.until(wanted)

    def images(self) -> set[str]:
        return {one.image_of("web") for one in self.clusters.values()}

    def endings(self) -> list[str]:
        return [one.ending for _, one in self.journal.endings("arcade/fleet")]

    def events(self) -> list[tuple[str, str]]:
        """What was told of which member."""
        found = (entry.record for entry in self.journal.last(subject="arcade/fleet"))
        return [
            (record.code, str(record.data.get("member", "")))
            for record in found
            if isinstance(record, Event)
        ]


@asynccontextmanager
async def delivered(folder: Path, clusters: dict[str, Served]) -> AsyncIterator[Fleet]:
    """One process that delivers, from its start to its end."""
    repository = open_repository(str(folder / "repo"), folder)
    platform = load_platform(repository.files(repository.head()))
    wish = FleetWish(probe_seconds=0.3)
    journal = Journal(folder / "repo/.kiban/journal.db")
    pace, judge = pace_of(platform, wish), RolloutJudge()
    driver = fleet_driver(platform, pace, repository, journal, wish, judge)
    running = asyncio.create_task(driver.run(repository))
    try:
        yield Fleet(folder, repository, clusters, journal, driver)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        journal.close()


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


def run(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    test: Callable[[dict[str, Served]], Awaitable[None]],
) -> None:
    async def inside() -> None:
        clusters = {name: Served(name, f"token of {name}") for name in CLUSTERS}
        for one in clusters.values():
            await one.start()
        kubeconfig(folder / "kubeconfig", clusters.values())
        monkeypatch.setenv("KUBECONFIG", str(folder / "kubeconfig"))
        make_repository(folder / "repo")
        try:
            await test(clusters)
        finally:
            for one in clusters.values():
                await one.stop()

    asyncio.run(inside())


def everywhere(commit: str, but: frozenset[str] = frozenset()) -> Callable[[FleetStatus], bool]:
    def wanted(status: FleetStatus) -> bool:
        return all(one.report.runs(commit) for one in status if one.member.cluster not in but)

    return wanted


@pytest.mark.timeout(180)
def test_26_clusters_follow_one_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(clusters: dict[str, Served]) -> None:
        async with delivered(tmp_path, clusters) as fleet:
            await fleet.until(everywhere(fleet.repository.head()))
            assert fleet.images() == {"registry.example/web:v1"}

            # A good commit reaches all, but for a cluster that is away.
            away = frozenset({"tenant-07"})
            await clusters["tenant-07"].go_away()
            lost = await fleet.until(
                lambda status: status["prod@tenant-07"].health == "unreachable"
            )
            good_before = fleet.repository.head()
            good = fleet.release("web", "v2")
            await fleet.until(everywhere(good, but=away))
            assert clusters["tenant-07"].image_of("web") == "registry.example/web:v1"
            assert lost["prod@tenant-07"].seconds_since_contact is not None

            # A bad one stops in the first ring.
            bad = fleet.release("web", "broken")
            await fleet.until(lambda status: status.rollout == "failed")
            assert {clusters[name].image_of("web") for name in FIRST} == {
                "registry.example/web:broken"
            }
            assert {clusters[name].image_of("web") for name in REST} == {
                "registry.example/web:v2",
                "registry.example/web:v1",
            }

            # Whoever looks from outside sees all of it, and how old the news is.
            seen = await look_at_fleet(FleetWish(str(tmp_path / "repo")))
            assert [one.member.cluster for one in seen if one.health == "unreachable"] == [
                "tenant-07"
            ]
            assert seen["prod@tenant-07"].report.delivered == good_before
            assert seen["prod@tenant-07"].seconds_since_contact is not None
            assert (seen["prod@tenant-25"].report.delivered, seen["prod@tenant-25"].drift) == (
                good,
                0,
            )

            # The one that was away comes back, and does not get what failed meanwhile.
            await clusters["tenant-07"].come_back()
            back = await fleet.until(lambda status: status["prod@tenant-07"].health == "well")
            assert back["prod@tenant-07"].held != bad

            # The fix takes over, everywhere.
            fixed = fleet.release("web", "v3")
            await fleet.until(everywhere(fixed))
            await fleet.until(lambda _: len(fleet.endings()) == 4)
            assert fleet.images() == {"registry.example/web:v3"}
            assert (LOST, "prod@tenant-07") in fleet.events()
            assert fleet.endings() == ["done", "failed", "done", "done"]

        # Another process finds everything as it is and gives nobody anything.
        async with delivered(tmp_path, clusters) as fleet:
            last = fleet.journal.last(1)[0].sequence
            await fleet.until(everywhere(fixed))
            # A cluster may be slow to answer on a busy machine; that alone is told.
            told = [entry.record for entry in fleet.journal.entries(after=last)]
            codes = {one.code if isinstance(one, Event) else type(one).__name__ for one in told}
            assert codes <= {LOST, FOUND}

    run(tmp_path, monkeypatch, test)
