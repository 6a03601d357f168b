"""The loop in which releases are tended. What goes wrong on the way is said and tried again: a
repository or a database that is away for a while stops nothing for good."""

import asyncio
from collections.abc import Awaitable, Callable

from kiban.adapters.registry import Registry
from kiban.primitives.problems import KibanError
from kiban.wiring.tending.branches import BranchKeeper
from kiban.wiring.tending.gates import Gatekeeper
from kiban.wiring.tending.house import House
from kiban.wiring.tending.policies import RegistryFollower
from kiban.wiring.tending.promotions import Promoter

TURN_SECONDS = 1.0
# After a fault.
REST_SECONDS = 15.0


async def tend(house: House, registry: Registry) -> None:
    """Tend the releases of a house until cancelled."""
    follower = RegistryFollower(house, registry)
    keeper, promoter, branches = Gatekeeper(house), Promoter(house), BranchKeeper(house)
    acts: list[Callable[[], Awaitable[None]]] = [
        keeper.ask,
        keeper.give_up,
        keeper.take_back,
        promoter.advance,
        branches.clean,
        follower.follow,
    ]
    said = ""
    while True:
        fault = ""
        house.expire()
        for act in acts:
            try:
                # Each sees what the last one wrote.
                await asyncio.to_thread(house.refresh)
                await act()
            except KibanError as error:
                fault = str(error)
        if fault and fault != said:
            house.say(fault)
        said = fault
        await asyncio.sleep(REST_SECONDS if fault else TURN_SECONDS)
