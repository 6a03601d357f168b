"""Asks the gates of an environment about the releases that run there, writes their answers down,
and takes back what failed: quarantined first, then rolled back by a commit."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from kiban.delivery.marks import Scope
from kiban.delivery.releases import release_path, released, with_release
from kiban.operations.gates import (
    Measured,
    Subject,
    Verdict,
    baseline_question,
    gates_of,
    question,
    verdict,
)
from kiban.operations.probation import (
    GateKey,
    Watch,
    answer_of,
    answered,
    pause_seconds,
    pending,
    record,
    watches,
)
from kiban.operations.promotion import quarantine_of
from kiban.operations.rollback import Rollback, quarantined_by, rollbacks
from kiban.operations.stuck import stuck
from kiban.plans.records import Record
from kiban.primitives.instants import Instant, later
from kiban.spec.gates import MetricGate
from kiban.wiring.tending.house import House

# Questions to sources at the same time.
PARALLEL_QUESTIONS = 8


@dataclass(frozen=True, slots=True)
class Asking:
    """A gate that is still open about a release that runs."""

    scope: Scope
    watch: Watch
    name: str
    gate: MetricGate


class Gatekeeper:
    """One of a process. `ask` and `take_back` may be called as often as one likes: what they look
    at is worked out when it has changed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._due: dict[GateKey, Instant] = {}
        self._slots = asyncio.Semaphore(PARALLEL_QUESTIONS)
        self._open: Sequence[Asking] = ()
        self._of: object = None

    async def ask(self) -> None:
        """Ask every gate whose time has come, and write down what is new."""
        if self._of != self._house.version:
            self._open, self._of = list(self._all_open()), self._house.version
        now = self._house.clock()
        due = [each for each in self._open if now >= self._due.get(_key(each), now)]
        for records in await asyncio.gather(*map(self._ask, due)):
            if records:
                await self._house.write(records)

    async def give_up(self) -> None:
        """Write down the releases that have had their time and did not become well."""
        house = self._house
        for scope in house.scopes:
            environment = scope.environment
            failed = house.view.failed.get(scope.subject)
            if not failed or environment not in house.platform.environments:
                continue
            found = stuck(
                (environment, house.platform.environment(environment)),
                house.view.of(scope.subject),
                failed,
                house.released(environment),
                house.clock(),
            )
            for watch, said in found:
                if quarantine_of(watch.service, watch.tag, house.view.quarantines) is None:
                    await house.write([answer_of(watch, said), quarantined_by(watch, said)])

    async def take_back(self) -> None:
        """Commit a rollback of every release that failed a gate and is still in Git."""
        house = self._house
        for scope in house.scopes if house.view.quarantines else ():
            environment = scope.environment
            found = rollbacks(
                environment,
                house.released(environment),
                house.view.quarantines,
                house.view.of(scope.subject),
            )
            for each in found:
                if await asyncio.to_thread(self._commit, each):
                    house.say(f"{each.message.splitlines()[0]}: {each.why}")

    def _all_open(self) -> Iterator[Asking]:
        for scope in self._house.scopes:
            for watch in self._watched(scope):
                for name, gate in self._gates(scope, watch).items():
                    yield Asking(scope, watch, name, gate)

    def _watched(self, scope: Scope) -> Sequence[Watch]:
        """The releases that run and that Git still wants."""
        wanted = self._house.released(scope.environment)
        found = watches(scope.environment, self._house.view.of(scope.subject))
        held = self._house.view.quarantines
        return [
            watch
            for watch in found
            if wanted.get(watch.service) == watch.tag
            and quarantine_of(watch.service, watch.tag, held) is None
        ]

    def _gates(self, scope: Scope, watch: Watch) -> Mapping[str, MetricGate]:
        platform = self._house.platform
        if watch.environment not in platform.environments:
            return {}
        service = platform.services_on(watch.environment, scope.cluster).get(watch.service)
        if service is None:
            return {}
        gates = gates_of(platform.environment(watch.environment), service)
        return pending(watch, gates, self._house.view.answers)

    async def _ask(self, asking: Asking) -> Sequence[Record]:
        async with self._slots:
            found = await self._verdict(asking)
        now = self._house.clock()
        self._due[_key(asking)] = later(now, pause_seconds(asking.gate))
        last = answered(asking.watch, asking.name, self._house.view.answers)
        written = record(asking.watch, asking.gate, found, last, now)
        if written is None:
            return ()
        if found.answer == "fail":
            return (written, quarantined_by(asking.watch, found))
        return (written,)

    async def _verdict(self, asking: Asking) -> Verdict:
        house, scope = self._house, asking.scope
        watch, gate = asking.watch, asking.gate
        subject = Subject(watch.service, watch.environment, scope.namespace, scope.cluster)
        asked = question(gate, subject, watch.since, house.clock())
        there = "" if gate.baseline not in house.platform.environments else gate.baseline or ""
        namespace = house.platform.namespace_of(there) if there else ""
        beside = baseline_question(gate, asked, began=watch.began, namespace=namespace)
        found = await house.metrics.measure(asked)
        baseline: Measured | None = None
        if beside is not None:
            baseline = await house.metrics.measure(beside)
        return verdict(asking.name, gate, found, baseline)

    def _commit(self, wanted: Rollback) -> bool:
        """Commit it, unless Git has moved on meanwhile; whether it did."""
        path = release_path(wanted.environment)
        changed = False

        def change(text: str) -> str:
            nonlocal changed
            changed = released(text).get(wanted.service) == wanted.tag
            return with_release(text, wanted.service, wanted.to, path=path) if changed else text

        self._house.repository.edit(path, change, wanted.message)
        return changed


def _key(asking: Asking) -> GateKey:
    return asking.watch.key(asking.name)
