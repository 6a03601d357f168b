"""Brings releases from one environment to the next by itself, where the next one says so, as soon
as every gate on the way passes: a soak that is over or a freeze that ends needs no commit."""

import asyncio

from kiban.delivery.releases import release_path, taken_back
from kiban.operations.promotion import PROPOSED, Facts, candidates, proposed
from kiban.plans.records import Event
from kiban.wiring.promoting import Judged, facts_of, judged, message_of
from kiban.wiring.proposing import push_promotion, request
from kiban.wiring.release import release_line
from kiban.wiring.tending.house import House


class Promoter:
    """One of a process. `advance` may be called as often as one likes."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._known: dict[tuple[str, str], tuple[object, Facts]] = {}

    async def advance(self) -> None:
        """Promote what may go into the environments that promote by themselves."""
        platform = self._house.platform
        for name in self._house.environments:
            into = platform.environments.get(name)
            if into is None or into.after is None or into.promotion == "manual":
                continue
            found = await asyncio.to_thread(self._judged, into.after, name)
            going = [each for each in found if each.may_go]
            if going and into.promotion == "pull-request":
                await self._propose(into.after, name, going)
            elif going:
                await asyncio.to_thread(self._go, into.after, name, going)

    def _judged(self, source: str, target: str) -> tuple[Judged, ...]:
        house = self._house
        wanted = candidates(house.released(source), house.released(target))
        if not wanted:
            return ()
        facts = self._facts(source, target)
        return judged(house.platform, target, wanted, facts, house.clock())

    def _facts(self, source: str, target: str) -> Facts:
        """What the gates look at; only the time changes without Git and the journal."""
        house = self._house
        of, facts = self._known.get((source, target), (None, None))
        if facts is None or of != house.version:
            back = taken_back(house.repository.versions(release_path(target)))
            left = {
                service: frozenset(tag for tag in tags if (service, tag) not in house.view.lifted)
                for service, tags in back.items()
            }
            facts = facts_of(house.platform, source, house.view.entries, left=left)
            self._known[source, target] = (house.version, facts)
        return facts

    def _go(self, source: str, target: str, going: list[Judged]) -> None:
        house = self._house
        tags = {each.candidate.service: each.candidate.tag for each in going}
        message = message_of(going, source, target)
        release_line(house.repository, target, tags, message)
        house.say(message.splitlines()[0])

    async def _propose(self, source: str, target: str, going: list[Judged]) -> None:
        """Ask people by a pull request, once for the same releases: one that was closed is a no."""
        house = self._house
        tags = {each.candidate.service: each.candidate.tag for each in going}
        if proposed(house.view.entries).get(target) == tags:
            return
        message = message_of(going, source, target)
        pushed = await asyncio.to_thread(push_promotion, house.repository, target, tags, message)
        if pushed is None:
            return
        found = await request(pushed, message)
        words = f"{message.splitlines()[0]}: {found.words}"
        data = {"releases": tags, "commit": found.commit, "url": found.url, "who": "kiban"}
        await house.write([Event(PROPOSED, target, words, data=data)])
        house.say(words)
