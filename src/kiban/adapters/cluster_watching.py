"""Shows a delivery what it needs to see of its cluster: a list and a watch for each kind.

A kind that the cluster does not have yet is an empty list, which is asked for again as soon as its
definition is established, so that a kind and objects of it can come in one commit.
"""

import asyncio
from collections.abc import Callable, Iterable

from kiban.adapters.kubernetes.informer import UNSERVED, Unavailable, follow
from kiban.delivery.messages import Follow, Gone, Listed, Seen
from kiban.delivery.order import is_definition
from kiban.delivery.validating import defined_kind
from kiban.kube.objects import Manifest, is_true, key_of
from kiban.kube.ports import ClusterPort, Listing

Put = Callable[[Listed | Seen | Gone], None]


class Watching:
    """The lists and watches of one delivery. `put` takes what is seen, `tell` a fault of reading,
    which is empty when there is none any more."""

    def __init__(self, cluster: ClusterPort, put: Put, tell: Callable[[str], None]) -> None:
        self._cluster, self._put, self._tell = cluster, put, tell
        self._tasks: dict[Follow, asyncio.Task[None]] = {}
        self._unserved: dict[Follow, None] = {}

    def follow(self, needed: Iterable[Follow]) -> None:
        """Show these from now on, and no others."""
        wanted = dict.fromkeys(needed)
        for item in wanted:
            if item not in self._tasks:
                self._tasks[item] = asyncio.create_task(self._show(item))
        if len(self._tasks) > len(wanted):
            for item in [item for item in self._tasks if item not in wanted]:
                self._forget(item)

    async def stop(self) -> None:
        """Stop looking."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _show(self, item: Follow) -> None:
        async for event in follow(self._cluster, item.kind, namespace=item.namespace):
            if isinstance(event, Unavailable):
                self._tell(str(event.error))
                continue
            self._tell("")
            if isinstance(event, Listing):
                self._take_listing(item, event)
            elif event.type == "DELETED":
                self._put(Gone(event.object))
            else:
                self._look_again(event.object)
                self._put(Seen(event.object))

    def _take_listing(self, item: Follow, listing: Listing) -> None:
        if listing.resource_version == UNSERVED:
            self._unserved[item] = None
        else:
            self._unserved.pop(item, None)
        self._put(Listed(item, listing.items))

    def _look_again(self, manifest: Manifest) -> None:
        """List the objects of a kind that is served from now on."""
        if not is_definition(key_of(manifest)) or not is_true(manifest, "Established"):
            return
        for item in [item for item in self._unserved if item.kind == defined_kind(manifest)]:
            del self._unserved[item]
            self._forget(item)
            self._tasks[item] = asyncio.create_task(self._show(item))

    def _forget(self, item: Follow) -> None:
        self._tasks.pop(item).cancel()
