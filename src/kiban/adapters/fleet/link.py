"""The connection to one cluster of a fleet: its credentials, and whether it answers.

A cluster is asked for its version now and then, because a watch over a network that swallows
packets looks just like one without changes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from kiban.adapters.delivery_driver import now
from kiban.adapters.kubernetes import KubernetesCluster
from kiban.delivery.fleet.messages import Contact
from kiban.kube.ports import ApiError
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError

# Opens the connection to a cluster by its name; raises `KibanError` without credentials.
Connect = Callable[[str], KubernetesCluster]

PROBE_SECONDS = 15.0
# A cluster that takes longer to say its version is of no use to a delivery either.
ANSWER_SECONDS = 5.0


@dataclass(slots=True)
class Link:
    """What is known of the way to a cluster. `fault` says why it does not answer."""

    cluster: str
    contact: Contact = "unknown"
    fault: str = ""
    # When it answered last, and since when it is as it is.
    last: Instant | None = None
    since: Instant = field(default_factory=now)

    def set(self, fault: str) -> bool:
        """Take in an answer, or its fault; whether that changes anything."""
        contact: Contact = "no" if fault else "yes"
        changed = contact != self.contact
        if not fault:
            self.last = now()
        if changed:
            self.since = now()
        self.contact, self.fault = contact, fault
        return changed


class Links:
    """The links of a fleet by cluster; whoever is told of changes is called with the cluster."""

    def __init__(
        self, connect: Connect, tell: Callable[[str], None], *, seconds: float = PROBE_SECONDS
    ) -> None:
        self._connect, self._tell, self.seconds = connect, tell, seconds
        self._links: dict[str, Link] = {}

    def __getitem__(self, cluster: str) -> Link:
        return self._links.setdefault(cluster, Link(cluster))

    async def serve(
        self, cluster: str, work: Callable[[KubernetesCluster], Awaitable[None]]
    ) -> None:
        """Keep a cluster connected and do the work on it, which never ends by itself; again
        after pauses while there are no credentials."""
        while True:
            try:
                async with self._open(cluster) as connected:
                    await work(connected)
            except KibanError as error:
                self._note(cluster, error.problems[0].what)
            await asyncio.sleep(self.seconds)

    @asynccontextmanager
    async def _open(self, cluster: str) -> AsyncIterator[KubernetesCluster]:
        # Reading certificates takes a while and must not hold up the others.
        connected = await asyncio.to_thread(self._connect, cluster)
        async with connected:
            probing = asyncio.create_task(self._probe(cluster, connected))
            try:
                yield connected
            finally:
                probing.cancel()
                await asyncio.gather(probing, return_exceptions=True)

    async def _probe(self, cluster: str, connected: KubernetesCluster) -> None:
        while True:
            self._note(cluster, await _fault(connected))
            await asyncio.sleep(self.seconds)

    def _note(self, cluster: str, fault: str) -> None:
        if self[cluster].set(fault):
            self._tell(cluster)


async def _fault(connected: KubernetesCluster) -> str:
    """Why a cluster does not answer, or an empty string."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await connected.version()
    except TimeoutError:
        return f"{connected.access.server} does not answer within {ANSWER_SECONDS:g} s"
    except ApiError as error:
        # Who may not see the version has still got an answer.
        return "" if error.code in (403, 404) else str(error)
    return ""
