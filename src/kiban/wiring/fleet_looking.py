"""`kiban fleet`: every member of a fleet looked at once from outside, all at the same time.

A cluster that does not answer costs its patience and nothing else; what was known of it last
comes from the journal, with its age.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.fleet.link import Connect
from kiban.adapters.git import GitRepository
from kiban.adapters.journal import JournalReader
from kiban.adapters.kubernetes import KubernetesCluster
from kiban.compiler import Bundle
from kiban.delivery.delivery import Delivery
from kiban.delivery.fleet import Member, Report
from kiban.delivery.fleet.rollout import held_from
from kiban.delivery.fleet.status import FleetStatus, MemberStatus
from kiban.delivery.judgement import ADVISORY_KINDS, WELL
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired, Listed
from kiban.delivery.preview import preview
from kiban.delivery.status import ServiceStatus
from kiban.kube.objects import get_in
from kiban.kube.ports import ApiError
from kiban.plans.records import Entry, Event
from kiban.primitives.instants import Instant, parse_rfc3339, seconds_between
from kiban.primitives.problems import KibanError
from kiban.spec import Platform, load_platform
from kiban.wiring.fleets import FleetWish, connect_by, fleet_compiler, pace_of, subject_of
from kiban.wiring.repository import Home, home_of

# A cluster that takes longer is told as one that does not answer.
PATIENCE_SECONDS = 10.0
# Clusters that are looked at at the same time.
AT_ONCE = 8


@dataclass(slots=True)
class _Look:
    """One look at a fleet; bundles are made once for each commit and member."""

    home: Home
    repository: GitRepository
    platform: Platform
    connect: Connect
    known: Mapping[str, Entry]
    held: Mapping[str, str]
    slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    compilers: dict[str, Callable[[Member], Bundle]] = field(default_factory=dict)

    async def member(self, member: Member) -> MemberStatus:
        async with self.slots:
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    return await self._seen(member)
            except TimeoutError:
                return self._unseen(member, f"no answer within {PATIENCE_SECONDS:g} s")
            except ApiError as error:
                return self._unseen(member, str(error))
            except KibanError as error:
                return self._unseen(member, error.problems[0].what)

    async def _seen(self, member: Member) -> MemberStatus:
        scope = self._scope(member)
        async with await asyncio.to_thread(self.connect, member.cluster) as cluster:
            record = await cluster.get(scope.record_key)
            delivered: str = get_in(record or {}, "data", "commit", default="")
            commit = delivered or self.held.get(member.name, "")
            found = MemberStatus(
                member, Report("yes", delivered=delivered), seconds_since_contact=0.0,
                held=self.held.get(member.name, delivered),
            )  # fmt: skip
            if not commit or not self.repository.exists(commit):
                message = "nothing was delivered yet" if not commit else "its commit is not in Git"
                return replace(found, report=replace(found.report, message=message))
            try:
                bundle = (await self._compiler(commit))(member)
            except KibanError as error:
                message = f"its commit is no good any more: {error.problems[0].what}"
                return replace(found, report=replace(found.report, message=message))
            seen = await _compared(found, cluster, scope, Desired(Commit(commit), bundle))
            # While a newer commit is on its way, what differs is not drift.
            return seen if found.held == commit else replace(seen, drift=None)

    async def _compiler(self, commit: str) -> Callable[[Member], Bundle]:
        """What compiles a commit for a member; each commit is read once."""
        async with self.reading:
            if commit not in self.compilers:
                prepare = fleet_compiler(self.repository, self.home.state.journal)
                files = await asyncio.to_thread(self.repository.files, commit)
                self.compilers[commit] = await asyncio.to_thread(prepare, files)
            return self.compilers[commit]

    def _unseen(self, member: Member, fault: str) -> MemberStatus:
        """What the journal knows of a cluster that does not answer."""
        last, delivered = self._last_known(member)
        age = None if last is None else seconds_between(last, wall_clock())
        return MemberStatus(
            member, Report("no", delivered=delivered), self.held.get(member.name, delivered),
            seconds_since_contact=age, fault=fault,
        )  # fmt: skip

    def _last_known(self, member: Member) -> tuple[Instant | None, str]:
        """When a cluster was heard of last, and which commit it ran in full then."""
        reader, subject = JournalReader(self.home.state.journal), self._scope(member).subject
        times = [entry.at for entry in reader.last(1, subject=subject)]
        endings = [end for _, end in reader.endings(subject) if end.ending == "done"]
        delivered = str(endings[0].facts.get("commit", "")) if endings else ""
        entry = self.known.get(member.name)
        if entry is not None and isinstance(entry.record, Event):
            data = entry.record.data
            times += [parse_rfc3339(str(data["last"]))] if data.get("last") else []
            delivered = str(data.get("delivered", "")) or delivered
        return max(times, default=None), delivered

    def _scope(self, member: Member) -> Scope:
        namespace = self.platform.namespace_of(member.environment)
        return Scope(self.platform.name, member.environment, member.cluster, namespace)


async def _compared(
    found: MemberStatus, cluster: KubernetesCluster, scope: Scope, desired: Desired
) -> MemberStatus:
    """What a cluster has, held against the commit that it says it runs."""
    delivery = Delivery(scope)
    delivery.observe(desired, wall_clock())
    delivery.step(wall_clock())
    follows = delivery.follows()
    lists = await asyncio.gather(
        *(cluster.list(follow.kind, namespace=follow.namespace) for follow in follows)
    )
    listings = [Listed(follow, one.items) for follow, one in zip(follows, lists, strict=True)]
    for listing in listings:
        delivery.observe(listing, wall_clock())
    delivery.step(wall_clock())
    drift = preview(desired.bundle, scope, listings)
    status = delivery.status()
    words = _first_fault(status.services)
    report = Report(
        "yes", "degraded" if words else "synced", desired.commit.id, found.report.delivered,
        is_ready=not words and bool(found.report.delivered), message=words,
    )  # fmt: skip
    return replace(found, report=report, drift=len(drift.changes))


def _first_fault(services: Iterable[ServiceStatus]) -> str:
    """The first thing that is not well and that counts."""
    for service in services:
        for entry in service.objects:
            if entry.status not in WELL and entry.key.group_kind not in ADVISORY_KINDS:
                return f"{service.name}: {entry.message or entry.status}"
    return ""


async def look_at_fleet(wish: FleetWish) -> FleetStatus:
    """Where every member of the fleet stands now. Raises `KibanError` when there is no fleet."""
    home = home_of(wish.source)
    repository = home.repository(wish.branch)
    head = repository.head()
    platform = load_platform(repository.files(head))
    pace = pace_of(platform, wish)
    subject = subject_of(platform)
    reader = JournalReader(home.state.journal)
    entries = reader.last(subject=subject)
    look = _Look(
        home, repository, platform, connect_by(platform), _last_seen(entries),
        held_from(entry.record for entry in entries),
    )  # fmt: skip
    members = await asyncio.gather(
        *(look.member(pace.members[name]) for name in sorted(pace.members))
    )
    state, message = _rollout(reader, subject)
    rings = tuple(ring.name for ring in pace.rings)
    with suppress(KibanError):
        told = repository.commit_info(head)
        commit = Commit(head, told.author, told.message, told.at)
        return FleetStatus(subject, commit, state, message, rings, tuple(members))
    return FleetStatus(subject, Commit(head), state, message, rings, tuple(members))


def _last_seen(entries: list[Entry]) -> dict[str, Entry]:
    """When contact to a member was lost last, by its name."""
    return {
        str(entry.record.data["member"]): entry
        for entry in entries
        if isinstance(entry.record, Event) and entry.record.code == "fleet/lost"
    }


def _rollout(reader: JournalReader, subject: str) -> tuple[str, str]:
    """How the newest rollout is doing."""
    if opened := reader.open_plans(subject):
        return "running", opened[-1].plan.words
    endings = reader.endings(subject, 1)
    return (endings[0][1].ending, endings[0][1].message) if endings else ("", "")
