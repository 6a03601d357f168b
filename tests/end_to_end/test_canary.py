"""A canary under load: real processes behind the gateway, shares that are kept, no request lost,
and a bad release that is found by its gate and taken back."""

import json
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from tests.end_to_end.conftest import Repo, until

from kiban.adapters.journal import JournalReader
from kiban.plans.records import Event, GateAnswered, StepMoved

pytestmark = pytest.mark.timeout(240)

CLIENTS = 4
PAUSE_SECONDS = 0.02
ROLLOUT = "rollout: {strategy: canary, steps: [25%, 50%], pause: 3s}\n"
GATES = "gates: {errors: {indicator: errors, atMost: 5%, samples: 20, window: 5s}}"


@dataclass
class Load:
    """What was answered when: the release that answered, or the status of a failure."""

    gateway: str
    answers: list[tuple[float, str]] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def client(self) -> None:
        while not self.stopping.wait(PAUSE_SECONDS):
            at = time.time()
            self.answers.append((at, self.ask()))

    def ask(self) -> str:
        request = urllib.request.Request(
            f"http://{self.gateway}/", headers={"Host": "shop.localhost"}
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return str(json.loads(answer.read())["release"])
        except urllib.error.HTTPError as error:
            return f"status {error.code}"
        except OSError as error:
            return f"fault {error}"

    def between(self, start: float, end: float) -> Counter[str]:
        return Counter(what for at, what in self.answers if start <= at <= end)


@contextmanager
def load_on(repo: Repo) -> Iterator[Load]:
    load = Load(repo.facts["cluster"]["gateway"])
    clients = [threading.Thread(target=load.client) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield load
    finally:
        load.stopping.set()
        for client in clients:
            client.join()


@pytest.fixture(scope="module")
def shop(repo: Repo) -> Repo:
    service = repo.path / "services/hello.yaml"
    hello = service.read_text().replace("dev: {scale: 2}", "dev: {scale: 3}")
    platform = (repo.path / "platform.yaml").read_text()
    domain = "    domain: shop.localhost\n"
    platform = platform.replace(domain, f"{domain}    {GATES}\n")
    repo.commit("Roll out by canary", services__hello=hello + ROLLOUT, platform=platform)
    repo.up()
    return repo


def moments(repo: Repo, step: str) -> dict[str, float]:
    """When the steps and gates of the newest plan were done, in seconds."""
    found: dict[str, float] = {}
    for entry in JournalReader(repo.path / ".kiban/journal.db").entries(limit=-1):
        record = entry.record
        if isinstance(record, StepMoved) and record.state == "done":
            found[record.step] = entry.at / 1e6
        elif isinstance(record, GateAnswered) and record.answer == "pass":
            found[record.gate] = entry.at / 1e6
    assert step in found, sorted(found)
    return found


def is_delivered(repo: Repo) -> bool:
    return repo.status()["ready"] and repo.status()["newest"] == repo.git("rev-parse", "HEAD")


def test_shares_are_kept_and_no_request_is_lost(shop: Repo) -> None:
    with load_on(shop) as load:
        shop.kiban("release", "hello=v2", "--env", "dev")
        until(lambda: "25% on its new pods" in shop.status()["services"][0]["message"])
        until(lambda: is_delivered(shop))
    found = moments(shop, "service:hello")
    assert set(load.between(0, time.time())) == {"v1", "v2"}
    assert load.between(0, found["share:hello:0"] - 0.5).keys() == {"v1"}
    for stage, share in ((0, 0.25), (1, 0.5)):
        # The gateway follows the route within a moment.
        start, end = found[f"share:hello:{stage}"] + 1, found[f"gate:hello:{stage}"]
        answered = load.between(start, end)
        total = sum(answered.values())
        assert total > 50
        assert abs(answered["v2"] / total - share) < 0.2, (share, answered)


def test_a_bad_release_is_found_by_its_gate_and_goes_back_in_git_too(shop: Repo) -> None:
    program = shop.path / "apps/hello/main.py"
    text = program.read_text()
    greeting = "            greeting = os"
    bad = text.replace(greeting, f"            return self.send_error(500)\n{greeting}")
    assert bad != text
    program.write_text(bad)
    shop.git("commit", "-qam", "Break it")
    shop.kiban("build", "hello", "--tag", "v3")
    with load_on(shop) as load:
        shop.kiban("release", "hello=v3", "--env", "dev")
        until(lambda: shop.releases()["hello"] == "v2")
        until(lambda: is_delivered(shop))
        quiet = time.time() + 1
        until(lambda: time.time() > quiet + 2)
    answered = load.between(0, time.time())
    assert set(answered) == {"v2", "status 500"}
    assert answered["status 500"] < answered["v2"]
    assert set(load.between(quiet, time.time())) == {"v2"}
    records = [e.record for e in JournalReader(shop.path / ".kiban/journal.db").entries(limit=-1)]
    codes = [record.code for record in records if isinstance(record, Event)]
    assert "rollout/aborted" in codes
    assert "release/quarantined" in codes
