"""Following a kind through everything a server may do."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

from kiban.adapters.kubernetes.informer import Unavailable, follow
from kiban.kube.objects import GroupKind, Manifest
from kiban.kube.ports import ApiError, ClusterPort, Listing, WatchEvent

KIND = GroupKind("", "ConfigMap")


def at(version: int) -> Manifest:
    return {"metadata": {"name": "a", "resourceVersion": str(version)}}


@dataclass
class Script:
    """A server that plays prepared answers: a list or a fault, then the events of each watch."""

    lists: list[Listing | ApiError]
    watches: list[list[WatchEvent | ApiError]]
    asked: list[str] = field(default_factory=list)

    async def list(self, kind: GroupKind, *, namespace: str = "", labels: str = "") -> Listing:
        answer = self.lists.pop(0)
        if isinstance(answer, ApiError):
            raise answer
        return answer

    async def watch(
        self, kind: GroupKind, *, resource_version: str, namespace: str = "", labels: str = ""
    ) -> AsyncIterator[WatchEvent]:
        self.asked.append(resource_version)
        if not self.watches:
            await asyncio.Event().wait()
        for event in self.watches.pop(0):
            if isinstance(event, ApiError):
                raise event
            yield event


def followed(script: Script, count: int) -> list[str]:
    async def inside() -> list[str]:
        seen = []
        async for event in follow(cast(ClusterPort, script), KIND):
            match event:
                case Listing():
                    seen.append(f"list {event.resource_version}")
                case Unavailable():
                    seen.append(f"unavailable {event.error.code}")
                case WatchEvent():
                    seen.append(event.type)
            if len(seen) == count:
                break
        return seen

    return asyncio.run(asyncio.wait_for(inside(), 10))


def test_a_version_that_is_too_old_leads_to_a_new_list() -> None:
    script = Script(
        [Listing([], "5"), Listing([], "9")],
        [[WatchEvent("ADDED", at(6)), ApiError(410, "Expired", "too old")]],
    )
    assert followed(script, 3) == ["list 5", "ADDED", "list 9"]


def test_a_watch_that_ends_goes_on_from_its_last_bookmark() -> None:
    script = Script(
        [Listing([], "5")],
        [[WatchEvent("BOOKMARK", at(8))], [WatchEvent("MODIFIED", at(9))]],
    )
    assert followed(script, 2) == ["list 5", "MODIFIED"]
    assert script.asked == ["5", "8"]


def test_a_fault_is_reported_and_tried_again() -> None:
    script = Script([ApiError(503, "ServiceUnavailable", "no"), Listing([], "1")], [])
    assert followed(script, 2) == ["unavailable 503", "list 1"]
