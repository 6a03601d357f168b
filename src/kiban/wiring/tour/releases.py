"""What Kiban does about releases by itself: a good one goes on to the next environment, a bad one
is taken back in Git. Only the answers of the bad one may be lost."""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from kiban.adapters.delivery_driver import DeliveryDriver
from kiban.delivery.releases import release_path, released
from kiban.wiring.builds import build_service
from kiban.wiring.release import TAG_LENGTH, release_line
from kiban.wiring.tour.stage import SETTLE_SECONDS, Stage

Edit = Callable[[str], str]

CLEAN_SECONDS = 2.0
# Every fourth look at one's stamps, so that many players still see theirs.
_SHOW = "async def show(request: web.Request) -> web.Response:\n"
_BAD = f"{_SHOW}    if os.urandom(1)[0] % 4 == 0:\n        return answer({{}}, status=500)\n"


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What came of the bad release: seconds from its first answer to its rollback in Git, and how
    often it got into the next environment."""

    tag: str
    seconds: float | None
    promotions: int


async def promote(stage: Stage, tag: str) -> float | None:
    """Wait until a release has passed its gates and answers in the next environment; how long."""
    driver = stage.up.drivers[1]
    environment = driver.scope.environment
    await stage.phase("promotion", f"its gates pass in {stage.environment}: on to {environment}")
    start = time.monotonic()

    async def arrived() -> bool:
        return released_in(stage, environment) == tag and await _answers(stage, driver, tag)

    found = await stage.until(arrived, start)
    await stage.until_whole()
    return found


async def release_badly(stage: Stage) -> TakenBack:
    """Release a version that fails, and do nothing: the gate sees it, Git goes back, and so does
    what runs."""
    environment, next_one = stage.environment, stage.up.drivers[1].scope.environment
    good = released_in(stage, environment)
    await stage.phase("bad release", "a version that fails every fourth request is released")
    tag = await build_and_release(stage, worse, "Count stamps badly")
    serving = await stage.until(lambda: stage.answers_with(tag))
    start = time.monotonic()

    async def back() -> bool:
        return released_in(stage, environment) == good

    seconds = await stage.until(back, start)
    if serving is None or seconds is None:
        return TakenBack(tag, None, int(released_in(stage, next_one) == tag))
    stage.say(f"rolled back in Git: {message_of_head(stage)}")
    await stage.up.until_delivered()
    await asyncio.sleep(SETTLE_SECONDS)
    await stage.phase("taken back", "only the good version answers again")
    await asyncio.sleep(CLEAN_SECONDS)
    return TakenBack(tag, seconds, int(released_in(stage, next_one) == tag))


async def build_and_release(stage: Stage, change: Edit, message: str) -> str:
    """Commit a new version of stamp, build it, and release it; its tag."""
    repository = stage.up.repository
    commit = repository.edit("apps/stamp/main.py", change, message)
    tag = commit[:TAG_LENGTH]
    service = stage.up.platform.services[stage.environment]["stamp"]
    images = stage.local.images
    await asyncio.to_thread(
        lambda: build_service(service, tag=tag, commit=commit, repository=repository, images=images)
    )
    release_line(repository, stage.environment, {"stamp": tag})
    return tag


def released_in(stage: Stage, environment: str) -> str:
    """The release of stamp that Git says runs in an environment."""
    repository = stage.up.repository
    text = repository.file(repository.head(), release_path(environment)) or ""
    return released(text).get("stamp", "")


def message_of_head(stage: Stage) -> str:
    """The reason that the newest commit gives."""
    repository = stage.up.repository
    return repository.commit_info(repository.head()).message


def next_version(text: str) -> str:
    """A program of the example with its version counted up."""
    return re.sub(
        r'^VERSION = "(\d+)"$',
        lambda match: f'VERSION = "{int(match[1]) + 1}"',
        text,
        count=1,
        flags=re.MULTILINE,
    )


def better(text: str) -> str:
    """The next version, without the fault of an earlier tour."""
    return next_version(text).replace(_BAD, _SHOW)


def worse(text: str) -> str:
    """The next version, which fails."""
    return better(text).replace(_SHOW, _BAD)


async def _answers(stage: Stage, driver: DeliveryDriver, tag: str) -> bool:
    """Whether stamp answers with a release in another environment."""
    address = next(iter(driver.status().addresses["stamp"]))
    headers = {"Host": address.partition("/")[0]}
    async with stage.client.get(f"{stage.url}/stamp/ada", headers=headers) as answer:
        return answer.headers.get("x-release") == tag
