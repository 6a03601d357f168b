"""Runs deliveries in an asyncio loop: follows a Git branch and a cluster, and does what is asked.

One driver per environment and cluster. It takes in everything that has happened, steps the state
machine once, writes to the journal what must be written first, and sends requests side by side.
Between changes it sleeps: nothing is polled but the branch.
"""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace

from kiban.adapters.cluster_requests import answer_to
from kiban.adapters.cluster_watching import Watching
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.compiler.bundle import Bundle
from kiban.delivery.deletions import is_approval
from kiban.delivery.delivery import Delivery
from kiban.delivery.marks import Scope
from kiban.delivery.messages import (
    Answer,
    Append,
    Commit,
    DeletionApproved,
    Desired,
    Measure,
    Measured,
    ObjectAsk,
    Observation,
    Refused,
    Undeliverable,
)
from kiban.delivery.status import DeliveryStatus
from kiban.kube.ports import ClusterPort
from kiban.plans.plan import Lease
from kiban.primitives.instants import Instant, seconds_between
from kiban.primitives.problems import Exit, KibanError, Place, Problem

# Files of the platform repo at a commit in, a bundle out; raises `KibanError` for a bad commit.
Compile = Callable[[Mapping[str, str]], Bundle]

# Requests to one cluster at the same time.
PARALLEL_REQUESTS = 32
LEASE_SECONDS = 15.0
# How often the journal is looked into while a person is waited for.
APPROVAL_SECONDS = 1.0
# Whoever watches the status is not told of changes faster than they can be seen.
SHOWN_SECONDS = 0.05
# Nor do they take more than a tenth of the time that delivery itself could use.
WATCHERS_SHARE = 10


def now() -> Instant:
    return Instant(time.time_ns() // 1000)


# Answers for figures of new pods, and never raises.
Figures = Callable[[Measure], Awaitable[Measured]]


class DeliveryDriver:
    """One environment on one cluster, kept as Git wants it until `run` is cancelled.

    `holder` names this process in the lease, so that two never work on one environment.
    """

    def __init__(
        self,
        scope: Scope,
        cluster: ClusterPort,
        journal: Journal,
        *,
        holder: str,
        makes_secrets: bool = False,
        allow_delete: bool = False,
        validates: bool = False,
        measure: Figures | None = None,
    ) -> None:
        self.scope, self.cluster, self.journal, self.holder = scope, cluster, journal, holder
        self.delivery = Delivery(
            scope,
            makes_secrets=makes_secrets,
            allow_delete=allow_delete,
            validates=validates,
            unfinished=journal.open_plans(scope.subject),
        )
        self._measure = measure
        # The last fault of reading the cluster, empty when it can be read.
        self.unavailable = ""
        self._told = False
        self._lease: Lease | None = None
        self._inbox: list[Observation | Answer] = []
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._slots = asyncio.Semaphore(PARALLEL_REQUESTS)
        self._requests: set[asyncio.Task[None]] = set()
        self._watching = Watching(cluster, self._put, self._set_unavailable)

    def commit(self, observation: Desired | Undeliverable) -> None:
        """Say what Git wants now."""
        self._put(observation)

    def status(self) -> DeliveryStatus:
        """Where the delivery stands, with what keeps it from seeing the cluster."""
        status = self.delivery.status()
        if not self.unavailable:
            return status
        problem = Problem(
            "delivery/cluster-unreachable",
            f"The cluster cannot be read: {self.unavailable}",
            Place(thing=self.scope.subject),
            fix="It is tried again all the time; what runs there is not touched meanwhile.",
        )
        return replace(status, problems=(*status.problems, problem))

    async def changes(self, pause_seconds: float = SHOWN_SECONDS) -> AsyncIterator[DeliveryStatus]:
        """The status now and after every change, for whoever shows it; not more often than once
        in `pause_seconds`, and rarer where making it and what is done with it take long."""
        seen, clock = -1, asyncio.get_running_loop().time
        while True:
            async with self._changed:
                while self.delivery.version == seen:
                    await self._changed.wait()
            begun, seen = clock(), self.delivery.version
            yield self.status()
            await asyncio.sleep(max(pause_seconds, WATCHERS_SHARE * (clock() - begun)))

    async def run(self) -> None:
        """Deliver until cancelled. Raises `KibanError` when another process has the lease."""
        self._take_lease()
        renewing = asyncio.create_task(self._renew())
        listening = asyncio.create_task(self._listen_for_approvals())
        try:
            while True:
                await self._turn()
                if renewing.done():
                    renewing.result()
        finally:
            tasks = [renewing, listening, *self._requests]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._watching.stop()
            if self._lease is not None:
                self.journal.release(self._lease)

    async def _turn(self) -> None:
        """Take in all that happened, step once, carry out, and wait for more."""
        self._wake.clear()
        inbox, self._inbox = self._inbox, []
        version = self.delivery.version
        for message in inbox:
            if isinstance(message, Answer):
                self.delivery.post(message, now())
            else:
                self.delivery.observe(message, now())
        asks = self.delivery.step(now())
        self._watching.follow(self.delivery.follows())
        for ask in asks:
            if isinstance(ask, Append):
                await self.journal.append(ask.records, now(), self._lease)
            else:
                self._begin(ask)
        if inbox or asks or self._told or self.delivery.version != version:
            self._told = False
            async with self._changed:
                self._changed.notify_all()
        if not self._inbox:
            await self._sleep()

    async def _sleep(self) -> None:
        due = self.delivery.next_due()
        timeout = None if due is None else max(0.0, seconds_between(now(), due))
        # Not `wait_for`, which can lose the cancellation of a task that is just woken.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._wake.wait()

    def _put(self, message: Observation | Answer) -> None:
        self._inbox.append(message)
        self._wake.set()

    # Requests

    def _begin(self, ask: ObjectAsk | Measure) -> None:
        work = self._look_up(ask) if isinstance(ask, Measure) else self._carry_out(ask)
        task = asyncio.create_task(work)
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _carry_out(self, ask: ObjectAsk) -> None:
        async with self._slots:
            if self.delivery.is_changing_over:
                # What has not been sent yet is not wanted any more.
                self._put(Refused(ask.key, 0, "Superseded", "a newer commit takes over"))
            else:
                self._put(await answer_to(ask, self.cluster, self.scope))

    async def _look_up(self, ask: Measure) -> None:
        if self._measure is None:
            self._put(Measured(ask.gate, "unknown", "nobody measures here", ask.until))
        else:
            self._put(await self._measure(ask))

    def _set_unavailable(self, message: str) -> None:
        if message != self.unavailable:
            self.unavailable = message
            self.delivery.version += 1
            self._told = True
            self._wake.set()

    async def _listen_for_approvals(self) -> None:
        """Look into the journal while a commit waits for a person."""
        while True:
            await asyncio.sleep(APPROVAL_SECONDS)
            if withheld := self.delivery.withheld:
                found = await asyncio.to_thread(
                    self.journal.last, subject=self.scope.subject, kind="event"
                )
                if any(is_approval(entry.record, withheld) for entry in found):
                    self._put(DeletionApproved(withheld))

    # The lease

    def _take_lease(self) -> None:
        name = self.scope.subject
        self._lease = self.journal.take(name, self.holder, now(), LEASE_SECONDS)
        if self._lease is None and has_ended(other := self.journal.holder_of(name)):
            self._lease = self.journal.take(
                name, self.holder, now(), LEASE_SECONDS, instead_of=other
            )
        if self._lease is None:
            problem = Problem(
                "delivery/lease-held",
                f"Another process delivers {name} already: {self.journal.holder_of(name)}.",
                why="Two that act on the same environment would undo each other's work.",
                fix="Use the one that runs (`kiban status`), or stop it (`kiban down`).",
            )
            raise KibanError(problem, Exit.REFUSED)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            try:
                self._take_lease()
            except KibanError:
                self._wake.set()
                raise


async def follow_repository(
    repository: GitRepository,
    drivers: Sequence[tuple[DeliveryDriver, Compile]],
    heads: AsyncIterator[str] | None = None,
) -> None:
    """Give every driver each new commit of the branch (or each of `heads`), compiled; until
    cancelled.

    A bad commit is reported to the driver, which keeps what it has; a driver that has nothing yet
    gets the last commit that its cluster is known to have run.
    """
    async for head in heads or repository.follow():
        commit, files = Commit(head), None
        with contextlib.suppress(KibanError):
            # A repository that cannot be read now is read again when it next moves.
            commit, files = await _read(repository, head)
        if files is None:
            continue
        for driver, compile_ in drivers:
            observation = await asyncio.to_thread(compiled, commit, files, compile_)
            if isinstance(observation, Undeliverable) and driver.status().commit is None:
                await _fall_back(repository, driver, compile_)
            driver.commit(observation)


async def _read(repository: GitRepository, id_: str) -> tuple[Commit, dict[str, str]]:
    entry = await asyncio.to_thread(repository.commit_info, id_)
    files = await asyncio.to_thread(repository.files, id_)
    return Commit(id_, entry.author, entry.message, entry.at, entry.body), files


def compiled(
    commit: Commit, files: Mapping[str, str], compile_: Compile
) -> Desired | Undeliverable:
    """A commit as delivery is told of it."""
    try:
        return Desired(commit, compile_(files))
    except KibanError as error:
        return Undeliverable(commit, error.problems)


async def _fall_back(repository: GitRepository, driver: DeliveryDriver, compile_: Compile) -> None:
    """Keep alive what ran before, when the branch has nothing that could run."""
    for _, ending in driver.journal.endings(driver.scope.subject):
        last = str(ending.facts.get("commit", ""))
        if ending.ending != "done" or not last or not repository.exists(last):
            continue
        commit, files = await _read(repository, last)
        observation = await asyncio.to_thread(compiled, commit, files, compile_)
        if isinstance(observation, Desired):
            driver.commit(observation)
            return


def has_ended(holder: str) -> bool:
    """Whether a holder named `host/pid` was a process of this machine and is no more."""
    host, _, pid = holder.rpartition("/")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
