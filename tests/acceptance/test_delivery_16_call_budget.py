"""16. 250 repositories and 5,000 calls an hour: never over budget, and nobody is left out."""

import asyncio
import subprocess
from bisect import bisect_left
from collections import Counter
from pathlib import Path

import aiohttp
from aiohttp import web

from kiban.adapters.git import open_repository
from kiban.adapters.journal import Journal
from kiban.adapters.registry import Registry
from kiban.delivery.marks import Scope
from kiban.operations.gates import Measured, Question
from kiban.primitives.instants import later, parse_rfc3339, seconds_between
from kiban.spec import load_platform
from kiban.wiring.tending.house import House
from kiban.wiring.tending.policies import RegistryFollower

REPOSITORIES, LIMIT, HOUR = 250, 5_000, 3_600
# As often as Kiban looks whether anything is due.
TURN_SECONDS = 15
START = parse_rfc3339("2026-11-20T12:00:00Z")


class Organisation:
    """A registry that counts, and says how many calls are left until the hour is full, as GitHub
    does."""

    def __init__(self) -> None:
        self.now = START
        self.calls: list[float] = []
        self.asked: Counter[str] = Counter()

    async def handle(self, request: web.Request) -> web.Response:
        second = seconds_between(START, self.now)
        self.calls.append(second)
        self.asked[request.path] += 1
        hour = second // HOUR * HOUR
        left = LIMIT - (len(self.calls) - bisect_left(self.calls, hour))
        if left < 0:
            return web.Response(status=429, headers={"Retry-After": "60"})
        reset = later(START, hour + HOUR) // 1_000_000
        headers = {"X-RateLimit-Remaining": str(left), "X-RateLimit-Reset": str(reset)}
        return web.json_response({"tags": ["1.0.0"]}, headers=headers)

    def most_in_an_hour(self) -> int:
        """In any hour, whenever it begins."""
        return max(
            bisect_left(self.calls, at + HOUR) - index for index, at in enumerate(self.calls)
        )


class NoFigures:
    async def measure(self, question: Question) -> Measured:
        return Measured(None)


def test_an_organisation_of_250_repositories_stays_within_its_calls(tmp_path: Path) -> None:
    organisation = Organisation()
    asyncio.run(follow(tmp_path, organisation, 65 * 60))

    assert len(organisation.asked) == REPOSITORIES
    assert 3_000 < organisation.most_in_an_hour() <= LIMIT
    # Nobody waits much longer than anybody else.
    assert max(organisation.asked.values()) - min(organisation.asked.values()) <= 1


async def follow(folder: Path, organisation: Organisation, seconds: int) -> None:
    """Let time pass for a platform whose services all follow the organisation's registry."""
    app = web.Application()
    app.router.add_get("/v2/{path:.*}", organisation.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    journal = Journal(folder / "journal.db")
    try:
        async with aiohttp.ClientSession() as session:
            house = house_of(folder / "repo", site.name.removeprefix("http://"), journal)
            house.clock = lambda: organisation.now
            follower = RegistryFollower(house, Registry(session, house.clock))
            house.refresh()
            for _ in range(seconds // TURN_SECONDS):
                await follower.follow()
                organisation.now = later(organisation.now, TURN_SECONDS)
    finally:
        await runner.cleanup()
        journal.close()


def house_of(folder: Path, host: str, journal: Journal) -> House:
    """A repository in which all services follow that registry."""
    (folder / "services").mkdir(parents=True)
    (folder / "releases").mkdir()
    (folder / "platform.yaml").write_text("platform: shop\nenvironments: {dev: {}}\n")
    names = [f"s{number}" for number in range(REPOSITORIES)]
    for name in names:
        text = f"image: {host}/org/{name}\nimages: {{semver: '*'}}\n"
        (folder / f"services/{name}.yaml").write_text(text)
    lines = "".join(f"{name}: 1.0.0\n" for name in names)
    (folder / "releases/dev.yaml").write_text(lines)
    for arguments in (
        ("init", "-q", "--initial-branch", "main"),
        ("add", "-A"),
        ("-c", "user.name=T", "-c", "user.email=t@t", "commit", "-q", "-m", "Begin"),
    ):
        subprocess.run(["git", *arguments], cwd=folder, check=True)
    repository = open_repository(str(folder), folder / "copies")
    platform = load_platform(repository.files(repository.head()))
    scope = Scope("shop", "dev", "local", "shop-dev")
    return House(repository, journal, NoFigures(), lambda: START, [scope], platform, folder)
