"""One play: many clients and watches against a real server, over HTTP.

python -m tests.linearizability.playing --seeds 100
"""

import argparse
import asyncio
import tempfile
from contextlib import suppress
from pathlib import Path

import aiohttp
from tests.linearizability.clients import PATH, SIDES, Client, Follower, with_removals
from tests.linearizability.model import History, Watch, faults
from tests.linearizability.serving import HEADERS, Server

CLIENTS, ACTS, KEYS = 12, 50, 5
# How many of the clients begin watches between their acts.
WATCHERS = 4


async def play(address: str, seed: int, acts: int) -> History:
    """Clients and watches that start one after another while the clients write."""
    history, followers = History(), list[Follower]()
    unlimited = aiohttp.TCPConnector(limit=0)
    async with (
        aiohttp.ClientSession(address, headers=HEADERS, connector=unlimited) as session,
        asyncio.TaskGroup() as following,
    ):
        tasks = []

        async def begin_watch(side: str = "") -> None:
            since = await revision_now(session)
            follower = Follower(session, since, f"{seed}/{len(followers)}", side)
            followers.append(follower)
            history.watches.append(Watch(since, follower.events, side))
            tasks.append(following.create_task(follower.run()))

        async def act(number: int) -> None:
            client = Client(session, history, f"{seed}/{number}")
            for turn in range(acts):
                if turn % 20 == 10 and number < WATCHERS:
                    await begin_watch(["", *SIDES][number % 3])
                await client.act(KEYS)

        await begin_watch()
        await asyncio.gather(*(act(number) for number in range(CLIENTS)))
        await marked(session, history, followers)
        for task in tasks:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks)
    with_removals(history, followers[0].gone)
    return history


async def revision_now(session: aiohttp.ClientSession) -> int:
    async with session.get(f"{PATH}?limit=1") as answer:
        return int((await answer.json())["metadata"]["resourceVersion"])


async def marked(
    session: aiohttp.ClientSession, history: History, followers: list[Follower]
) -> None:
    """Write once more for each side, and wait until every watch has shown it."""
    marks = {}
    client = Client(session, history, "mark")
    for side in SIDES:
        await client.create(f"mark-{side}", f"mark{side}")
        marks[side] = max(write.revision for write in history.writes)
    marks[""] = marks[SIDES[-1]]
    async with asyncio.timeout(20):
        while any(follower.reached < marks[follower.side] for follower in followers):
            await asyncio.sleep(0.01)


async def judged(seed: int, plant: str = "", *, acts: int = ACTS) -> tuple[History, list[str]]:
    """Play against a new server, perhaps with a fault planted; what was wrong with it."""
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory), plant)
        try:
            await server.start()
            history = await play(server.address, seed, acts)
        finally:
            server.kill()
    return history, faults(history)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.linearizability.playing")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=1)
    wish = parser.parse_args()
    seen = 0
    for seed in range(wish.first, wish.first + wish.seeds):
        history, found = asyncio.run(judged(seed))
        assert not found, f"seed {seed}: {found[:3]}"
        parts = history.writes, history.reads, history.refusals, history.listings
        seen += sum(len(part) for part in parts)
        seen += sum(len(watch.events) for watch in history.watches)
    print(f"{wish.seeds} plays, {seen} answers and events, all explained by one order of writes")


if __name__ == "__main__":
    main()
