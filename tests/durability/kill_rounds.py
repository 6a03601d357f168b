"""`kill -9` of a whole cluster under write load, again and again: nothing acknowledged is lost.

    python -m tests.durability.kill_rounds --rounds 1000

Each round starts the cluster (often killing it while it starts), compares every object with what
its writer was promised, loads it from several clients, sometimes while a backup is taken, and
kills it. The store is made to fold its log into its file many times in a round, so that kills meet
that too. It ends on the first difference, and leaves the cluster's directory for whoever looks.
"""

import argparse
import asyncio
import json
import random
import ssl
import sys
import tempfile
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

import aiohttp
from tests.durability.deployment import Scaler
from tests.durability.serving import Plant, Process, Reached, kill, start_backup
from tests.durability.writers import PATH, SELECTOR, Object, Writer, version

from kiban.adapters.store_backup import checked

WRITERS, KEYS = 6, 3
# A load ends after so many acknowledged writes, or so many seconds, and a little later.
WRITES, LOAD_SECONDS, LATER_SECONDS = 120, 0.8, (0.0, 0.02)
# About as long as a start takes, so that every part of it is met.
START_SECONDS = (0.0, 0.25)
SMALL, LARGE = 300, 100_000
EVENTS, TIDY_ROUNDS = "/api/v1/namespaces/default/events", 10
CHECKPOINT_PAGES = (30, 200, 4000)


@dataclass
class Tally:
    """What a run of rounds did."""

    rounds: int = 0
    kills: int = 0
    kills_in_start: int = 0
    backups: int = 0
    backups_whole: int = 0
    resumed: int = 0
    expired: int = 0
    acknowledged: int = 0
    started: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        seconds = time.monotonic() - self.started
        return (
            f"{self.rounds} rounds, {self.kills} kills ({self.kills_in_start} during start-up), "
            f"{self.backups} backups cut ({self.backups_whole} whole), "
            f"{self.resumed} watches went on and {self.expired} began anew, "
            f"{self.acknowledged} writes acknowledged, 0 lost, {seconds:.0f} s"
        )


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup under way, and the revision that it must reach."""

    process: BaseProcess
    file: Path
    least: int


class Rounds:
    """A cluster in a directory, its writers, and dice that decide when it dies."""

    def __init__(self, directory: Path, seed: int, plant: Plant = None) -> None:
        self._directory, self._plant = directory, plant
        self._dice = random.Random(seed)
        self._writers = [Writer(f"w{n}", f"{seed}/{n}", KEYS) for n in range(WRITERS)]
        self._scaler = Scaler(f"{seed}/scaler")
        self._reached = 0
        self.tally = Tally()

    async def round(self) -> None:
        """Kill it while it starts, perhaps; then check, load and kill."""
        dice = self._dice
        while dice.random() < 0.3:
            process = self._process()
            await asyncio.sleep(dice.uniform(*START_SECONDS))
            process.kill()
            self.tally.kills += 1
            self.tally.kills_in_start += 1
        process = self._process()
        try:
            async with _session(await process.ready()) as session:
                await self._check(session)
                await self._load(session, process)
        finally:
            process.kill()
        self.tally.kills += 1
        self.tally.rounds += 1
        self.tally.acknowledged = self._acknowledged()

    async def finish(self) -> None:
        """A last start: everything is there, and the controllers come to their end."""
        process = self._process()
        try:
            async with _session(await process.ready()) as session:
                await self._check(session)
                await self._scaler.settled(session)
        finally:
            process.kill()

    def _process(self) -> Process:
        return Process(self._directory, self._dice.choice(CHECKPOINT_PAGES), self._plant)

    async def _check(self, session: aiohttp.ClientSession) -> None:
        """Compare all that is there with what must be."""
        async with session.get(f"{PATH}?{SELECTOR}") as answer:
            found = await answer.json()
        items = {item["metadata"]["name"]: item for item in found["items"]}
        for item in items.values():
            item.update(kind="ConfigMap", apiVersion="v1")
        records = [record for writer in self._writers for record in writer.records]
        for record in records:
            record.check(items.pop(record.name, None))
        assert not items, f"objects that nobody made: {sorted(items)}"
        await self._scaler.check(session)
        if self.tally.rounds % TIDY_ROUNDS == 0:
            # As an hour would do: a round is not about reading ten thousand events.
            async with session.delete(EVENTS) as tidied:
                assert tidied.status == 200, await tidied.text()
        assert version(found) >= self._reached, "revisions went back"

    async def _load(self, session: aiohttp.ClientSession, process: Process) -> None:
        """Write from all sides and watch, until the server is killed."""
        filling = self._dice.choice([SMALL, SMALL, SMALL, LARGE])
        events: list[tuple[str, Object]] = []
        resumed = await self._watch_began(session, events)
        tasks = [asyncio.create_task(writer.run(session, filling)) for writer in self._writers]
        tasks.append(asyncio.create_task(self._scaler.run(session)))
        end = asyncio.create_task(self._enough(self._dice.randint(0, WRITES)))
        backup = await self._backup_begun()
        await asyncio.wait([end, *tasks], return_when=asyncio.FIRST_COMPLETED)
        process.kill()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if not isinstance(outcome, aiohttp.ClientError | OSError):
                raise AssertionError("a writer was refused") from outcome
        await resumed
        self._take(events)
        if backup is not None:
            self._check_backup(backup)

    async def _enough(self, writes: int) -> None:
        """Wait until so many writes of this round were acknowledged, but not for long."""
        goal = self._acknowledged() + writes
        deadline = time.monotonic() + LOAD_SECONDS
        while self._acknowledged() < goal and time.monotonic() < deadline:
            await asyncio.sleep(0.001)
        await asyncio.sleep(self._dice.uniform(*LATER_SECONDS))

    def _acknowledged(self) -> int:
        return self._scaler.acknowledged + sum(w.acknowledged for w in self._writers)

    async def _watch_began(
        self, session: aiohttp.ClientSession, events: list[tuple[str, Object]]
    ) -> "asyncio.Task[None]":
        """Follow on from the last revision of before the kill, if the server still can; from now
        on if it says that it cannot."""
        since = self._reached
        while True:
            answer = await session.get(f"{PATH}?watch=1&{SELECTOR}&resourceVersion={since}")
            assert answer.status in (200, 410), await answer.text()
            task = asyncio.create_task(_followed(answer, events))
            async with session.get(f"{PATH}?{SELECTOR}") as listing:
                found = await listing.json()
            behind = [item for item in found["items"] if version(item) > since]
            # A refusal comes at once, before anything is written.
            await asyncio.wait([task], timeout=10.0 if behind and since else 0.05)
            if not task.done():
                assert not behind or since == 0, "a watch went on over what it had not shown"
                self.tally.resumed += 1
                events.clear()
                return task
            task.result()
            self.tally.expired += 1
            since = version(found)
            self._reached = max(self._reached, since)

    def _take(self, events: list[tuple[str, Object]]) -> None:
        revisions = [version(thing) for _, thing in events]
        assert revisions == sorted(set(revisions)), f"a watch turned round: {revisions}"
        for writer in self._writers:
            for record in writer.records:
                name = record.name
                record.shown([e for e in events if e[1]["metadata"]["name"] == name])
        reached = [writer.reached for writer in self._writers]
        self._reached = max([self._reached, *reached, *revisions])

    async def _backup_begun(self) -> "Backup | None":
        if self._dice.random() > 0.15:
            return None
        self.tally.backups += 1
        await asyncio.sleep(self._dice.uniform(0, 0.1))
        file = self._directory / f"backup-{self.tally.backups}"
        least = max([self._reached, *(writer.reached for writer in self._writers)])
        return Backup(start_backup(self._directory, file), file, least)

    def _check_backup(self, backup: "Backup") -> None:
        """A backup is whole and holds what was acknowledged before it began, or is not there."""
        kill(backup.process)
        file = backup.file
        if file.is_file():
            assert checked(file).revision >= backup.least, "a backup lacks what was acknowledged"
            self.tally.backups_whole += 1
            file.unlink()
        for draft in file.parent.glob(f".{file.name}.*"):
            draft.unlink()


async def _followed(answer: aiohttp.ClientResponse, events: list[tuple[str, Object]]) -> None:
    """Take a watch's events until it ends: for good, or with the server."""
    try:
        async with answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    assert event["object"]["code"] == 410, event
                    return
                events.append((event["type"], event["object"]))
    except (aiohttp.ClientError, OSError, ValueError):
        # The server was killed, perhaps in the middle of a line.
        return


def _session(reached: Reached) -> aiohttp.ClientSession:
    trust = ssl.create_default_context(cafile=reached.authority)
    headers = {"Authorization": f"Bearer {reached.token}"}
    connector = aiohttp.TCPConnector(ssl=trust, limit=0)
    return aiohttp.ClientSession(
        reached.server, headers=headers, connector=connector, read_bufsize=2**22
    )


async def run(
    directory: Path, seed: int, rounds: int, *, every: int = 0, plant: Plant = None
) -> Tally:
    """So many rounds on one cluster. Raises `AssertionError` at the first difference."""
    story = Rounds(directory, seed, plant)
    for number in range(1, rounds + 1):
        await story.round()
        if every and number % every == 0:
            print(story.tally, flush=True)
    await story.finish()
    return story.tally


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.durability.kill_rounds")
    parser.add_argument("--rounds", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    wish = parser.parse_args()
    directory = Path(tempfile.mkdtemp(prefix="kiban-kills-"))
    try:
        print(asyncio.run(run(directory, wish.seed, wish.rounds, every=50)))
    except AssertionError:
        print(f"seed {wish.seed}; the cluster is in {directory}", file=sys.stderr)
        raise


if __name__ == "__main__":
    main()
