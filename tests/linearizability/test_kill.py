"""`kill -9` of a real server under load, again and again: nothing acknowledged is lost.

KIBAN_KILLS=1000 makes as many rounds; the suite makes a few.
"""

import asyncio
import os
import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
from tests.linearizability.clients import LABEL, PATH, watch
from tests.linearizability.model import WatchEvent
from tests.linearizability.serving import HEADERS, Server

ROUNDS = int(os.environ.get("KIBAN_KILLS", "6"))
CLIENTS = 6
SEED = 11
# Part of each value in two places: a half-applied write would part them.
FILLING = "f" * 300


class Writer:
    """Writes to one key of its own, and knows what must be there and what may be."""

    def __init__(self, name: str) -> None:
        self.name, self.count, self.acknowledged, self.revision = name, 0, 0, 0

    async def run(self, session: aiohttp.ClientSession) -> None:
        while True:
            self.count += 1
            method, path = ("PUT", f"{PATH}/{self.name}") if self.revision else ("POST", PATH)
            async with session.request(method, path, json=self.body()) as answer:
                found = await answer.json()
                assert answer.status in (200, 201), found
            self.acknowledged = self.count
            assert int(found["metadata"]["resourceVersion"]) > self.revision
            self.revision = int(found["metadata"]["resourceVersion"])

    def body(self) -> dict[str, Any]:
        value = str(self.count)
        metadata = {"name": self.name, "labels": LABEL, "annotations": {"v": value}}
        data = {"v": value, "filling": FILLING}
        return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}

    def check(self, found: dict[str, Any] | None) -> None:
        """What a server that came up again holds: the last acknowledged write, or the one that
        was under way."""
        if found is None:
            assert self.acknowledged == 0, f"{self.name} is lost"
            return
        value = int(found["data"]["v"])
        assert self.acknowledged <= value <= self.count
        assert found["metadata"]["annotations"]["v"] == found["data"]["v"]
        assert int(found["metadata"]["resourceVersion"]) >= self.revision
        self.acknowledged, self.revision = value, int(found["metadata"]["resourceVersion"])


def test_nothing_acknowledged_is_lost_by_kill_9(tmp_path: Path) -> None:
    asyncio.run(story(Server(tmp_path), random.Random(SEED)))


async def story(server: Server, dice: random.Random) -> None:
    writers = [Writer(f"w{number}") for number in range(CLIENTS)]
    reached = 0
    for _ in range(ROUNDS):
        await server.start()
        try:
            async with aiohttp.ClientSession(server.address, headers=HEADERS) as session:
                revision = await check(session, writers)
                assert revision >= reached, "revisions went back"
                await check_watch(session, reached)
                reached = await load(session, server, writers, dice)
        finally:
            server.kill()


async def check(session: aiohttp.ClientSession, writers: list[Writer]) -> int:
    """Compare all that is there with what must be; the revision it is at."""
    async with session.get(PATH, params={"labelSelector": "app=model"}) as answer:
        found = await answer.json()
    items = {item["metadata"]["name"]: item for item in found["items"]}
    for writer in writers:
        writer.check(items.get(writer.name))
    return int(found["metadata"]["resourceVersion"])


async def check_watch(session: aiohttp.ClientSession, since: int) -> None:
    """A watch from before the end is told to begin anew, unless there is nothing it missed."""
    if not since:
        return
    async with asyncio.timeout(10):
        query = {"watch": "1", "timeoutSeconds": "1", "resourceVersion": str(since)}
        async with session.get(PATH, params=query) as answer:
            text = await answer.text()
    assert not text or '"code":410' in text, text


async def load(
    session: aiohttp.ClientSession, server: Server, writers: list[Writer], dice: random.Random
) -> int:
    """Write from all sides and watch, until the server is killed; the last revision seen."""
    events: list[WatchEvent] = []
    tasks = [asyncio.create_task(writer.run(session)) for writer in writers]
    watching = asyncio.create_task(watch(session, 0, events, {}))
    await asyncio.sleep(dice.uniform(0.02, 0.4))
    server.kill()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await watching
    assert all(isinstance(outcome, aiohttp.ClientError) for outcome in outcomes), outcomes
    # What a watch showed was kept: nobody may be told of a write that is then lost.
    for writer in writers:
        shown = [int(event.value) for event in events if event.key == writer.name]
        # The first is what was there; the write that the last kill cut off may never have been.
        later = shown[1:]
        assert all(after == before + 1 for before, after in pairwise(later)), shown
        writer.acknowledged = max([writer.acknowledged, *shown])
        seen = [event.revision for event in events if event.key == writer.name]
        writer.revision = max([writer.revision, *seen])
    return max(writer.revision for writer in writers)
