"""Notifications while the engine runs, and `kiban notifications`: who is told, how far they are,
and a message to try one."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from kiban.adapters.delivery_driver import DeliveryDriver
from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.notifications import Herald, Letter, NotNow, Settings, TurnedDown, sent
from kiban.adapters.notifications.herald import FAILING, position_of, subject_of
from kiban.plans.records import Event
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec import Platform, load_platform
from kiban.spec.notifications import Notification
from kiban.telemetry.notices import Notice, as_data, text_of, words_of
from kiban.wiring.repository import home_of, platform_here

# How often at most a new commit is looked at for who is told.
PAUSE_SECONDS = 5.0


async def tell_people(
    journal: Journal, repository: GitRepository, commits: AsyncIterator[str]
) -> None:
    """Tell what the journal says, as the newest good one of the commits has it, until
    cancelled."""
    herald = Herald(journal, Settings(""), f"{socket.gethostname()}/{os.getpid()}")
    await asyncio.gather(herald.run(), _follow(herald, repository, commits))


async def commits_seen_by(driver: DeliveryDriver) -> AsyncIterator[str]:
    """The commits that a driver is told of; nothing is asked of Git for them."""
    known = ""
    async for status in driver.changes(PAUSE_SECONDS):
        if status.newest is not None and status.newest.id != known:
            known = status.newest.id
            yield known


async def _follow(herald: Herald, repository: GitRepository, commits: AsyncIterator[str]) -> None:
    async for commit in commits:
        # A commit that is no good changes nothing.
        with suppress(KibanError):
            files = await asyncio.to_thread(repository.files, commit)
            herald.configure(settings_of(await asyncio.to_thread(load_platform, files)))


def settings_of(platform: Platform) -> Settings:
    """Who is told what, and who owns which service."""
    teams = {
        name: service.team
        for services in platform.services.values()
        for name, service in services.items()
        if service.team
    }
    return Settings(platform.name, platform.spec.notifications, teams)


@dataclass(frozen=True, slots=True)
class Standing:
    """One notification as the journal knows it. `trouble` is why its last message is still
    waiting, if one is."""

    name: str
    way: str
    to: str
    told: Instant | None
    trouble: str


def standings() -> list[Standing]:
    """Every notification of the platform here."""
    reader = JournalReader(home_of().state.journal)
    found = []
    for name, by in sorted(platform_here().spec.notifications.items()):
        entries = reader.last(1, subject=subject_of(name), kind="event")
        last = entries[0] if entries else None
        event = last.record if last and isinstance(last.record, Event) else None
        trouble = event.message if event and event.code == FAILING else ""
        told = last.at if last and position_of(reader, name) is not None else None
        found.append(Standing(name, *_way(by), told, trouble))
    return found


def tried(name: str) -> None:
    """Send a message that says it is a test. Raises `KibanError` when it is not taken."""
    settings = settings_of(platform_here())
    by = settings.notifications.get(name)
    if by is None:
        known = ", ".join(sorted(settings.notifications)) or "none"
        what = f"There is no notification {name}; there is {known}."
        raise KibanError(Problem("notification/unknown", what, Place("platform.yaml")), Exit.USAGE)
    notice = Notice("delivered", 0, wall_clock(), f"This is a test of {name} by Kiban.")
    text = text_of(notice, by, settings.platform, settings.teams)
    words = words_of(notice, settings.platform, settings.teams)
    key = f"{settings.platform}-{name}-test-{notice.at}"
    letter = Letter(key, "test", text, {**as_data(notice, key, text, words), "kind": "test"})
    try:
        asyncio.run(sent(letter, by, os.environ))
    except (NotNow, TurnedDown) as error:
        way, to = _way(by)
        problem = Problem("notification/not-taken", f"{way} to {to}: {error}.", Place(thing=name))
        raise KibanError(problem, Exit.WORLD_FAILED) from error


def _way(by: Notification) -> tuple[str, str]:
    if by.email is not None:
        return "e-mail", ", ".join(by.email.to)
    if by.slack is not None:
        return "Slack", f"${by.slack}"
    return "webhook", by.webhook or ""
