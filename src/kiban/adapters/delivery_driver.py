"""Runs deliveries in an asyncio loop: follows a Git branch and a cluster, and does what is asked.

One driver per environment and cluster. It takes in everything that has happened, steps the state
machine once, writes to the journal what must be written first, and sends requests side by side.
Between changes it sleeps: nothing is polled but the branch.
"""

import asyncio
import contextlib
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace

from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.adapters.kubernetes.informer import Unavailable, follow
from kiban.adapters.sources.opening import open_sealed
from kiban.compiler.bundle import Bundle, SecretNeed
from kiban.delivery.delivery import Delivery
from kiban.delivery.marks import FIELD_MANAGER, Scope
from kiban.delivery.messages import (
    Accepted,
    Answer,
    Append,
    Applied,
    Apply,
    Commit,
    Conflict,
    Desired,
    DryRun,
    Follow,
    Gone,
    Listed,
    LogRead,
    MakeSecret,
    ObjectAsk,
    Observation,
    ReadLog,
    Refused,
    Release,
    Remove,
    Removed,
    Seen,
    Undeliverable,
)
from kiban.delivery.secret_values import opened_manifest, secret_manifest
from kiban.delivery.status import DeliveryStatus
from kiban.kube.objects import Manifest
from kiban.kube.ports import ApiError, ClusterPort, Listing
from kiban.plans.plan import Lease
from kiban.primitives.instants import Instant, seconds_between
from kiban.primitives.problems import Exit, KibanError, Place, Problem

# Files of the platform repo at a commit in, a bundle out; raises `KibanError` for a bad commit.
Compile = Callable[[Mapping[str, str]], Bundle]

# Requests to one cluster at the same time.
PARALLEL_REQUESTS = 32
LEASE_SECONDS = 15.0
# Whoever watches the status is not told of changes faster than they can be seen.
SHOWN_SECONDS = 0.05
# Bytes of chance in a generated secret value, written in hexadecimal.
TOKEN_BYTES = 16
# Of the log of a hook that failed.
LOG_LINES = 20


def now() -> Instant:
    return Instant(time.time_ns() // 1000)


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
    ) -> None:
        self.scope, self.cluster, self.journal, self.holder = scope, cluster, journal, holder
        self.delivery = Delivery(
            scope,
            makes_secrets=makes_secrets,
            allow_delete=allow_delete,
            validates=validates,
            unfinished=journal.open_plans(scope.subject),
        )
        # The last fault of reading the cluster, empty when it can be read.
        self.unavailable = ""
        self._told = False
        self._lease: Lease | None = None
        self._inbox: list[Observation | Answer] = []
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()
        self._slots = asyncio.Semaphore(PARALLEL_REQUESTS)
        self._requests: set[asyncio.Task[None]] = set()
        self._informers: dict[Follow, asyncio.Task[None]] = {}

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
        in `pause_seconds`."""
        seen = -1
        while True:
            async with self._changed:
                while self.delivery.version == seen:
                    await self._changed.wait()
            seen = self.delivery.version
            yield self.status()
            await asyncio.sleep(pause_seconds)

    async def run(self) -> None:
        """Deliver until cancelled. Raises `KibanError` when another process has the lease."""
        self._take_lease()
        renewing = asyncio.create_task(self._renew())
        try:
            while True:
                await self._turn()
                if renewing.done():
                    renewing.result()
        finally:
            tasks = [renewing, *self._requests, *self._informers.values()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._lease is not None:
                self.journal.release(self._lease)

    async def _turn(self) -> None:
        """Take in all that happened, step once, carry out, and wait for more."""
        self._wake.clear()
        inbox, self._inbox = self._inbox, []
        for message in inbox:
            if isinstance(message, Answer):
                self.delivery.post(message, now())
            else:
                self.delivery.observe(message, now())
        asks = self.delivery.step(now())
        self._follow_what_is_needed()
        for ask in asks:
            if isinstance(ask, Append):
                await self.journal.append(ask.records, now(), self._lease)
            else:
                self._begin(ask)
        if inbox or asks or self._told:
            self._told = False
            async with self._changed:
                self._changed.notify_all()
        if not self._inbox:
            await self._sleep()

    async def _sleep(self) -> None:
        due = self.delivery.next_due()
        timeout = None if due is None else max(0.0, seconds_between(now(), due))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)

    def _put(self, message: Observation | Answer) -> None:
        self._inbox.append(message)
        self._wake.set()

    # Requests

    def _begin(self, ask: ObjectAsk) -> None:
        task = asyncio.create_task(self._carry_out(ask))
        self._requests.add(task)
        task.add_done_callback(self._requests.discard)

    async def _carry_out(self, ask: ObjectAsk) -> None:
        async with self._slots:
            try:
                self._put(await self._request(ask))
            except ApiError as error:
                conflicts = _conflicts(error)
                self._put(Refused(ask.key, error.code, error.reason, str(error), conflicts))

    async def _request(self, ask: ObjectAsk) -> Answer:
        match ask:
            case Apply():
                found = await self.cluster.apply(
                    ask.manifest, manager=FIELD_MANAGER, force=ask.force
                )
                return Applied(ask.key, found)
            case MakeSecret():
                # Read again: what was seen may be older than what another process has made.
                live = await self.cluster.get(ask.key)
                secret = await self._secret(ask.need, live)
                found = await self.cluster.apply(secret, manager=FIELD_MANAGER, force=True)
                return Applied(ask.key, found)
            case Remove():
                await self.cluster.delete(ask.key, uid=ask.uid)
                return Removed(ask.key)
            case DryRun():
                await self.cluster.apply(
                    ask.manifest, manager=FIELD_MANAGER, force=True, dry_run=True
                )
                return Accepted(ask.key)
            case Release():
                patch = {"metadata": {"finalizers": list(ask.finalizers)}}
                return Applied(ask.key, await self.cluster.patch(ask.key, patch))
            case ReadLog():
                lines = self.cluster.logs(ask.key, container=ask.container, tail=LOG_LINES)
                text = b"".join([piece async for piece in lines])
                return LogRead(ask.key, text.decode(errors="replace"))

    async def _secret(self, need: SecretNeed, live: Manifest | None) -> Manifest:
        if not need.sealed:
            return secret_manifest(need, live, self.scope, _token)
        try:
            opened = await asyncio.to_thread(open_sealed, need.sealed)
        except KibanError as error:
            raise ApiError(0, "CannotOpen", error.problems[0].what) from error
        return opened_manifest(need, opened, self.scope)

    # Watching

    def _follow_what_is_needed(self) -> None:
        needed = self.delivery.follows()
        for item in needed:
            if item not in self._informers:
                self._informers[item] = asyncio.create_task(self._inform(item))
        if len(self._informers) > len(needed):
            for item in [item for item in self._informers if item not in needed]:
                self._informers.pop(item).cancel()

    async def _inform(self, item: Follow) -> None:
        async for event in follow(self.cluster, item.kind, namespace=item.namespace):
            if isinstance(event, Unavailable):
                self._set_unavailable(str(event.error))
                continue
            self._set_unavailable("")
            if isinstance(event, Listing):
                self._put(Listed(item, event.items))
            elif event.type == "DELETED":
                self._put(Gone(event.object))
            else:
                self._put(Seen(event.object))

    def _set_unavailable(self, message: str) -> None:
        if message != self.unavailable:
            self.unavailable = message
            self.delivery.version += 1
            self._told = True
            self._wake.set()

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
    return Commit(id_, entry.author, entry.message, entry.at), files


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


def _conflicts(error: ApiError) -> tuple[Conflict, ...]:
    """The fields that others own, of an apply that was refused for them."""
    causes = error.details.get("causes") or ()
    return tuple(
        Conflict(str(cause.get("message", "")), str(cause.get("field", "")))
        for cause in causes
        if cause.get("reason") == "FieldManagerConflict"
    )


def _token() -> str:
    return secrets.token_hex(TOKEN_BYTES)


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
