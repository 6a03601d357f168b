"""Tells the board what happens: statuses, commits, objects, the record, loads. One task each."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from kiban.adapters.gateway import Gateway, PortStatistics
from kiban.adapters.gateway.statistics import growth, percentile_ms
from kiban.adapters.git import GitRepository
from kiban.adapters.journal.database import JournalPlace
from kiban.adapters.kubernetes import KubernetesCluster, follow
from kiban.adapters.kubernetes.informer import Unavailable
from kiban.delivery.status import DeliveryStatus
from kiban.kube.objects import EVENT, NODE, POD, GroupKind
from kiban.kube.ports import ApiError, Listing
from kiban.plans.records import Entry, PlanOpened, StepMoved
from kiban.primitives.problems import KibanError
from kiban.primitives.quantities import parse_quantity
from kiban.spec import load_platform
from kiban.telemetry import acts
from kiban.web.board import Board, Load
from kiban.web.outline import Outline, outline_of
from kiban.web.serving.streaming import Bell
from kiban.wiring.record import every_entry

LOG = logging.getLogger("kiban.dashboard")
# While somebody looks: figures of the gateway, the record, and what pods use.
LOAD_SECONDS = 2.0
RECORD_SECONDS = 0.5
USAGE_SECONDS = 5.0
# Plans whose steps may still be named.
KEPT_PLANS = 100
POD_METRICS = GroupKind("metrics.k8s.io", "PodMetrics")

Changes = Callable[[], AsyncIterator[DeliveryStatus]]


@dataclass(slots=True)
class Teller:
    """Keeps a board up to date for as long as its tasks run."""

    board: Board
    bell: Bell
    repository: GitRepository
    cluster: KubernetesCluster
    gateway: Gateway | None
    journal: JournalPlace
    _sequence: int = 0
    _opened: deque[Entry] = field(default_factory=lambda: deque(maxlen=KEPT_PLANS))
    _counted: dict[str, PortStatistics] = field(default_factory=dict)
    _counted_at: float = 0.0

    def tasks(self, statuses: Sequence[Changes]) -> "list[asyncio.Task[None]]":
        """Begin. The outline must be known, as it names the namespaces that are watched."""
        namespaces = [each.namespace for each in self.board.outline.environments.values()]
        work = [self._statuses(each) for each in statuses]
        work += [self._objects(NODE, "")]
        work += [self._objects(kind, name) for name in namespaces for kind in (POD, EVENT)]
        work += [self._every(RECORD_SECONDS, self._record), self._every(USAGE_SECONDS, self._usage)]
        work += [self._every(LOAD_SECONDS, self._loads)] if self.gateway is not None else []
        tasks = [asyncio.create_task(each, name="dashboard") for each in work]
        for task in tasks:
            task.add_done_callback(_say_why)
        return tasks

    async def read_outline(self) -> None:
        """What the newest commit that loads says there is."""
        head = self.repository.head()
        if head != self.board.outline.commit:
            with suppress(KibanError):
                self.board.set_outline(await asyncio.to_thread(outline_at, self.repository, head))

    async def _statuses(self, changes: Changes) -> None:
        async for status in changes():
            self.board.set_status(status)
            await self.read_outline()
            self.bell.ring()

    async def _objects(self, kind: GroupKind, namespace: str) -> None:
        async for event in follow(self.cluster, kind, namespace=namespace):
            if isinstance(event, Unavailable):
                continue
            if isinstance(event, Listing):
                self.board.reset(kind, namespace, event.items)
            else:
                self.board.see(event.object, gone=event.type == "DELETED")
            self.bell.ring()

    async def _every(self, seconds: float, look: Callable[[], Awaitable[None]]) -> None:
        """Look again and again, as long as anybody looks at the page."""
        first = True
        while True:
            if self.bell.listeners or first:
                first = False
                with suppress(ApiError, OSError, KibanError):
                    await look()
            await asyncio.sleep(seconds)

    async def _record(self) -> None:
        before = self.board.version
        await self.read_outline()
        found = list(every_entry(self.journal, after=self._sequence))
        # Steps are named by their plans, which may have been opened earlier.
        steps = {entry.sequence for entry in found if isinstance(entry.record, StepMoved)}
        for act in acts([*self._opened, *found]):
            if act.sequence > self._sequence:
                self.board.note(act, is_step=act.sequence in steps)
        self._opened.extend(entry for entry in found if isinstance(entry.record, PlanOpened))
        self._sequence = max((entry.sequence for entry in found), default=self._sequence)
        if self.board.version != before:
            self.bell.ring()

    async def _loads(self) -> None:
        assert self.gateway is not None
        counted, now = await self.gateway.statistics(), time.monotonic()
        before, seconds = self._counted, now - self._counted_at
        self._counted, self._counted_at = counted, now
        # After a while without anybody looking the first reading only begins the count.
        if before and seconds < 5 * LOAD_SECONDS:
            for (namespace, service), load in loads_between(before, counted, seconds).items():
                self.board.measure(namespace, service, load)
            self.bell.ring()

    async def _usage(self) -> None:
        found: dict[tuple[str, str], tuple[int, int]] = {}
        for environment in self.board.outline.environments.values():
            listing = await self.cluster.list(POD_METRICS, namespace=environment.namespace)
            for each in listing.items:
                usage = [container["usage"] for container in each.get("containers", ())]
                found[each["metadata"]["namespace"], each["metadata"]["name"]] = (
                    round(sum(parse_quantity(one.get("cpu", "0")) for one in usage) * 1000),
                    round(sum(parse_quantity(one.get("memory", "0")) for one in usage)),
                )
        self.board.set_usage(found)
        self.bell.ring()


def _say_why(task: "asyncio.Task[None]") -> None:
    """A part of the page that stands still must not end the platform, but it must be said."""
    if not task.cancelled() and (error := task.exception()) is not None:
        LOG.error("a part of the dashboard stands still", exc_info=error)


def outline_at(repository: GitRepository, commit: str) -> Outline:
    """What a commit says there is. Raises `KibanError` for one that does not load."""
    return outline_of(load_platform(repository.files(commit)), commit)


def loads_between(
    before: Mapping[str, PortStatistics], after: Mapping[str, PortStatistics], seconds: float
) -> dict[tuple[str, str], Load]:
    """What every service was asked between two readings of the gateway's counters."""
    found: dict[tuple[str, str], Load] = {}
    at = round(time.time(), 1)
    for id_ in sorted(before.keys() & after.keys()):
        namespace, service, _ = id_.split("/")
        grown = growth(before[id_], after[id_])
        known = found.get((namespace, service))
        load = Load(
            at,
            grown.requests / seconds,
            grown.server_errors / seconds,
            percentile_ms(grown.latency_buckets, 0.5),
            percentile_ms(grown.latency_buckets, 0.99),
        )
        if known is None or load.requests > known.requests:
            found[namespace, service] = load
    return found
