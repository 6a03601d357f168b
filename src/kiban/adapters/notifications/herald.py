"""Reads the journal as it grows, and tells each notice to whoever asks for it: at least once, in
order, each receiver at its own pace.

How far a receiver is stands in the journal, so a restart neither loses nor repeats more than the
one message that was under way, which carries the same key again. Of all the processes that share
a journal one tells. Delivery never waits for any of this.
"""

import asyncio
import os
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

from kiban.adapters.delivery_driver import has_ended
from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.notifications.letters import Letter, NotNow, TurnedDown, sent
from kiban.plans.plan import Lease
from kiban.plans.records import Event
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import KibanError
from kiban.spec.notifications import Notification
from kiban.telemetry.notices import (
    Notice,
    Notices,
    as_data,
    is_wanted,
    key_of_notice,
    text_of,
    words_of,
)

TOLD, REFUSED, FAILING = "notification/told", "notification/refused", "notification/failing"
POLL_SECONDS = 1.0
LEASE_SECONDS = 15.0
# Pauses after a failure, doubled each time.
RETRY_SECONDS = 1.0
RETRY_LIMIT_SECONDS = 300.0
# How far back is read to know what was told of what still goes on.
REMEMBERED_SECONDS = 30 * 86_400.0
PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Settings:
    """Who is told what, as a commit says it; `teams` are the owners of services."""

    platform: str
    notifications: Mapping[str, Notification] = field(default_factory=dict)
    teams: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Receiver:
    """One notification of platform.yaml: what it still has to get."""

    name: str
    by: Notification
    position: int
    waiting: deque[Notice] = field(default_factory=deque)
    news: asyncio.Event = field(default_factory=asyncio.Event)
    failures: int = 0

    @property
    def subject(self) -> str:
        return subject_of(self.name)


def subject_of(name: str) -> str:
    """What a notification is called in the journal."""
    return f"notification/{name}"


class Herald:
    """Tells until `run` is cancelled. `holder` names this process in the lease."""

    def __init__(
        self,
        journal: Journal,
        settings: Settings,
        holder: str,
        *,
        environment: Mapping[str, str] | None = None,
        poll_seconds: float = POLL_SECONDS,
        retry_seconds: float = RETRY_SECONDS,
    ) -> None:
        self._journal, self._settings, self._holder = journal, settings, holder
        self._environment = os.environ if environment is None else environment
        self._poll_seconds, self._retry_seconds = poll_seconds, retry_seconds
        self._lease: Lease | None = None
        self._changed = False

    def configure(self, settings: Settings) -> None:
        """Another commit says who is told what; holds from the next notice on."""
        self._changed = self._changed or settings != self._settings
        self._settings = settings

    async def run(self) -> None:
        """Tell, whenever this process is the one to do it."""
        while True:
            try:
                if self._settings.notifications and await self._is_on_duty():
                    await self._tell()
                    continue
            except KibanError:
                # Another process has the lease, or the journal is away; both may change.
                self._lease = None
            await asyncio.sleep(self._poll_seconds)

    async def _is_on_duty(self) -> bool:
        self._lease = await asyncio.to_thread(self._take)
        return self._lease is not None

    async def _tell(self) -> None:
        """Until the settings change. Raises `KibanError` when the lease was lost."""
        self._changed = False
        notices, receivers = Notices(), await self._receivers()
        tasks = [asyncio.create_task(self._serve(receiver)) for receiver in receivers]
        try:
            since = later(wall_clock(), -REMEMBERED_SECONDS)
            read = await self._read(notices, receivers, 0, since)
            renewed = wall_clock()
            while not self._changed:
                if later(renewed, LEASE_SECONDS / 3) <= wall_clock():
                    renewed = wall_clock()
                    if not await self._is_on_duty():
                        return
                read = await self._read(notices, receivers, read, None)
                for task in tasks:
                    if task.done():
                        task.result()
                await asyncio.sleep(self._poll_seconds)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _receivers(self) -> list[Receiver]:
        found = []
        for name, by in sorted(self._settings.notifications.items()):
            position = await asyncio.to_thread(position_of, self._journal, name)
            if position is None:
                # A new one is told what happens from now on.
                position = await asyncio.to_thread(self._journal.newest)
                await self._note(name, TOLD, "is told from here on", position)
            found.append(Receiver(name, by, position))
        return found

    async def _read(
        self, notices: Notices, receivers: list[Receiver], after: int, since: Instant | None
    ) -> int:
        """Hand out what is new in the journal; how far it was read."""
        newest = await asyncio.to_thread(self._journal.newest)
        while after < newest:
            read = partial(self._journal.entries, after=after, since=since, limit=PAGE)
            page = await asyncio.to_thread(read)
            if not page:
                return newest
            for entry in page:
                notice = notices.take(entry)
                if notice is not None:
                    self._hand_out(notice, receivers)
            after = page[-1].sequence
        return after

    def _hand_out(self, notice: Notice, receivers: list[Receiver]) -> None:
        for receiver in receivers:
            is_new = notice.sequence > receiver.position
            if is_new and is_wanted(notice, receiver.by, self._settings.teams):
                receiver.waiting.append(notice)
                receiver.news.set()

    async def _serve(self, receiver: Receiver) -> None:
        """Send what waits, the oldest first; after a failure the same again."""
        while True:
            while not receiver.waiting:
                receiver.news.clear()
                await receiver.news.wait()
            notice = receiver.waiting[0]
            try:
                await sent(self._letter(notice, receiver), receiver.by, self._environment)
                await self._note(receiver.name, TOLD, notice.text, notice.sequence)
            except TurnedDown as error:
                message = f"{error}: {notice.text}"
                await self._note(receiver.name, REFUSED, message, notice.sequence)
            except NotNow as error:
                await self._failed(receiver, str(error))
                continue
            receiver.waiting.popleft()
            receiver.position, receiver.failures = notice.sequence, 0

    async def _failed(self, receiver: Receiver, why: str) -> None:
        if not receiver.failures:
            event = Event(FAILING, receiver.subject, f"{why}; it is tried again")
            await self._journal.append([event], wall_clock(), self._lease)
        doubled = self._retry_seconds * 2 ** min(receiver.failures, 16)
        receiver.failures += 1
        await asyncio.sleep(min(RETRY_LIMIT_SECONDS, doubled))

    async def _note(self, name: str, code: str, message: str, after: int) -> None:
        event = Event(code, subject_of(name), message, data={"after": after})
        await self._journal.append([event], wall_clock(), self._lease)

    def _letter(self, notice: Notice, receiver: Receiver) -> Letter:
        settings = self._settings
        key = key_of_notice(notice, settings.platform, receiver.name)
        text = text_of(notice, receiver.by, settings.platform, settings.teams)
        words = words_of(notice, settings.platform, settings.teams)
        return Letter(key, notice.kind, text, as_data(notice, key, text, words))

    def _take(self) -> Lease | None:
        name = f"{self._settings.platform}/notifications"
        lease = self._journal.take(name, self._holder, wall_clock(), LEASE_SECONDS)
        if lease is None and has_ended(other := self._journal.holder_of(name)):
            lease = self._journal.take(
                name, self._holder, wall_clock(), LEASE_SECONDS, instead_of=other
            )
        return lease


def position_of(journal: JournalReader, name: str) -> int | None:
    """The last entry that a notification was told of, or refused; None for a new one."""
    for entry in reversed(journal.last(PAGE, subject=subject_of(name), kind="event")):
        record = entry.record
        if isinstance(record, Event) and record.code in (TOLD, REFUSED):
            return int(record.data["after"])
    return None
