"""Removes what branches ran in an environment when its time is over."""

import asyncio

from kiban.primitives.instants import parse_rfc3339
from kiban.wiring.tending.house import House


class BranchKeeper:
    """One of a process. `clean` may be called as often as one likes."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def clean(self) -> None:
        """Commit the removal of every branch of our environments that has expired."""
        house = self._house
        now = house.clock()
        for (environment, branch), deploy in house.platform.branches.items():
            if environment in house.environments and parse_rfc3339(deploy.expires) <= now:
                await asyncio.to_thread(self._end, environment, branch, deploy.expires)

    def _end(self, environment: str, branch: str, expires: str) -> None:
        path = f"branches/{environment}/{branch}.yaml"
        message = f"End {branch} in {environment}\n\nIt expired at {expires}."
        # Somebody may have given it more time meanwhile.
        self._house.repository.edit(path, lambda text: "" if expires in text else text, message)
        self._house.say(message.splitlines()[0])
