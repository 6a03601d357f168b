"""11. Rolled back with automatic delivery, promotion and image updates on: it stays rolled back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.adapters.registry.conftest import RealRegistry, run_registry
from tests.wiring.tending.conftest import Shop

from kiban.adapters.kubernetes import KubernetesCluster
from kiban.adapters.registry import Registry
from kiban.operations.gates import Measured
from kiban.primitives.problems import KibanError
from kiban.wiring.deliveries import Target, compiler_for
from kiban.wiring.tending.policies import RegistryFollower

GOOD, BAD = Measured(0.0, 1000), Measured(0.3, 1000)


class Everything:
    """A shop in which everything that is automatic is on."""

    def __init__(self, folder: Path, registry: RealRegistry) -> None:
        self.shop, self.registry = Shop(folder), registry
        self.delivered: dict[str, str] = {}
        self.image = f"shop/{folder.parent.name}"
        self.shop.write(
            "services/web.yaml",
            f"image: {registry.address}/{self.image}\nport: 8080\nhealth: /\n"
            "environments: {dev: {images: {semver: '*'}}}\n",
        )
        for environment in ("dev", "stg"):
            self.shop.write(f"releases/{environment}.yaml", "web: 1.0.0\n")
        self.shop.commit("Follow the registry")
        registry.push(self.image, "1.0.0")
        self.pass_time(3)

    def pass_time(self, minutes: int) -> None:
        """What the loops of a running Kiban do."""

        async def look() -> None:
            async with aiohttp.ClientSession() as session:
                registry = Registry(session, lambda: self.shop.now)
                await RegistryFollower(self.shop.house, registry).follow()

        for _ in range(minutes):
            self.shop.wait(61)
            self.shop.look()
            asyncio.run(look())
            for environment in ("dev", "stg"):
                self._deliver(environment)
            self.shop.turn()

    def _deliver(self, environment: str) -> None:
        """Deliver what Git wants, unless it is refused."""
        shop, head = self.shop, self.shop.repository.head()
        if self.delivered.get(environment) == head:
            return
        target = Target(KubernetesCluster.__new__(KubernetesCluster), "local")
        journal = shop.folder / ".kiban" / "journal.db"
        compile_ = compiler_for(environment, target, shop.repository, journal, lambda: shop.now)
        try:
            compile_(shop.repository.files(head))
        except KibanError:
            return
        shop.deliver(environment)
        self.delivered[environment] = head

    @property
    def runs(self) -> tuple[str, str]:
        return self.shop.released("dev"), self.shop.released("stg")


@pytest.fixture
def everything(tmp_path: Path) -> Iterator[Everything]:
    folder = tmp_path / "registry"
    folder.mkdir()
    process, address = run_registry(folder)
    found = Everything(tmp_path / "shop", RealRegistry(address))
    yield found
    found.shop.journal.close()
    process.terminate()
    process.wait()


def test_what_failed_a_gate_stays_rolled_back_while_everything_is_automatic(
    everything: Everything,
) -> None:
    everything.registry.push(everything.image, "1.1.0")
    everything.shop.figures.answer = BAD
    everything.pass_time(2)
    assert everything.runs == ("1.0.0", "1.0.0")
    commits = everything.shop.git("rev-list", "--count", "HEAD")

    everything.shop.figures.answer = GOOD
    everything.pass_time(10)

    assert everything.runs == ("1.0.0", "1.0.0")
    assert everything.shop.git("rev-list", "--count", "HEAD") == commits
    everything.registry.push(everything.image, "1.1.1")
    everything.pass_time(4)
    assert everything.runs == ("1.1.1", "1.1.1")


def test_what_a_person_reverted_with_git_stays_reverted(everything: Everything) -> None:
    everything.registry.push(everything.image, "1.1.0")
    everything.pass_time(4)
    assert everything.runs == ("1.1.0", "1.1.0")

    for environment in ("stg", "dev"):
        everything.shop.write(f"releases/{environment}.yaml", "web: 1.0.0\n")
        everything.shop.commit(f"Revert {environment}, without any of Kiban's words")
    everything.pass_time(10)

    assert everything.runs == ("1.0.0", "1.0.0")
