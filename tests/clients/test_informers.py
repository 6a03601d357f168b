"""Following objects for long, as informers do: list, watch, and begin again when told to, through
forgotten history, bookmarks and a restart of the server. Nothing is missed, nothing comes twice.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.clients.threaded import TOKEN, Threaded

pytest.importorskip("kubernetes")
pytestmark = pytest.mark.filterwarnings("ignore")

from kubernetes import client, watch  # noqa: E402
from kubernetes.client.exceptions import ApiException  # noqa: E402

REMEMBERED = 100
SPACE = "default"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Threaded]:
    """A server that soon forgets what was."""
    running = Threaded(tmp_path / "store.db", REMEMBERED)
    yield running
    running.close()


def core_of(server: Threaded) -> client.CoreV1Api:
    configuration = client.Configuration(host=server.address, api_key={"authorization": TOKEN})
    configuration.api_key_prefix["authorization"] = "Bearer"
    return client.CoreV1Api(client.ApiClient(configuration))


@dataclass
class Writer:
    """Creates, changes and deletes a handful of objects, always in the same order."""

    core: client.CoreV1Api
    dice: random.Random = field(default_factory=lambda: random.Random(1))
    count: int = 0
    there: dict[str, int] = field(default_factory=dict)

    def write(self, times: int) -> None:
        for _ in range(times):
            self.count += 1
            name = f"c{self.dice.randrange(12)}"
            body = {"metadata": {"name": name}, "data": {"count": str(self.count)}}
            if name not in self.there:
                self.core.create_namespaced_config_map(SPACE, body)
            elif self.dice.random() < 0.2:
                self.core.delete_namespaced_config_map(name, SPACE)
                del self.there[name]
                continue
            else:
                self.core.replace_namespaced_config_map(name, SPACE, body)
            self.there[name] = self.count


@dataclass
class Informer:
    """client-go's reflector in a few lines, over the unmodified Python client."""

    core: client.CoreV1Api
    cache: dict[str, int] = field(default_factory=dict)
    version: str = ""
    lists: int = 0
    seen: list[tuple[str, str, int]] = field(default_factory=list)

    def list(self) -> None:
        """Take everything in pages, as of one version."""
        self.lists += 1
        self.cache, page = {}, None
        while page is None or page.metadata._continue:
            more = page.metadata._continue if page else None
            page = self.core.list_namespaced_config_map(SPACE, limit=5, _continue=more)
            self.cache |= {item.metadata.name: _count(item) for item in page.items if item.data}
        self.version = page.metadata.resource_version

    def follow(self, until: dict[str, int], bookmarks: int = 0) -> None:
        """Watch until the cache is as it should be and that many bookmarks came; list again when
        the version is gone."""
        left = bookmarks
        while self.cache != until or left > 0:
            try:
                left -= self._watch(until, left)
            except ApiException as gone:
                assert gone.status == 410
                self.list()

    def _watch(self, until: dict[str, int], bookmarks: int) -> int:
        watching, marks = watch.Watch(), 0
        for event in watching.stream(
            self.core.list_namespaced_config_map, SPACE, resource_version=self.version,
            allow_watch_bookmarks=True, timeout_seconds=3,
        ):  # fmt: skip
            raw = event["raw_object"]
            self.version = raw["metadata"]["resourceVersion"]
            if event["type"] == "BOOKMARK":
                marks += 1
            else:
                self._take(event["type"], raw)
            if self.cache == until and marks >= bookmarks:
                watching.stop()
        return marks

    def _take(self, type_: str, raw: dict[str, Any]) -> None:
        name, count = raw["metadata"]["name"], int(raw["data"]["count"])
        # Every change fits what is known: nothing was missed, nothing comes again.
        assert (name in self.cache) == (type_ != "ADDED"), (type_, name)
        assert type_ == "DELETED" or self.cache.get(name, 0) < count, (type_, name, count)
        if type_ == "DELETED":
            assert self.cache.pop(name) == count
        else:
            self.cache[name] = count
        self.seen.append((type_, name, count))


def _count(item: Any) -> int:
    return int(item.data["count"])


def test_an_informer_follows_through_all_that_may_happen(server: Threaded) -> None:
    core = core_of(server)
    writer, informer = Writer(core), Informer(core_of(server))
    writer.write(40)
    informer.list()
    assert informer.cache == writer.there

    writer.write(60)
    informer.follow(writer.there)
    assert (informer.lists, len(informer.seen)) == (1, 60)

    # More than the server remembers: it says so, and the informer begins again.
    writer.write(2 * REMEMBERED)
    informer.follow(writer.there)
    assert (informer.lists, len(informer.seen)) == (2, 60)

    # Others write; bookmarks keep the informer's version young although nothing of its own comes.
    before = int(informer.version)
    for count in range(30):
        core.create_namespaced_secret(SPACE, {"metadata": {"name": f"s{count}"}})
    informer.follow(writer.there, bookmarks=1)
    assert int(informer.version) >= before + 30

    # A restart forgets nothing that was acknowledged, and the last version is still good.
    server.stop()
    server.start()
    writer.write(20)
    informer.follow(writer.there)
    assert (informer.lists, len(informer.seen)) == (2, 80)

    writer.write(10)
    server.stop()
    server.start()
    informer.follow(writer.there)
    listed = core.list_namespaced_config_map(SPACE).items
    assert {item.metadata.name: _count(item) for item in listed if item.data} == informer.cache


def test_a_watch_that_streams_its_own_beginning_needs_no_list(server: Threaded) -> None:
    core = core_of(server)
    writer = Writer(core)
    writer.write(30)
    begun: dict[str, int] = {}
    for event in watch.Watch().stream(
        core.list_namespaced_config_map, SPACE, send_initial_events=True,
        resource_version_match="NotOlderThan", allow_watch_bookmarks=True, timeout_seconds=10,
    ):  # fmt: skip
        raw = event["raw_object"]
        if event["type"] == "BOOKMARK":
            assert raw["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
            break
        assert event["type"] == "ADDED"
        begun[raw["metadata"]["name"]] = int(raw["data"]["count"])
    assert begun == writer.there
