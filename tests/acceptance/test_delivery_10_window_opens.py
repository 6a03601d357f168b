"""10. A freeze ends: what waited for it starts by itself."""

from pathlib import Path

from tests.wiring.tending.conftest import PLATFORM, Shop

FROZEN = """\
  stg:
    after: dev
    promotion: automatic
    freeze:
      weekend: {start: "0 18 * * FRI", duration: 62h, timezone: Asia/Tokyo}
"""
HOUR = 3600.0


def test_a_promotion_that_waits_for_a_freeze_starts_when_it_ends(tmp_path: Path) -> None:
    platform = PLATFORM.replace("  stg: {after: dev, promotion: automatic}\n", FROZEN)
    shop = Shop(tmp_path / "shop", platform)
    shop.deliver("dev")
    shop.deliver("stg")
    # Friday, 12:00 in UTC is 21:00 in Tokyo: three hours into the freeze.
    shop.release("v2")
    shop.deliver("dev")
    head = shop.git("rev-parse", "HEAD")
    for _ in range(58):
        shop.wait(HOUR)
        shop.turn()
    assert shop.git("rev-parse", "HEAD") == head

    # Monday, 08:00 in Tokyo; nobody does anything.
    shop.wait(HOUR)
    shop.turn()

    assert shop.released("stg") == "v2"
    assert "freeze weekend: it is not now" in shop.git("log", "-1", "--format=%B")
    shop.journal.close()
