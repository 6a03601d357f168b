"""Brings releases from one environment to the next by itself, where the next one says so, as soon
as every gate on the way passes: a soak that is over or a freeze that ends needs no commit."""

import asyncio

from kiban.delivery.releases import release_path, taken_back
from kiban.operations.promotion import candidates
from kiban.wiring.promoting import Judged, facts_of, judged, message_of
from kiban.wiring.release import release_line
from kiban.wiring.tending.house import House


class Promoter:
    """One of a process. `advance` may be called as often as one likes."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def advance(self) -> None:
        """Promote what may go into the environments that promote by themselves."""
        platform = self._house.platform
        for name in self._house.environments:
            into = platform.environments.get(name)
            if into is None or into.after is None or into.promotion == "manual":
                continue
            found = await asyncio.to_thread(self._judged, into.after, name)
            going = [each for each in found if each.may_go]
            if going:
                await asyncio.to_thread(self._go, into.after, name, going)

    def _judged(self, source: str, target: str) -> tuple[Judged, ...]:
        house = self._house
        wanted = candidates(house.released(source), house.released(target))
        if not wanted:
            return ()
        back = taken_back(house.repository.versions(release_path(target)))
        left = {
            service: frozenset(tag for tag in tags if (service, tag) not in house.view.lifted)
            for service, tags in back.items()
        }
        facts = facts_of(house.platform, source, house.view.entries, left=left)
        return judged(house.platform, target, wanted, facts, house.clock())

    def _go(self, source: str, target: str, going: list[Judged]) -> None:
        house = self._house
        tags = {each.candidate.service: each.candidate.tag for each in going}
        message = message_of(going, source, target)
        release_line(house.repository, target, tags, message)
        house.say(message.splitlines()[0])
