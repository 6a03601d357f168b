"""`kiban fleet`: every member of a fleet looked at once from outside, all at the same time.

A cluster that does not answer costs its patience and nothing else; what was known of it last
comes from the journal, with its age.
"""

import asyncio
from collections.abc import Mapping
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
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Commit, Desired, Listed
from kiban.delivery.preview import preview
from kiban.kube.objects import get_in
from kiban.kube.ports import ApiError
from kiban.plans.records import Entry, Event
from kiban.primitives.instants import seconds_between
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
        namespace = self.platform.namespace_of(member.environment)
        scope = Scope(self.platform.name, member.environment, member.cluster, namespace)
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
            bundle = await asyncio.to_thread(self._bundle, member, commit)
            return await _compared(found, cluster, scope, Desired(Commit(commit), bundle))

    def _bundle(self, member: Member, commit: str) -> Bundle:
        files = self.repository.files(commit)
        return fleet_compiler(self.repository, self.home.state.journal)(files)(member)

    def _unseen(self, member: Member, fault: str) -> MemberStatus:
        entry = self.known.get(member.name)
        data = entry.record.data if entry and isinstance(entry.record, Event) else {}
        age = seconds_between(entry.at, wall_clock()) if entry else None
        delivered = str(data.get("delivered", ""))
        return MemberStatus(
            member, Report("no", delivered=delivered), self.held.get(member.name, delivered),
            seconds_since_contact=age, fault=fault,
        )  # fmt: skip


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
    bad = next((one for one in status.services if one.status != "Healthy"), None)
    words = f"{bad.name}: {bad.message or bad.status}" if bad else ""
    report = Report(
        "yes", "degraded" if bad else "synced", desired.commit.id, found.report.delivered,
        is_ready=bad is None and bool(found.report.delivered), message=words,
    )  # fmt: skip
    return replace(found, report=report, drift=len(drift.changes))


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
