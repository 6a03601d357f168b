"""Clients that do as the dice say over HTTP, and write down what they saw."""

import json
import random
import time
from dataclasses import replace
from typing import Any

import aiohttp
from tests.linearizability.model import History, Listing, Read, Refusal, State, WatchEvent, Write

PATH = "/api/v1/namespaces/default/configmaps"
LABEL = {"app": "model"}
SELECTOR = "labelSelector=app%3Dmodel"
SIDES = "ab"
JSON, MERGE = "application/json", "application/merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"
_WHY = {404: "absent", 409: "present"}


class Client:
    """One client with dice of its own; never has two requests under way."""

    def __init__(self, session: aiohttp.ClientSession, history: History, seed: str) -> None:
        self._session, self._history = session, history
        self._dice = random.Random(seed)
        self._seed, self._count = seed, 0
        self._known: dict[str, str] = {}

    async def act(self, keys: int) -> None:
        """One request, whichever comes up."""
        key = f"k{self._dice.randrange(keys)}"
        writes = [self.create, self._update, self._update_seen, self._merge, self._patch_seen]
        acts = [*writes, self._apply, self._delete, self._delete_seen]
        await self._dice.choice([*acts, self._get, self._get, self._list, self._pages])(key)

    def _value(self) -> str:
        """A value never written before, and the side that its object is on by it."""
        self._count += 1
        return f"{self._seed}-{self._count}{self._dice.choice(SIDES)}"

    # Writing

    async def create(self, key: str, value: str = "") -> None:
        value = value or self._value()
        await self._write(("POST", PATH, JSON), key, value, self._body(key, value), condition=-1)

    async def _update(self, key: str) -> None:
        value = self._value()
        await self._write(("PUT", f"{PATH}/{key}", JSON), key, value, self._body(key, value))

    async def _update_seen(self, key: str) -> None:
        version, value = self._known.get(key, ""), self._value()
        body = self._body(key, value, version)
        call = ("PUT", f"{PATH}/{key}", JSON)
        await self._write(call, key, value, body, condition=int(version or 0))

    async def _merge(self, key: str) -> None:
        value = self._value()
        body = self._body(key, value)
        body["metadata"].pop("name")
        await self._write(("PATCH", f"{PATH}/{key}", MERGE), key, value, body)

    async def _patch_seen(self, key: str) -> None:
        """A JSON patch of the version that was seen last."""
        version, value = self._known.get(key, ""), self._value()
        body = [
            {"op": "replace", "path": "/metadata/labels/side", "value": value[-1]},
            {"op": "replace", "path": "/data/v", "value": value},
        ]
        if version:
            version_path = "/metadata/resourceVersion"
            body.append({"op": "replace", "path": version_path, "value": version})
        call = ("PATCH", f"{PATH}/{key}", JSON_PATCH)
        await self._write(call, key, value, body, condition=int(version or 0))

    async def _apply(self, key: str) -> None:
        value = self._value()
        path = f"{PATH}/{key}?fieldManager=model&force=true"
        await self._write(("PATCH", path, APPLY), key, value, self._body(key, value))

    async def _delete(self, key: str) -> None:
        await self._remove(key, "")

    async def _delete_seen(self, key: str) -> None:
        await self._remove(key, self._known.get(key, ""))

    async def _remove(self, key: str, version: str) -> None:
        options = {"preconditions": {"resourceVersion": version}} if version else {}
        started = time.monotonic()
        async with self._session.delete(f"{PATH}/{key}", json=options) as answer:
            found = await answer.json()
        ended = time.monotonic()
        condition = int(version or 0)
        if answer.status != 200:
            self._refused(key, answer.status, condition, (started, ended))
            return
        # A removal's revision is in no answer; the watches say it (see `with_removals`).
        uid = found["details"]["uid"]
        self._history.removals[uid] = Write(key, None, 0, started, ended, condition)

    def _body(self, key: str, value: str, version: str = "") -> dict[str, Any]:
        metadata: dict[str, Any] = {"name": key, "labels": {**LABEL, "side": value[-1]}}
        if version:
            metadata["resourceVersion"] = version
        kind = {"apiVersion": "v1", "kind": "ConfigMap"}
        return {**kind, "metadata": metadata, "data": {"v": value}}

    async def _write(
        self, call: tuple[str, str, str], key: str, value: str, body: Any, *, condition: int = 0
    ) -> None:
        method, path, type_ = call
        headers = {"Content-Type": type_}
        started = time.monotonic()
        async with self._session.request(
            method, path, data=json.dumps(body), headers=headers
        ) as answer:
            found = await answer.json()
        ended = time.monotonic()
        if answer.status not in (200, 201):
            assert answer.status in (404, 409), (answer.status, found)
            self._refused(key, answer.status, condition, (started, ended))
            return
        self._known[key] = found["metadata"]["resourceVersion"]
        write = Write(key, value, int(self._known[key]), started, ended, condition)
        self._history.writes.append(write)

    def _refused(self, key: str, status: int, condition: int, times: tuple[float, float]) -> None:
        """Write down what must have been there for a refusal to be right."""
        if status == 404:
            self._history.refusals.append(Refusal(key, "absent", 0, *times))
        elif condition == -1:
            self._history.refusals.append(Refusal(key, "present", 0, *times))
        else:
            # Without a condition there is nothing to be refused for.
            self._history.refusals.append(Refusal(key, "changed", condition, *times))

    # Reading

    async def _get(self, key: str) -> None:
        started = time.monotonic()
        async with self._session.get(f"{PATH}/{key}") as answer:
            found = await answer.json()
        ended = time.monotonic()
        seen = seen_of(found) if answer.status == 200 else None
        if seen is not None:
            self._known[key] = str(seen[0])
        self._history.reads.append(Read(key, seen, started, ended))

    async def _list(self, key: str) -> None:
        started = time.monotonic()
        revision, seen, _ = await self._page("")
        self._history.listings.append(Listing(revision, seen, started, time.monotonic()))

    async def _pages(self, key: str) -> None:
        """A list in pages, while others write: all of them show the state of the first."""
        started = time.monotonic()
        revision, seen, token = await self._page("&limit=2")
        ended = time.monotonic()
        while token:
            at, more, token = await self._page(f"&limit=2&continue={token}")
            assert at == revision, f"a page at {at} of a list at {revision}"
            assert not seen.keys() & more.keys(), "an object is on two pages"
            seen |= more
        self._history.listings.append(Listing(revision, seen, started, ended))

    async def _page(self, more: str) -> tuple[int, State, str]:
        async with self._session.get(f"{PATH}?{SELECTOR}{more}") as answer:
            found = await answer.json()
        assert answer.status == 200, found
        seen = {item["metadata"]["name"]: seen_of(item) for item in found["items"]}
        metadata = found["metadata"]
        return int(metadata["resourceVersion"]), seen, metadata.get("continue", "")


def seen_of(found: Any) -> tuple[int, str]:
    return int(found["metadata"]["resourceVersion"]), found["data"]["v"]


class Follower:
    """A watch that hangs up now and then and goes on from where it was."""

    def __init__(self, session: aiohttp.ClientSession, since: int, seed: str, side: str) -> None:
        self._session, self._dice = session, random.Random(seed)
        self._reached, self.side = since, side
        self.events: list[WatchEvent] = []
        # The revision at which each object, by its uid, was removed.
        self.gone: dict[str, int] = {}

    @property
    def reached(self) -> int:
        """The revision up to which it has seen everything."""
        return self._reached

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self._follow(self._dice.randint(5, 60))

    async def _follow(self, events: int) -> None:
        side = f",side%3D{self.side}" if self.side else ""
        url = f"{PATH}?watch=1&{SELECTOR}{side}&resourceVersion={self._reached}"
        async with self._session.get(url) as answer:
            assert answer.status == 200, await answer.text()
            async for line in answer.content:
                self._take(json.loads(line))
                events -= 1
                if events <= 0:
                    return

    def _take(self, event: Any) -> None:
        assert event["type"] != "ERROR", event
        revision, value = seen_of(event["object"])
        metadata = event["object"]["metadata"]
        if event["type"] == "DELETED" and not self.side:
            self.gone[metadata["uid"]] = revision
        self.events.append(WatchEvent(event["type"], metadata["name"], value, revision))
        self._reached = revision


def with_removals(history: History, gone: dict[str, int]) -> None:
    """Give each acknowledged removal the revision at which a watch saw it."""
    for uid in sorted(gone.keys() | history.removals.keys()):
        write, revision = history.removals.get(uid), gone.get(uid)
        if write is None or revision is None:
            history.odd.append(f"removal {write} was shown by the first watch at {revision}")
        else:
            history.writes.append(replace(write, revision=revision))
