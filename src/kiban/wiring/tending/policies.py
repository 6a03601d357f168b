"""Follows registries for services whose policy says so: what is newer is released by a commit, as
a pipeline would. What was taken back in Git, or is quarantined, is not released again."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from kiban.adapters.registry import Registry, RegistryFault, Repository, repository_of
from kiban.delivery.releases import left_behind, release_path, released, with_release
from kiban.operations.image_policy import Known, choice, fitting, plain_tag
from kiban.primitives.instants import Instant, later
from kiban.spec.gates import ImagePolicy
from kiban.wiring.tending.house import House

# Images whose making is asked for, the last by name: each costs some calls once.
MOST_CREATED = 50


@dataclass(frozen=True, slots=True)
class Followed:
    """A service that follows its registry in an environment."""

    environment: str
    service: str
    policy: ImagePolicy
    repository: Repository


class RegistryFollower:
    """One of a process. `follow` may be called as often as one likes."""

    def __init__(self, house: House, registry: Registry) -> None:
        self._house, self._registry = house, registry
        self._asked: dict[tuple[str, str], Instant] = {}
        self._followed: list[Followed] = []
        self._of = ""

    async def follow(self) -> None:
        """Ask about the services whose time has come, those that waited longest first; commit
        what is newer."""
        now = self._house.clock()
        for each in sorted(self._due(now), key=self._last):
            try:
                await self._look(each)
            except RegistryFault as fault:
                if fault.is_busy:
                    continue
                self._house.say(f"{each.service} cannot follow its registry: {fault}")
            self._asked[each.environment, each.service] = now

    def _due(self, now: Instant) -> list[Followed]:
        if self._of != self._house.head:
            self._of = self._house.head
            self._followed = [
                each
                for environment in self._house.environments
                for each in followed_in(self._house, environment)
            ]
        return [
            each for each in self._followed if now >= later(self._last(each), each.policy.interval)
        ]

    def _last(self, each: Followed) -> Instant:
        return self._asked.get((each.environment, each.service), Instant(0))

    async def _look(self, each: Followed) -> None:
        tags = await self._registry.tags(each.repository)
        created = await self._created(each, tags)
        current = self._house.released(each.environment).get(each.service, "")
        known = Known(tags, current, created=created)
        if not choice(each.policy, known) and not each.policy.pin:
            return
        known = replace(known, barred=await asyncio.to_thread(self._barred, each))
        if wanted := await self._wanted(each, known):
            await asyncio.to_thread(self._release, each, current, wanted)

    async def _wanted(self, each: Followed, known: Known) -> str:
        """The release to make, or an empty string: a newer tag, or a new meaning of the one that
        is pinned."""
        tag = choice(each.policy, known)
        if not each.policy.pin:
            return tag
        now = plain_tag(known.current)
        if not tag and now in fitting(each.policy, known.tags):
            tag = now
        if not tag:
            return ""
        pinned = f"{tag}@{await self._registry.digest(each.repository, tag)}"
        return "" if pinned == known.current or pinned in known.barred else pinned

    async def _created(self, each: Followed, tags: Sequence[str]) -> dict[str, Instant]:
        if each.policy.order != "created" or each.policy.semver is not None:
            return {}
        found = {}
        for tag in fitting(each.policy, tags)[-MOST_CREATED:]:
            at = await self._registry.created(each.repository, tag)
            if at is not None:
                found[tag] = at
        return found

    def _barred(self, each: Followed) -> frozenset[str]:
        """Releases that must not come again: quarantined, or left by Git and not lifted since."""
        house, service = self._house, each.service
        texts = house.repository.versions(release_path(each.environment))
        left = left_behind(texts).get(service, frozenset())
        gone = [tag for tag in left if (service, tag) not in house.view.lifted]
        held = [tag for name, tag in house.view.quarantines if name == service]
        return frozenset([*gone, *held, *map(plain_tag, gone), *map(plain_tag, held)])

    def _release(self, each: Followed, current: str, tag: str) -> None:
        """Commit it, unless somebody has released something else meanwhile."""
        path = release_path(each.environment)
        said = False

        def change(text: str) -> str:
            nonlocal said
            said = released(text).get(each.service, "") == current
            return with_release(text, each.service, tag, path=path) if said else text

        rule = each.policy.semver or each.policy.pattern
        message = (
            f"Release {each.service}={tag} to {each.environment}\n\n"
            f"The newest of {rule} in {each.repository.host}/{each.repository.name}."
        )
        self._house.repository.edit(path, change, message)
        if said:
            self._house.say(message.splitlines()[0])


def followed_in(house: House, environment: str) -> list[Followed]:
    """The services of an environment that follow their registries."""
    return [
        Followed(environment, name, service.images, repository_of(service.image))
        for name, service in house.platform.services.get(environment, {}).items()
        if service.images is not None and service.image is not None
    ]
