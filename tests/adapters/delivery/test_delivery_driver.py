"""From a Git commit to a converged cluster: real Git, a real journal, a real API server."""

import asyncio
import os
import socket
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import yaml
from delivery_world import SCOPE, bundle, deployment
from served import served

from kiban.adapters.delivery_driver import DeliveryDriver, follow_repository, now
from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.journal import Journal
from kiban.adapters.kubernetes import Access, KubernetesCluster
from kiban.compiler.bundle import Bundle, SecretNeed
from kiban.delivery.releases import with_release
from kiban.delivery.status import DeliveryStatus
from kiban.kube.objects import Key
from kiban.plans.records import Event
from kiban.primitives.problems import KibanError, Problem

NEED = SecretNeed("arcade-dev", "db-app", "db", ("password",))


def compile_(files: Mapping[str, str]) -> Bundle:
    """Stands in for the compiler: a service per line of the release file, `web` uses `db`."""
    releases = yaml.safe_load(files["releases/dev.yaml"])
    if not isinstance(releases, dict):
        raise KibanError(Problem("spec/not-a-map", "releases/dev.yaml is not a map."))
    needs = {"web": {"db"}} if "db" in releases else {}
    secrets = (NEED,) if "db" in releases else ()
    return bundle({name: f"{name}:{tag}" for name, tag in releases.items()}, needs, secrets)


@dataclass
class Platform:
    repository: GitRepository
    cluster: KubernetesCluster
    driver: DeliveryDriver
    journal: Journal

    async def until(self, wanted: Callable[[DeliveryStatus], bool]) -> DeliveryStatus:
        async for status in self.driver.changes():
            if wanted(status):
                return status
        raise AssertionError("the driver ended")

    async def ready_at(self, commit: str) -> DeliveryStatus:
        return await self.until(lambda status: status.is_ready and status.delivered == commit)

    def release(self, service: str, tag: str) -> str:
        return self.repository.edit(
            "releases/dev.yaml", lambda text: with_release(text, service, tag), f"{service} {tag}"
        )

    def events(self) -> list[str]:
        records = (entry.record for entry in self.journal.entries())
        return [record.code for record in records if isinstance(record, Event)]


@pytest.fixture(autouse=True)
def _identity(monkeypatch: pytest.MonkeyPatch) -> None:
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "Ada")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)


def make_repository(folder: Path) -> GitRepository:
    (folder / "releases").mkdir(parents=True)
    (folder / "releases/dev.yaml").write_text("web: v1  # the front\ndb: v1\nold: v1\n")
    commands = (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "first"])
    for command in commands:
        subprocess.run(["git", *command], cwd=folder, check=True)
    return open_repository(str(folder), folder.parent)


@asynccontextmanager
async def platform(
    folder: Path, cluster: KubernetesCluster, repository: GitRepository
) -> AsyncIterator[Platform]:
    journal = Journal(folder / "journal.db")
    driver = DeliveryDriver(SCOPE, cluster, journal, holder="test", makes_secrets=True)
    tasks = [
        asyncio.create_task(driver.run()),
        asyncio.create_task(follow_repository(repository, [(driver, compile_)])),
    ]
    try:
        yield Platform(repository, cluster, driver, journal)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        journal.close()


def run(folder: Path, test: Callable[[Platform], Awaitable[None]]) -> None:
    async def inside() -> None:
        repository = make_repository(folder / "repo")
        async with (
            served(folder) as cluster,
            platform(folder, cluster, repository) as whole,
            asyncio.timeout(30),
        ):
            await test(whole)

    asyncio.run(inside())


def test_a_commit_becomes_a_converged_cluster_and_the_next_one_changes_it(tmp_path: Path) -> None:
    async def test(whole: Platform) -> None:
        await whole.ready_at(whole.repository.head())
        secret = await whole.cluster.get(Key("", "Secret", "arcade-dev", "db-app"))
        assert secret is not None
        password = secret["data"]["password"]
        assert password not in (tmp_path / "journal.db").read_bytes().decode(errors="replace")
        commit = whole.release("web", "v2")
        await whole.ready_at(commit)
        web = await whole.cluster.get(deployment("web"))
        assert web is not None
        assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v2"
        kept = await whole.cluster.get(Key("", "Secret", "arcade-dev", "db-app"))
        assert kept is not None
        assert kept["data"]["password"] == password
        assert "web: v2  # the front" in (tmp_path / "repo/releases/dev.yaml").read_text()

    run(tmp_path, test)


def test_what_people_change_by_hand_is_healed(tmp_path: Path) -> None:
    async def test(whole: Platform) -> None:
        await whole.ready_at(whole.repository.head())
        await whole.cluster.patch(deployment("web"), {"spec": {"replicas": 7}}, subresource="scale")
        async with asyncio.timeout(10):
            while (await whole.cluster.get(deployment("web")) or {})["spec"]["replicas"] != 1:
                await asyncio.sleep(0.02)
        await whole.until(lambda status: status.is_ready)
        await whole.cluster.delete(deployment("old"))
        async with asyncio.timeout(10):
            while await whole.cluster.get(deployment("old")) is None:
                await asyncio.sleep(0.02)
        await whole.until(lambda status: status.is_ready)
        assert whole.events().count("delivery/drift") == 2

    run(tmp_path, test)


def test_a_removed_service_is_pruned_after_the_rest_is_well(tmp_path: Path) -> None:
    async def test(whole: Platform) -> None:
        await whole.ready_at(whole.repository.head())
        commit = whole.repository.edit(
            "releases/dev.yaml", lambda text: text.replace("old: v1\n", "new: v1\n"), "replace"
        )
        await whole.ready_at(commit)
        assert await whole.cluster.get(deployment("old")) is None
        assert await whole.cluster.get(deployment("new")) is not None

    run(tmp_path, test)


def test_a_broken_commit_leaves_the_last_good_state_and_says_why(tmp_path: Path) -> None:
    async def test(whole: Platform) -> None:
        good = whole.repository.head()
        await whole.ready_at(good)
        whole.repository.edit("releases/dev.yaml", lambda text: "just words\n", "oops")
        status = await whole.until(lambda status: bool(status.problems))
        assert [problem.code for problem in status.problems] == ["spec/not-a-map"]
        assert (status.phase, status.delivered) == ("synced", good)
        fixed = whole.repository.edit(
            "releases/dev.yaml", lambda text: "web: v3\ndb: v1\nold: v1\n", "fix"
        )
        status = await whole.ready_at(fixed)
        assert status.problems == ()

    run(tmp_path, test)


def test_a_bad_release_holds_up_what_uses_it_until_the_fixing_commit_takes_over(
    tmp_path: Path,
) -> None:
    async def test(whole: Platform) -> None:
        await whole.ready_at(whole.repository.head())
        text = "web: v2\ndb: broken\nold: v1\n"
        whole.repository.edit("releases/dev.yaml", lambda _: text, "bad")
        await whole.until(
            lambda status: any(
                (service.name, service.status) == ("db", "Progressing")
                for service in status.services
            )
        )
        web = await whole.cluster.get(deployment("web"))
        assert web is not None
        assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "web:v1"
        fixed = whole.release("db", "v3")
        await whole.ready_at(fixed)

    run(tmp_path, test)


def test_a_new_process_goes_on_and_asks_for_nothing_that_is_as_wanted(tmp_path: Path) -> None:
    async def inside() -> None:
        repository = make_repository(tmp_path / "repo")
        async with served(tmp_path) as cluster, asyncio.timeout(30):
            async with platform(tmp_path, cluster, repository) as first:
                await first.ready_at(repository.head())
            before = await cluster.get(deployment("web"))
            async with platform(tmp_path, cluster, repository) as second:
                written = len(second.journal.entries())
                await second.ready_at(repository.head())
                assert len(second.journal.entries()) == written
            assert await cluster.get(deployment("web")) == before

    asyncio.run(inside())


def test_a_new_process_that_meets_a_broken_commit_keeps_the_last_good_one_alive(
    tmp_path: Path,
) -> None:
    async def inside() -> None:
        repository = make_repository(tmp_path / "repo")
        async with served(tmp_path) as cluster, asyncio.timeout(30):
            async with platform(tmp_path, cluster, repository) as first:
                await first.ready_at(repository.head())
                good = repository.head()
            repository.edit("releases/dev.yaml", lambda text: "just words\n", "oops")
            await cluster.delete(deployment("web"))
            async with platform(tmp_path, cluster, repository) as second:
                status = await second.until(
                    lambda status: status.phase == "synced" and bool(status.problems)
                )
                assert status.delivered == good
                assert await cluster.get(deployment("web")) is not None

    asyncio.run(inside())


def test_the_lease_of_a_killed_process_is_taken_over_at_once(tmp_path: Path) -> None:
    async def test(whole: Platform) -> None:
        dead = subprocess.Popen(["true"])
        dead.wait()
        scope = replace(SCOPE, environment="stg")
        taken = whole.journal.take(scope.subject, f"{socket.gethostname()}/{dead.pid}", now(), 60)
        assert taken is not None
        driver = DeliveryDriver(scope, whole.cluster, whole.journal, holder="next")
        running = asyncio.create_task(driver.run())
        await asyncio.sleep(0)
        assert whole.journal.holder_of(scope.subject) == "next"
        assert not running.done()
        running.cancel()

    run(tmp_path, test)


def test_a_cluster_that_cannot_be_reached_is_said(tmp_path: Path) -> None:
    async def inside() -> None:
        repository = make_repository(tmp_path / "repo")
        async with (
            asyncio.timeout(20),
            KubernetesCluster(Access("http://127.0.0.1:9")) as nowhere,
            platform(tmp_path, nowhere, repository) as whole,
        ):
            status = await whole.until(lambda status: bool(status.problems))
            assert [problem.code for problem in status.problems] == ["delivery/cluster-unreachable"]
            assert status.phase == "waiting"

    asyncio.run(inside())


def test_two_processes_never_deliver_one_environment(tmp_path: Path) -> None:
    async def test(whole: Platform) -> None:
        await whole.ready_at(whole.repository.head())
        other = DeliveryDriver(SCOPE, whole.cluster, whole.journal, holder="other")
        with pytest.raises(KibanError, match="delivers arcade/dev@local already: test"):
            await other.run()

    run(tmp_path, test)
