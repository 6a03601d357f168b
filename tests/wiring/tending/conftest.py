"""A house with a real repository and a real journal, a clock that the test moves, and figures that
it sets."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from kiban.adapters.git import GitRepository, open_repository
from kiban.adapters.journal import Journal
from kiban.delivery.marks import Scope
from kiban.delivery.releases import release_path, released
from kiban.operations.gates import Measured, Question
from kiban.plans import Event, Plan, PlanClosed, PlanOpened, Step
from kiban.plans.records import Record, StepMoved
from kiban.primitives.instants import Instant, later, parse_rfc3339
from kiban.spec import load_platform
from kiban.wiring.release import release_line
from kiban.wiring.tending.gates import Gatekeeper
from kiban.wiring.tending.house import House
from kiban.wiring.tending.promotions import Promoter

START = parse_rfc3339("2026-11-20T12:00:00Z")  # a Friday
PLATFORM = """\
platform: shop
environments:
  dev:
    gates:
      errors: {indicator: errors, atMost: 1%, samples: 10, window: 60s}
  stg: {after: dev, promotion: automatic}
"""
SERVICE = "service: web\nimage: registry.example/web\nport: 8080\n"


class Figures:
    """Says what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.answer = Measured(0.0, 1000)
        self.asked: list[Question] = []

    async def measure(self, question: Question) -> Measured:
        self.asked.append(question)
        return self.answer


class Shop:
    """A platform, what runs in its environments, and who tends its releases."""

    def __init__(self, folder: Path, platform: str = PLATFORM) -> None:
        self.folder, self.now, self.figures = folder, START, Figures()
        self.write("platform.yaml", platform)
        self.write("services/web.yaml", SERVICE)
        for environment in ("dev", "stg"):
            self.write(release_path(environment), "web: v1  # by hand\n")
        self.git("init", "--quiet", "--initial-branch", "main")
        self.commit("Begin")
        self.journal = Journal(folder / ".kiban" / "journal.db")
        self.said: list[str] = []
        self._plans = 0
        self.start()

    def start(self) -> None:
        """Tend, as a process that knows only what is on record."""
        repository = self.repository
        self.house = House(
            repository,
            self.journal,
            self.figures,
            lambda: self.now,
            [Scope("shop", name, "local", f"shop-{name}") for name in ("dev", "stg")],
            load_platform(repository.files(repository.head())),
            self.folder / ".kiban",
            self.said.append,
        )
        self.keeper, self.promoter = Gatekeeper(self.house), Promoter(self.house)

    @property
    def repository(self) -> GitRepository:
        return open_repository(str(self.folder), self.folder / "copies")

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text)

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=Test", "-c", "user.email=test@localhost"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.folder, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, message: str) -> None:
        (self.folder / ".gitignore").write_text(".kiban\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", message)

    def release(self, tag: str, environment: str = "dev", message: str = "") -> None:
        release_line(self.repository, environment, {"web": tag}, message)

    def deliver(self, environment: str = "dev") -> None:
        """Write down what the delivery of what Git wants writes."""
        self._plans += 1
        id_, subject = f"p{self._plans}", f"shop/{environment}@local"
        facts = {"commit": self.repository.head()}
        plan = Plan(
            id_, "sync", subject, "deliver", (Step("a", "apply", "web", "apply"),), (), facts
        )
        images = {"images": {"web": f"registry.example/web:{self.released(environment)}"}}
        self.put(PlanOpened(plan, 1), later(self.now, -5))
        self.put(Event("delivery/delivered", subject, "", id_, images))
        self.put(PlanClosed(id_, subject, "done"))

    def fail(self, message: str, environment: str = "dev") -> None:
        """Write down what a delivery writes that cannot bring web up."""
        self._plans += 1
        id_, subject = f"p{self._plans}", f"shop/{environment}@local"
        facts = {"commit": self.repository.head()}
        step = Step("service:web", "apply", "web", "apply")
        self.put(PlanOpened(Plan(id_, "sync", subject, "deliver", (step,), (), facts), 1))
        self.put(StepMoved(id_, step.id, "failed", message=message))
        self.put(PlanClosed(id_, subject, "failed", f"web: {message}"))

    def put(self, record: Record, at: Instant | None = None) -> None:
        self.journal.write([record], self.now if at is None else at)

    def released(self, environment: str = "dev") -> str:
        text = self.repository.file(self.repository.head(), release_path(environment)) or ""
        return released(text)["web"]

    def wait(self, seconds: float) -> None:
        self.now = later(self.now, seconds)

    def turn(self) -> None:
        """One turn of everybody."""
        self.house.expire()

        async def turn() -> None:
            for act in self.acts():
                self.house.refresh()
                await act()

        asyncio.run(turn())

    def acts(self) -> tuple[Callable[[], Awaitable[None]], ...]:
        keeper = self.keeper
        return (keeper.ask, keeper.give_up, keeper.take_back, self.promoter.advance)

    def look(self) -> None:
        """Take in what was written and committed."""
        self.house.expire()
        self.house.refresh()

    def answers(self) -> dict[str, str]:
        """The last answer about each release in dev."""
        self.look()
        return {
            key[3]: f"{found.answer}{' for good' if found.final else ''}"
            for key, found in self.house.view.answers.items()
        }


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    found = Shop(tmp_path / "shop")
    found.deliver("dev")
    found.deliver("stg")
    yield found
    found.journal.close()
