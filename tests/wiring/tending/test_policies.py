"""Services that follow a real registry."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest
from tests.adapters.registry.conftest import RealRegistry, run_registry
from tests.wiring.tending.conftest import Shop

from kiban.adapters.registry import Registry
from kiban.operations.gates import Measured
from kiban.operations.promotion import LIFTED
from kiban.plans.records import Event
from kiban.wiring.tending.policies import RegistryFollower


class Following:
    """A shop whose web follows a repository of its own."""

    def __init__(self, shop: Shop, registry: RealRegistry, policy: str) -> None:
        self.shop, self.registry = shop, registry
        self.name = f"shop/{shop.folder.parent.name}"
        shop.write(
            "services/web.yaml",
            f"image: {registry.address}/{self.name}\nport: 8080\n"
            f"environments: {{dev: {{images: {policy}}}}}\n",
        )
        shop.commit("Follow the registry")
        self.tags("v1")

    def tags(self, *tags: str) -> list[str]:
        return [
            self.registry.push(self.name, tag, created=f"2026-01-01T00:00:{index:02}Z")
            for index, tag in enumerate(tags)
        ]

    def look(self, times: int = 1) -> str:
        """Ask the registry after a while; what Git says then."""

        async def look() -> None:
            async with aiohttp.ClientSession() as session:
                follower = RegistryFollower(
                    self.shop.house, Registry(session, lambda: self.shop.now)
                )
                for _ in range(times):
                    self.shop.wait(61)
                    self.shop.look()
                    await follower.follow()

        asyncio.run(look())
        return self.shop.released()


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    process, address = run_registry(tmp_path_factory.mktemp("registry"))
    yield RealRegistry(address)
    process.terminate()
    process.wait()


def test_the_newest_version_of_a_range_is_released_by_a_commit(
    shop: Shop, registry: RealRegistry
) -> None:
    following = Following(shop, registry, "{semver: ^1}")
    following.tags("1.2.0", "1.10.0", "2.0.0")

    assert following.look(times=2) == "1.10.0"
    assert shop.git("log", "-1", "--format=%s") == "Release web=1.10.0 to dev"
    assert shop.git("rev-list", "--count", "HEAD") == "3"
    assert shop.released("stg") == "v1"


def test_what_was_rolled_back_stays_back_until_something_newer_comes(
    shop: Shop, registry: RealRegistry
) -> None:
    following = Following(shop, registry, "{semver: ^1}")
    following.tags("1.1.0")
    assert following.look() == "1.1.0"

    shop.release("v1", message="Roll web back to v1 in dev")
    assert following.look(times=3) == "v1"
    shop.put(Event(LIFTED, "web", "good after all", data={"tag": "1.1.0", "who": "ada"}))
    assert following.look() == "1.1.0"
    following.tags("1.2.0")
    assert following.look() == "1.2.0"


def test_what_failed_a_gate_is_not_released_again(shop: Shop, registry: RealRegistry) -> None:
    following = Following(shop, registry, "{semver: ^1}")
    following.tags("1.1.0")
    assert following.look() == "1.1.0"
    shop.deliver()
    shop.figures.answer = Measured(0.5, 500)
    shop.turn()
    assert shop.released() == "v1"
    shop.deliver()

    assert following.look(times=3) == "v1"


def test_a_tag_that_moves_is_followed_by_its_digest(shop: Shop, registry: RealRegistry) -> None:
    following = Following(shop, registry, "{pattern: latest, order: text, pin: true}")
    (first,) = following.tags("latest")
    assert following.look(times=2) == f"latest@{first}"

    second = registry.push(following.name, "latest", created="2027-01-01T00:00:00Z")
    assert following.look(times=2) == f"latest@{second}"


def test_the_newest_by_the_time_it_was_made_is_released(shop: Shop, registry: RealRegistry) -> None:
    following = Following(shop, registry, "{pattern: 'b.*', order: created}")
    following.tags("bzz", "bxx", "bab")

    assert following.look() == "bab"


def test_a_registry_that_is_away_stops_nothing(shop: Shop, tmp_path: Path) -> None:
    shop.write("services/web.yaml", "image: 127.0.0.1:1/web\nport: 8080\nimages: {semver: '*'}\n")
    shop.commit("Follow nothing")
    following = Following.__new__(Following)
    following.shop = shop

    assert following.look() == "v1"
    assert "cannot follow its registry" in shop.said[-1]
