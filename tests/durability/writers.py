"""Writers that know what they were promised: which state of each object must be there after a kill,
and which one more may be, because its write was under way.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import aiohttp

PATH = "/api/v1/namespaces/default/configmaps"
LABEL = {"app": "durability"}
SELECTOR = "labelSelector=app%3Ddurability"
MANAGER = "fieldManager=durability"
JSON, MERGE = "application/json", "application/merge-patch+json"
JSON_PATCH, APPLY = "application/json-patch+json", "application/apply-patch+yaml"

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """A write under way: the value it gives the object, or None for its removal."""

    value: str | None


@dataclass
class Record:
    """One object as its only writer knows it. `log` is what this run of the server was made to
    write: values in order, None for a removal."""

    name: str
    acknowledged: Object | None = None
    pending: Attempt | None = None
    log: list[str | None] = field(default_factory=list)

    def check(self, found: Object | None) -> None:
        """Hold what is there against what was promised. Raises `AssertionError`."""
        pending, acknowledged = self.pending, self.acknowledged
        if found is None:
            removed = acknowledged is None or (pending is not None and pending.value is None)
            assert removed, f"{self.name} is lost: {brief(acknowledged)}"
        elif acknowledged is None or version(found) != version(acknowledged):
            expected = pending.value if pending is not None else None
            assert expected is not None, f"{self.name} is {brief(found)}, not {brief(acknowledged)}"
            assert value_of(found) == expected, f"{self.name} is {brief(found)}, not {expected}"
            if acknowledged is not None:
                assert version(found) > version(acknowledged), f"{self.name} went back"
                assert found["metadata"]["uid"] == acknowledged["metadata"]["uid"]
        else:
            assert found == acknowledged, f"{self.name} differs at one revision"
        self.acknowledged, self.pending, self.log = found, None, []

    def shown(self, events: list[tuple[str, Object]]) -> None:
        """Take what a watch showed for promised too. Raises `AssertionError` when the watch left
        out, repeated or turned round anything."""
        seen = [None if kind == "DELETED" else value_of(thing) for kind, thing in events]
        asked = [*self.log, *([self.pending.value] if self.pending else [])]
        assert seen == asked[: len(seen)], f"{self.name}: a watch showed {seen} of {asked}"
        if self.pending is not None and len(seen) == len(asked):
            self.acknowledged = None if self.pending.value is None else events[-1][1]
            self.pending = None


class Writer:
    """One client with dice and objects of its own; one request at a time."""

    def __init__(self, name: str, seed: str, keys: int) -> None:
        self._dice = random.Random(seed)
        self._name, self._count = name, 0
        self.records = [Record(f"{name}-{number}") for number in range(keys)]
        self.acknowledged = 0
        self.reached = 0

    async def run(self, session: aiohttp.ClientSession, filling: int) -> None:
        """Write until the connection breaks."""
        while True:
            record = self._dice.choice(self.records)
            self._count += 1
            value = f"{self._name}.{self._count}"
            if record.acknowledged is None:
                act = self._dice.choice([_create, _create, _apply])
            else:
                act = self._dice.choice([_update, _update_seen, _merge, _replace, _apply, _delete])
            method, path, type_, body = act(record, value, filling)
            record.pending = Attempt(None if act is _delete else value)
            async with session.request(
                method, path, json=body, headers={"Content-Type": type_}
            ) as answer:
                found = await answer.json()
                assert answer.status in (200, 201), (act.__name__, answer.status, found)
            self._take(record, found)

    def _take(self, record: Record, found: Object) -> None:
        assert record.pending is not None
        if record.pending.value is None:
            record.acknowledged = None
        else:
            before = record.acknowledged
            assert value_of(found) == record.pending.value
            assert before is None or version(found) > version(before)
            record.acknowledged = found
            self.reached = max(self.reached, version(found))
        record.log.append(record.pending.value)
        record.pending = None
        self.acknowledged += 1


Call = tuple[str, str, str, Any]


def _create(record: Record, value: str, filling: int) -> Call:
    return "POST", f"{PATH}?{MANAGER}", JSON, _body(record, value, filling)


def _update(record: Record, value: str, filling: int) -> Call:
    return "PUT", f"{PATH}/{record.name}?{MANAGER}", JSON, _body(record, value, filling)


def _update_seen(record: Record, value: str, filling: int) -> Call:
    body = _body(record, value, filling)
    assert record.acknowledged is not None
    body["metadata"]["resourceVersion"] = record.acknowledged["metadata"]["resourceVersion"]
    return "PUT", f"{PATH}/{record.name}?{MANAGER}", JSON, body


def _merge(record: Record, value: str, filling: int) -> Call:
    full = _body(record, value, filling)
    body = {"metadata": {"annotations": full["metadata"]["annotations"]}, "data": full["data"]}
    return "PATCH", f"{PATH}/{record.name}?{MANAGER}", MERGE, body


def _replace(record: Record, value: str, filling: int) -> Call:
    full = _body(record, value, filling)
    parts = [("/metadata/annotations/v", value)]
    parts += [(f"/data/{name}", text) for name, text in full["data"].items()]
    body = [{"op": "replace", "path": path, "value": text} for path, text in parts]
    return "PATCH", f"{PATH}/{record.name}?{MANAGER}", JSON_PATCH, body


def _apply(record: Record, value: str, filling: int) -> Call:
    body = _body(record, value, filling)
    return "PATCH", f"{PATH}/{record.name}?{MANAGER}-apply&force=true", APPLY, body


def _delete(record: Record, value: str, filling: int) -> Call:
    return "DELETE", f"{PATH}/{record.name}", JSON, None


def _body(record: Record, value: str, filling: int) -> Object:
    """The value stands in three places: a write that is half there would part them."""
    metadata = {"name": record.name, "labels": LABEL, "annotations": {"v": value}}
    data = {"v": value, "filling": _filled(value, filling)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _filled(value: str, size: int) -> str:
    return (f"{value};" * (size // len(value) + 1))[:size]


def value_of(found: Object) -> str:
    """The value of an object that is whole. Raises `AssertionError` for one of several writes."""
    data = found["data"]
    value = str(data["v"])
    assert found["metadata"]["annotations"]["v"] == value, f"two writes in one: {brief(found)}"
    assert data["filling"] == _filled(value, len(data["filling"])), f"half of {brief(found)}"
    return value


def version(found: Object) -> int:
    return int(found["metadata"]["resourceVersion"])


def brief(found: Object | None) -> str:
    if found is None:
        return "absent"
    return f"{found['metadata']['name']} = {found['data']['v']} at {version(found)}"
