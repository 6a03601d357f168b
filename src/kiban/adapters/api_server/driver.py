"""Runs a cluster on the wall clock: steps it when something is due, keeps its journal, carries its
asks to a runtime, and wakes whoever waits for a change.

Everything happens in one event loop, so the cluster needs no locks. Nothing is told to anybody
before the journal has it: `until_durable` is what answers wait for, `durable` what watches show.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from kiban.adapters.audit_log import AuditLog, Entry
from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.api.values import Consult, Request, Response
from kiban.cluster.asks import Ask, Report
from kiban.cluster.cluster import Cluster
from kiban.cluster.consulting import Question, Reply
from kiban.cluster.executor import Interrupted
from kiban.primitives.instants import Instant, seconds_between
from kiban.reconcile.commands import Command, Refusal


class Runtime(Protocol):
    """Carries out what the cluster asks of the world, and posts reports through the driver."""

    def carry_out(self, asks: Sequence[Ask]) -> None: ...


def wall_clock() -> Instant:
    return Instant(time.time_ns() // 1000)


# How often one request may find that there is more to ask.
MOST_CONSULTATIONS = 50
# What the audit log says of a request and its answer, if anything.
Note = Callable[[Request, Response, Instant], bytes | None]


class Consultant(Protocol):
    """Asks those outside, such as webhooks."""

    async def ask(self, questions: Sequence[Question]) -> Mapping[Question, Reply]: ...


class WallDriver:
    """One cluster on the wall clock, journalled at a path, or in memory only."""

    def __init__(
        self,
        cluster: Cluster,
        *,
        journal: Path | None = None,
        audit: Path | None = None,
        runtime: Runtime | None = None,
        consultant: Consultant | None = None,
        clock: Callable[[], Instant] = wall_clock,
    ) -> None:
        self.cluster = cluster
        self.runtime = runtime
        self.consultant = consultant
        cluster.executor.consults = consultant is not None
        self.clock = clock
        self.durable = 0
        self._path = journal
        self._audit = AuditLog(audit) if audit is not None else None
        self._journal: StoreJournal | None = None
        self._nudge = asyncio.Event()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []
        self._listeners: dict[asyncio.Event, None] = {}
        self._followers: dict[Callable[[], None], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._consulting: set[asyncio.Task[None]] = set()
        self._broken: Exception | None = None

    async def start(self) -> None:
        """Restore the store or fill a new one, and begin to run."""
        loop = asyncio.get_running_loop()
        restored = 0
        if self._path is not None:
            self._journal = StoreJournal(
                self._path,
                lambda revision: _call(loop, self._made_durable, revision),
                lambda error: _call(loop, self._break, error),
                self._audit,
            )
            with _collecting_later():
                restored = self._journal.restore(self.cluster.store)
            self._resume(restored)
            self._journal.start()
        else:
            self._resume(0)
        self._flush()
        self._task = asyncio.create_task(self._run(), name="cluster")

    def _resume(self, restored: int) -> None:
        self.durable = self.cluster.store.revision
        if restored:
            self.cluster.resume(self.clock())
        else:
            self.cluster.bootstrap(self.clock())

    async def stop(self) -> None:
        """Stop stepping, and leave a complete journal behind."""
        for task in self._consulting:
            task.cancel()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self._flush()
        if self._journal is not None:
            await asyncio.to_thread(self._journal.close)

    async def finished(self) -> None:
        """Wait for the end of the run; raises what ended it. Not waiting any more ends nothing."""
        assert self._task is not None, "the driver has not been started"
        await asyncio.shield(self._task)

    # Inputs

    def handle(self, request: Request, note: Note | None = None) -> Response:
        """Answer a request. The answer may leave once `until_durable(response.revision)`; the
        audit log has what `note` says of it by then."""
        now = self.clock()
        response = self.cluster.handle(request, now)
        is_over = not isinstance(response.errand, Consult)
        entry = note(request, response, now) if note is not None and is_over else None
        self._flush([(now, entry)] if entry is not None else ())
        if self.cluster.store.has_changes:
            self._nudge.set()
        return response

    async def consulted(self, request: Request, response: Response, note: Note) -> Response:
        """Answer a request about which those outside are to be asked, once they have answered."""
        assert request.consultation is not None, "only who consults has questions"
        for _ in range(MOST_CONSULTATIONS):
            errand = response.errand
            if not isinstance(errand, Consult) or self.consultant is None:
                break
            request.consultation.replies.update(await self.consultant.ask(errand.questions))
            response = self.handle(request, note)
        return response

    def record(self, entry: bytes) -> None:
        """Keep an entry of the audit log about a request that did not come to be handled."""
        self._flush([(self.clock(), entry)])

    def execute(self, who: str, commands: Sequence[Command]) -> tuple[Refusal, ...]:
        """Carry out commands of somebody in this process, such as a node that registers itself."""
        refusals = self.cluster.executor.execute(who, commands, self.clock())
        self._flush()
        self._nudge.set()
        return refusals or ()

    def post(self, report: Report) -> None:
        """Take in what the runtime reports."""
        self.cluster.post(report, self.clock())
        self._nudge.set()

    def wake(self) -> None:
        """Step now: something was changed in the cluster by other means."""
        self._nudge.set()

    async def until_durable(self, revision: int) -> None:
        """Wait until the journal holds everything up to a revision."""
        if self._broken is not None:
            raise self._broken
        if revision <= self.durable:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append((revision, waiter))
        await waiter

    def listen(self) -> asyncio.Event:
        """An event that is set whenever more has become durable; give it back to `forget`."""
        event = asyncio.Event()
        self._listeners[event] = None
        return event

    def forget(self, event: asyncio.Event) -> None:
        self._listeners.pop(event, None)

    def follow(self, act: Callable[[], None]) -> None:
        """Have something done at once whenever more has become durable; it must not raise."""
        self._followers[act] = None

    def unfollow(self, act: Callable[[], None]) -> None:
        self._followers.pop(act, None)

    # The loop

    async def _run(self) -> None:
        with _collecting_later():
            while self.cluster.is_resuming:
                self.cluster.step(self.clock())
                await asyncio.sleep(0)
        while True:
            self._nudge.clear()
            now = self.clock()
            asks = self.cluster.step(now)
            self._flush()
            if asks and self.runtime is not None:
                self.runtime.carry_out(asks)
            self._consult()
            due = self.cluster.next_due()
            if due is not None and due <= now:
                await asyncio.sleep(0)
                continue
            wait = None if due is None else seconds_between(now, due)
            # Not wait_for: in Python 3.11 it swallows a cancellation that meets a nudge.
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._nudge.wait()

    def _consult(self) -> None:
        """Ask those outside about commands that wait for it, beside everything else."""
        for work in self.cluster.take_interrupted():
            task = asyncio.create_task(self._consulted(work), name="consult")
            self._consulting.add(task)
            task.add_done_callback(self._consulting.discard)

    async def _consulted(self, work: Interrupted) -> None:
        assert self.consultant is not None, "without a consultant nothing is interrupted"
        replies = await self.consultant.ask(work.questions)
        self.cluster.go_on(work, replies, self.clock())
        self._flush()
        self._nudge.set()

    def _flush(self, entries: Sequence[Entry] = ()) -> None:
        writes = self.cluster.store.take_unwritten()
        if self._journal is not None:
            self._journal.append(writes, entries)
        elif writes:
            self._made_durable(writes[-1].revision)

    def _made_durable(self, revision: int) -> None:
        self.durable = max(self.durable, revision)
        still = []
        for waiting in self._waiters:
            wanted, waiter = waiting
            if wanted > self.durable:
                still.append(waiting)
            elif not waiter.done():
                waiter.set_result(None)
        self._waiters = still
        for event in self._listeners:
            event.set()
        for act in list(self._followers):
            act()

    def _break(self, error: Exception) -> None:
        """The disk refuses: nobody gets an answer that is not kept."""
        self._broken = error
        for _, waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)
        self._waiters = []
        if self._task is not None:
            self._task.cancel()


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Leave Python's search for unreachable cycles out while objects are read by the ten thousand:
    there are none among them, and looking takes half of the time. What is there after that is
    never looked at again."""
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        gc.enable()


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], value: object) -> None:
    """Call into the loop from the journal's thread; a loop that has closed needs no news."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(function, value)
