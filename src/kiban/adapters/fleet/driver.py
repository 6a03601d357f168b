"""Runs a fleet in an asyncio loop: a delivery for each member, one rollout over all of them.

Each cluster has a task of its own, so that one which hangs, refuses its credential or is gone
holds up nobody. What the rollout decides is in the journal before a member is told of it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from kiban.adapters.delivery_driver import DeliveryDriver, now
from kiban.adapters.fleet.compiling import CompileFleet, compiled_for, read_commit
from kiban.adapters.fleet.leasing import held_lease
from kiban.adapters.fleet.link import PROBE_SECONDS, Connect, Link, Links
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import Journal
from kiban.adapters.kubernetes import KubernetesCluster
from kiban.delivery.fleet import FleetRollout, HandOver, Member, Offer, Pace, Report
from kiban.delivery.fleet.rollout import held_from
from kiban.delivery.fleet.status import FleetStatus, MemberStatus
from kiban.delivery.messages import Append, Commit, Desired, Undeliverable
from kiban.delivery.status import DeliveryStatus
from kiban.plans.plan import Lease
from kiban.plans.records import Event
from kiban.primitives.instants import rfc3339, seconds_between
from kiban.primitives.problems import KibanError, Problem

# A delivery for a member on its connected cluster.
MakeDriver = Callable[[Member, KubernetesCluster], DeliveryDriver]

# Requests to each cluster at the same time; a fleet shares one process.
CONNECTIONS = 8
# A member's status is looked at no more often than so.
LOOK_SECONDS = 0.1
RETRY_SECONDS = 15.0
# Whoever watches the fleet is not told of changes faster than they can be seen.
SHOWN_SECONDS = 0.2
# Of the fleet's own records, enough to know what each member was given last.
REMEMBERED = 5_000

LOST, FOUND = "fleet/lost", "fleet/found"


class FleetDriver:
    """All members of a fleet, kept as Git and the rings want it until `run` is cancelled."""

    def __init__(
        self,
        subject: str,
        pace: Pace,
        journal: Journal,
        connect: Connect,
        make: MakeDriver,
        compile_: CompileFleet,
        *,
        holder: str,
        probe_seconds: float = PROBE_SECONDS,
    ) -> None:  # fmt: skip
        self.pace, self.journal, self.holder = pace, journal, holder
        self._make, self._compile = make, compile_
        records = [entry.record for entry in journal.last(REMEMBERED, subject=subject)]
        unfinished = journal.open_plans(subject)
        history = [one for plan in unfinished for one in journal.plan_history(plan.plan.id)]
        self.rollout = FleetRollout(subject, pace, held_from(records), unfinished, history)
        self.links = Links(connect, self._link_changed, seconds=probe_seconds)
        self.drivers: dict[str, DeliveryDriver] = {}
        # What each member is to run, and what it would get next, or why it cannot.
        self._desired: dict[str, Desired] = {}
        self._next: dict[str, Desired] = {}
        self._rejected: dict[str, Undeliverable] = {}
        self._told: list[Event] = []
        # Set when the cluster of a member answers again.
        self._found: dict[str, asyncio.Event] = {}
        self._wake = asyncio.Event()
        self._changed = asyncio.Condition()

    async def run(self, repository: GitRepository) -> None:
        """Follow the repository until cancelled. Raises `KibanError` when another process keeps
        the fleet."""
        async with held_lease(self.journal, self.rollout.subject, self.holder) as lease:
            clusters = sorted({member.cluster for member in self.pace.members.values()})
            async with asyncio.TaskGroup() as group:
                group.create_task(self._follow(repository), name="repository")
                group.create_task(self._turns(lease), name="rollout")
                for cluster in clusters:
                    work = partial(self._serve, cluster)
                    group.create_task(self.links.serve(cluster, work), name=cluster)

    def status(self) -> FleetStatus:
        """Where every member stands."""
        members = [self._member_status(name) for name in sorted(self.pace.members)]
        offer, run = self.rollout.offer, self.rollout.run
        return FleetStatus(
            self.rollout.subject,
            offer.commit if offer else None,
            run.ending or "running" if run else "",
            run.message if run else "",
            tuple(ring.name for ring in self.pace.rings),
            tuple(members),
            offer.problems if offer else (),
        )

    async def until(self, wanted: Callable[[FleetStatus], bool]) -> FleetStatus:
        """Wait until the fleet is as wanted."""
        async with self._changed:
            while not wanted(found := self.status()):
                await self._changed.wait()
            return found

    async def changes(self) -> AsyncIterator[FleetStatus]:
        """The status now and after every change, for whoever shows it."""
        while True:
            yield self.status()
            async with self._changed:
                await self._changed.wait()
            await asyncio.sleep(SHOWN_SECONDS)

    # Members

    async def _serve(self, cluster: str, connected: KubernetesCluster) -> None:
        """Every member on a cluster, each by itself."""
        names = [name for name, one in self.pace.members.items() if one.cluster == cluster]
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(self._keep(self.pace.members[name], connected), name=name)

    async def _keep(self, member: Member, connected: KubernetesCluster) -> None:
        """Deliver to a member; anew when its cluster answers again, since the watches of before
        may be dead without knowing it, and when another process had its lease."""
        while True:
            self._found[member.name] = asyncio.Event()
            driver = self.drivers[member.name] = self._make(member, connected)
            if member.name in self._desired:
                driver.commit(self._desired[member.name])
            if member.name in self._rejected:
                driver.commit(self._rejected[member.name])
            watching = asyncio.create_task(self._watch(member, driver))
            try:
                await _until_either(driver.run(), self._found[member.name].wait())
            except KibanError as error:
                words = error.problems[0].what
                self._report(member.name, Report(phase="waiting", message=words))
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)

    async def _watch(self, member: Member, driver: DeliveryDriver) -> None:
        async for _ in driver.changes(LOOK_SECONDS):
            self._report_driver(member, driver)

    def _report_driver(self, member: Member, driver: DeliveryDriver) -> None:
        link, status = self.links[member.cluster], driver.delivery.status()
        contact = link.contact if not driver.unavailable or link.contact != "yes" else "no"
        report = Report(
            contact,
            status.phase,
            status.commit.id if status.commit else "",
            status.delivered,
            status.is_ready,
            _words(status),
        )
        self._report(member.name, report)

    def _report(self, name: str, report: Report) -> None:
        self.rollout.report(name, report)
        self._wake.set()

    def _link_changed(self, cluster: str) -> None:
        """Tell the members, and the journal when contact is lost or found."""
        link = self.links[cluster]
        for name, member in sorted(self.pace.members.items()):
            if member.cluster != cluster:
                continue
            if link.contact == "no":
                self._tell_lost(name, link)
            elif self.rollout.report_of(name).contact == "no":
                self._tell(FOUND, name, f"{name} answers again")
                if name in self._found:
                    self._found[name].set()
            if name in self.drivers:
                self._report_driver(member, self.drivers[name])
            else:
                self._report(name, Report(link.contact, message=link.fault))
        self._wake.set()

    def _tell_lost(self, name: str, link: Link) -> None:
        known, fault = self.rollout.report_of(name), link.fault
        data = {"delivered": known.delivered, "phase": known.phase, "message": known.message}
        data |= {"last": rfc3339(link.last)} if link.last is not None else {}
        self._tell(LOST, name, f"{name} cannot be reached: {fault}", data)

    def _tell(
        self, code: str, name: str, message: str, data: Mapping[str, object] | None = None
    ) -> None:
        about = {"member": name, **(data or {})}
        self._told.append(Event(code, self.rollout.subject, message, data=about))

    def _member_status(self, name: str) -> MemberStatus:
        member, report = self.pace.members[name], self.rollout.report_of(name)
        link = self.links[member.cluster]
        age = None if link.last is None else seconds_between(link.last, now())
        driver = self.drivers.get(name)
        return MemberStatus(
            member,
            report,
            held=self.rollout.held.get(name, ""),
            step=self.rollout.step_state(name),
            seconds_since_contact=age,
            fault=link.fault or (driver.unavailable if driver else ""),
        )

    # Rollouts

    async def _turns(self, lease: Lease) -> None:
        while True:
            self._wake.clear()
            told, self._told = self._told, []
            await self.journal.append(told, now(), lease)
            for ask in self.rollout.step(now()):
                if isinstance(ask, Append):
                    await self.journal.append(ask.records, now(), lease)
                else:
                    self._hand_over(ask)
            async with self._changed:
                self._changed.notify_all()
            due = self.rollout.next_due()
            timeout = None if due is None else max(0.0, seconds_between(now(), due))
            # Not `wait_for`, which can lose the cancellation of a task that is just woken.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._wake.wait()

    def _hand_over(self, ask: HandOver) -> None:
        desired = self._next.get(ask.member)
        assert desired is not None, "only what was compiled is offered"
        assert desired.commit.id == ask.commit, "only the newest commit is offered"
        self._desired[ask.member] = desired
        self._rejected.pop(ask.member, None)
        if ask.member in self.drivers:
            self.drivers[ask.member].commit(desired)
        self._wake.set()

    # Commits

    async def _follow(self, repository: GitRepository) -> None:
        await self._take_up(repository)
        async for head in repository.follow():
            try:
                commit, files = await read_commit(repository, head)
            except KibanError:
                # A repository that cannot be read now is read again when it next moves.
                continue
            await self._offer(commit, files)

    async def _take_up(self, repository: GitRepository) -> None:
        """Have every member go on with what it was given before this process began."""
        by_commit: dict[str, list[Member]] = {}
        for name, commit_id in sorted(self.rollout.held.items()):
            if name in self.pace.members:
                by_commit.setdefault(commit_id, []).append(self.pace.members[name])
        for commit_id, members in by_commit.items():
            if not repository.exists(commit_id):
                continue
            commit, files = await read_commit(repository, commit_id)
            compiled = await compiled_for(members, commit, files, self._compile)
            for name, found in compiled.items():
                if isinstance(found, Desired):
                    self._desired[name] = found
                    if name in self.drivers:
                        self.drivers[name].commit(found)

    async def _offer(self, commit: Commit, files: Mapping[str, str]) -> None:
        members = [self.pace.members[name] for name in sorted(self.pace.members)]
        compiled = await compiled_for(members, commit, files, self._compile)
        self._next = {name: one for name, one in compiled.items() if isinstance(one, Desired)}
        self._rejected = {
            name: one for name, one in compiled.items() if isinstance(one, Undeliverable)
        }
        for name, rejected in self._rejected.items():
            if name in self.drivers:
                self.drivers[name].commit(rejected)
        changes = frozenset(
            name
            for name, desired in self._next.items()
            if name not in self._desired or self._desired[name].bundle != desired.bundle
        )
        self.rollout.take(Offer(commit, changes, self._problems(), frozenset(self._rejected)))
        self._wake.set()

    def _problems(self) -> tuple[Problem, ...]:
        """What keeps the commit from the rings, each once."""
        found = [
            problem
            for name, rejected in self._rejected.items()
            if self.pace.members[name].ring
            for problem in rejected.problems
        ]
        return tuple(dict.fromkeys(found))


async def _until_either(
    work: Coroutine[Any, Any, object], other: Coroutine[Any, Any, object]
) -> None:
    """Until one of the two has ended, and the other is ended; raises what that raised."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(other)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def _words(status: DeliveryStatus) -> str:
    """The first thing to know about a delivery that is not done."""
    if status.problems:
        return status.problems[0].what
    bad = next((one for one in status.services if one.status != "Healthy"), None)
    return f"{bad.name}: {bad.message or bad.status}" if bad else status.message
