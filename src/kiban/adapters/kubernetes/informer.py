"""Follows the objects of a kind for ever: a list, then every change, and a new list when the
server has forgotten where we were."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

from kiban.kube.objects import GroupKind, Manifest
from kiban.kube.ports import ApiError, ClusterPort, Listing, WatchEvent

GONE = 410
NOT_FOUND = 404
# Pauses after a failure, doubled each time; a kind that is not known is asked for rarely.
RETRY_SECONDS = 0.2
RETRY_LIMIT_SECONDS = 15.0
UNKNOWN_SECONDS = 60.0
# The resourceVersion of the empty list of a kind that the cluster does not have.
UNSERVED = "0"


@dataclass(frozen=True, slots=True)
class Unavailable:
    """The list or watch failed, and is tried again."""

    error: ApiError


async def follow(
    cluster: ClusterPort, kind: GroupKind, *, namespace: str = "", labels: str = ""
) -> AsyncIterator[Listing | WatchEvent | Unavailable]:
    """A `Listing` of all objects, then their changes; again a `Listing` after a gap.

    Faults are reported and tried again after growing pauses. Bookmarks are not passed on. A kind
    that the cluster does not have is an empty list.
    """
    failures = 0
    while True:
        try:
            listing = await cluster.list(kind, namespace=namespace, labels=labels)
            yield listing
            version = listing.resource_version
            failures = 0
            while True:
                started = asyncio.get_running_loop().time()
                async for event in cluster.watch(
                    kind, resource_version=version, namespace=namespace, labels=labels
                ):
                    version = _version_of(event.object) or version
                    if event.type != "BOOKMARK":
                        yield event
                if asyncio.get_running_loop().time() - started < 1:
                    # A server that ends watches at once must not be asked in a tight loop.
                    await asyncio.sleep(1)
        except ApiError as error:
            if error.code == GONE:
                continue
            if error.code == NOT_FOUND and not failures:
                yield Listing([], UNSERVED)
            else:
                yield Unavailable(error)
            await asyncio.sleep(_pause(error, failures))
            failures += 1


def _pause(error: ApiError, failures: int) -> float:
    if error.code == NOT_FOUND:
        return UNKNOWN_SECONDS
    return float(min(RETRY_LIMIT_SECONDS, RETRY_SECONDS * 2 ** min(failures, 10)))


def _version_of(manifest: Manifest) -> str:
    version: str = manifest.get("metadata", {}).get("resourceVersion", "")
    return version
