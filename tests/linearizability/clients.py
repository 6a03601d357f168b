"""Clients that do as the dice say over HTTP, and write down what they saw."""

import json
import random
import time
from dataclasses import replace
from typing import Any

import aiohttp
from tests.linearizability.model import History, Listing, Read, WatchEvent, Write

PATH = "/api/v1/namespaces/default/configmaps"
LABEL = {"app": "model"}
SELECTOR = "labelSelector=app%3Dmodel"


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
        acts = [self._create, self._update, self._update, self._patch, self._delete, self._get]
        await self._dice.choice([*acts, self._get, self._list])(key)

    def _value(self) -> str:
        self._count += 1
        return f"{self._seed}-{self._count}"

    async def _create(self, key: str) -> None:
        await self._write("POST", PATH, key, self._value())

    async def _update(self, key: str) -> None:
        version = self._known.get(key, "") if self._dice.random() < 0.6 else ""
        await self._write("PUT", f"{PATH}/{key}", key, self._value(), version)

    async def _patch(self, key: str) -> None:
        body = {"data": {"v": (value := self._value())}}
        await self._send("PATCH", f"{PATH}/{key}", key, value, body)

    async def _delete(self, key: str) -> None:
        started = time.monotonic()
        async with self._session.delete(f"{PATH}/{key}") as answer:
            found = await answer.json()
        ended = time.monotonic()
        # A removal's revision is in no answer; the watches say it (see `with_removals`).
        if answer.status == 200:
            uid = found["details"]["uid"]
            self._history.removals[uid] = Write(key, None, 0, started, ended)
        else:
            assert answer.status == 404, answer.status

    async def _write(self, method: str, path: str, key: str, value: str, version: str = "") -> None:
        metadata: dict[str, Any] = {"name": key, "labels": LABEL}
        if version:
            metadata["resourceVersion"] = version
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": value}}
        await self._send(method, path, key, value, body, version)

    async def _send(
        self, method: str, path: str, key: str, value: str, body: Any, version: str = ""
    ) -> None:
        type_ = "application/merge-patch+json" if method == "PATCH" else "application/json"
        self._history.unanswered.add(value)
        started = time.monotonic()
        data = json.dumps(body)
        headers = {"Content-Type": type_}
        async with self._session.request(method, path, data=data, headers=headers) as answer:
            found = await answer.json()
        ended = time.monotonic()
        self._history.unanswered.discard(value)
        if answer.status not in (200, 201):
            assert answer.status in (404, 409), (answer.status, found)
            return
        self._known[key] = found["metadata"]["resourceVersion"]
        revision = int(self._known[key])
        assert not version or revision > int(version)
        self._history.writes.append(Write(key, value, revision, started, ended))

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
        async with self._session.get(f"{PATH}?{SELECTOR}") as answer:
            found = await answer.json()
        ended = time.monotonic()
        seen = {item["metadata"]["name"]: seen_of(item) for item in found["items"]}
        revision = int(found["metadata"]["resourceVersion"])
        self._history.listings.append(Listing(revision, seen, started, ended))


def seen_of(found: Any) -> tuple[int, str]:
    return int(found["metadata"]["resourceVersion"]), found["data"]["v"]


async def watch(
    session: aiohttp.ClientSession, since: int, events: list[WatchEvent], gone: dict[str, int]
) -> int:
    """Follow the objects from a revision until the connection ends; the status of the answer.
    `gone` gets the revision at which each object, by its uid, was removed."""
    url = f"{PATH}?watch=1&{SELECTOR}&resourceVersion={since}"
    try:
        async with session.get(url) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return int(event["object"]["code"])
                revision, value = seen_of(event["object"])
                metadata = event["object"]["metadata"]
                if event["type"] == "DELETED":
                    gone[metadata["uid"]] = revision
                events.append(WatchEvent(event["type"], metadata["name"], value, revision))
            return answer.status
    except (aiohttp.ClientError, ValueError):
        # The server was killed, perhaps in the middle of a line.
        return 0


def with_removals(history: History, gone: dict[str, int]) -> None:
    """Give each acknowledged removal the revision at which a watch saw it."""
    assert gone.keys() == history.removals.keys(), "removals that nobody asked for, or saw"
    for uid, write in history.removals.items():
        history.writes.append(replace(write, revision=gone[uid]))
