"""Many clients at once against a real server: one order of all writes explains what they saw."""

import asyncio
from pathlib import Path

import aiohttp
import pytest
from tests.linearizability.clients import PATH, Client, watch, with_removals
from tests.linearizability.model import History, WatchEvent, faults
from tests.linearizability.serving import HEADERS, Server

CLIENTS, ACTS, KEYS = 12, 70, 5
WATCHES = 4


async def revision_now(session: aiohttp.ClientSession) -> int:
    async with session.get(f"{PATH}?limit=1") as answer:
        return int((await answer.json())["metadata"]["resourceVersion"])


async def play(address: str, seed: int) -> History:
    """Clients and watches that start one after another while the clients write."""
    history, gone = History(), dict[str, int]()
    unlimited = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(address, headers=HEADERS, connector=unlimited) as session:
        watching = []

        async def begin_watch() -> None:
            since = await revision_now(session)
            events: list[WatchEvent] = []
            history.watches.append((since, events))
            watching.append(asyncio.create_task(watch(session, since, events, gone)))

        async def act(number: int) -> None:
            client = Client(session, history, f"{seed}/{number}")
            for turn in range(ACTS):
                if turn % 20 == 10 and number < WATCHES - 1:
                    await begin_watch()
                await client.act(KEYS)

        await begin_watch()
        await asyncio.gather(*(act(number) for number in range(CLIENTS)))
        last = max(write.revision for write in history.writes)
        await marked(session, history, last)
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
    with_removals(history, gone)
    return history


async def marked(session: aiohttp.ClientSession, history: History, last: int) -> None:
    """Write once more, and wait until every watch has shown it."""
    await Client(session, history, "mark")._write("POST", PATH, "mark", "mark")
    mark = max(write.revision for write in history.writes)
    assert mark > last
    async with asyncio.timeout(20):
        while any(not events or events[-1].revision < mark for _, events in history.watches):
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("seed", [1, 2])
def test_one_order_explains_what_all_clients_saw(tmp_path: Path, seed: int) -> None:
    async def story() -> History:
        server = Server(tmp_path)
        await server.start()
        try:
            return await play(server.address, seed)
        finally:
            server.kill()

    history = asyncio.run(story())
    assert faults(history) == []
    assert len(history.watches) > WATCHES
    assert min(len(history.writes), len(history.reads), len(history.listings)) > 40
