"""What branches run ends when its time is over."""

import asyncio

from tests.wiring.tending.conftest import Shop

from kiban.wiring.tending.branches import BranchKeeper

PATH = "branches/dev/feature-x.yaml"


def test_a_branch_that_has_expired_is_removed_from_git(shop: Shop) -> None:
    shop.write(PATH, "expires: 2026-11-20T13:00:00Z\nreleases: {web: v9}\n")
    shop.commit("Try something")
    keeper = BranchKeeper(shop.house)

    def clean() -> bool:
        shop.look()
        asyncio.run(keeper.clean())
        return (shop.folder / PATH).exists()

    assert clean()
    shop.wait(3600)
    assert not clean()
    assert shop.git("log", "-1", "--format=%s") == "End feature-x in dev"
    assert shop.git("status", "--short") == ""
    assert not (shop.folder / "branches").exists()
    assert not clean()
