"""The loop of tending, and the branch that is looked at again."""

import asyncio
from contextlib import suppress

import aiohttp
from tests.wiring.tending.conftest import PLATFORM, Shop

from kiban.adapters.registry import Registry
from kiban.operations.gates import Measured
from kiban.operations.promotion import LIFTED
from kiban.plans.records import Event
from kiban.wiring.tending.running import heads
from kiban.wiring.tending.tend import tend

PATIENCE_SECONDS = 30.0


def test_a_lifted_quarantine_gives_the_same_head_again(shop: Shop) -> None:
    async def follow() -> list[str]:
        found: list[str] = []
        async for head in heads(shop.repository, shop.journal):
            found.append(head)
            if len(found) == 2:
                return found
            shop.put(Event(LIFTED, "web", "why", data={"tag": "v2", "who": "ada"}))
        return found

    first, again = asyncio.run(asyncio.wait_for(follow(), PATIENCE_SECONDS))

    assert first == again == shop.git("rev-parse", "HEAD")


def test_the_loop_takes_back_what_fails_by_itself(shop: Shop) -> None:
    shop.wait(100)
    shop.release("v2")
    shop.deliver()
    shop.figures.answer = Measured(0.5, 1000)

    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            tending = asyncio.create_task(tend(shop.house, Registry(session, lambda: shop.now)))
            async with asyncio.timeout(PATIENCE_SECONDS):
                while shop.released() != "v1":
                    await asyncio.sleep(0.05)
            tending.cancel()
            with suppress(asyncio.CancelledError):
                await tending

    asyncio.run(run())

    assert shop.git("log", "-1", "--format=%s") == "Roll web back to v1 in dev"


def test_a_platform_that_cannot_be_read_is_tended_as_it_was(shop: Shop) -> None:
    shop.write("platform.yaml", PLATFORM + "nonsense: true\n")
    shop.release("v2")
    shop.commit("Break it")
    shop.deliver()
    shop.figures.answer = Measured(0.5, 1000)
    shop.turn()

    assert shop.released() == "v1"


def test_a_mended_platform_is_taken_in(shop: Shop) -> None:
    shop.write("platform.yaml", PLATFORM.replace("1%", "90%") + "nonsense: true\n")
    shop.commit("Break it")
    shop.look()
    shop.write("platform.yaml", PLATFORM.replace("1%", "90%"))
    shop.commit("Mend it")
    shop.look()

    assert shop.house.platform.environments["dev"].gates["errors"].at_most == 0.9
