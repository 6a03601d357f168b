"""`kiban promote`: releases on their way from environment to environment, with what the journal
knows of them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.delivery.releases import known_service, release_path, released
from kiban.operations.gates import gates_of
from kiban.operations.probation import answers, watches
from kiban.operations.promotion import (
    Candidate,
    Facts,
    Reading,
    approvals,
    candidates,
    quarantines,
    readings,
)
from kiban.plans.records import Entry
from kiban.primitives.instants import Instant
from kiban.spec import Platform, load_platform
from kiban.telemetry import deployments
from kiban.wiring.proposing import Proposed, push_promotion, request
from kiban.wiring.record import environment_of, every_entry
from kiban.wiring.release import release_line
from kiban.wiring.repository import home_of


@dataclass(frozen=True, slots=True)
class Judged:
    """A release on its way, and what the gates say."""

    candidate: Candidate
    readings: tuple[Reading, ...]

    @property
    def may_go(self) -> bool:
        return all(reading.answer == "pass" for reading in self.readings)


@dataclass(frozen=True, slots=True)
class Promoted:
    """What was promoted, by which commit (empty when nothing was), and what had to stay."""

    source: str
    target: str
    judged: tuple[Judged, ...]
    commit: str = ""
    proposed: Proposed | None = None

    @property
    def held(self) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if not each.may_go)

    def as_data(self) -> dict[str, object]:
        return {
            "from": self.source,
            "to": self.target,
            "commit": self.commit,
            "branch": self.proposed.branch if self.proposed else "",
            "pullRequest": self.proposed.url if self.proposed else "",
            "releases": [
                {
                    "service": each.candidate.service,
                    "tag": each.candidate.tag,
                    "before": each.candidate.current,
                    "promoted": bool(self.commit) and each.may_go,
                    "gates": [
                        {"gate": one.gate, "answer": one.answer, "words": one.words}
                        for one in each.readings
                    ],
                }
                for each in self.judged
            ],
        }


def promote(
    source: str,
    target: str,
    services: Sequence[str],
    *,
    only_look: bool = False,
    by_request: bool = False,
) -> Promoted:
    """Copy releases from one environment to another, those whose gates all pass, in one commit;
    `by_request` on a branch with a pull request.

    Raises `KibanError` for names that are not there.
    """
    repository = home_of().repository()
    platform = load_platform(repository.files(repository.head()))
    for name in (source, target):
        platform.environment(name)
    for service in services:
        known_service(service, platform.services[target])
    wanted = candidates(_releases(repository, source), _releases(repository, target), services)
    facts = facts_of(platform, source, list(every_entry()))
    found = judged(platform, target, wanted, facts, wall_clock())
    going = [each for each in found if each.may_go]
    if only_look or not going:
        return Promoted(source, target, found)
    tags = {each.candidate.service: each.candidate.tag for each in going}
    message = message_of(going, source, target)
    if by_request:
        pushed = push_promotion(repository, target, tags, message)
        asked = asyncio.run(request(pushed, message)) if pushed else None
        return Promoted(source, target, found, proposed=asked)
    commit = release_line(repository, target, tags, message)
    return Promoted(source, target, found, commit)


def judged(
    platform: Platform,
    target: str,
    wanted: Iterable[Candidate],
    facts: Facts,
    now: Instant,
) -> tuple[Judged, ...]:
    """What the gates on the way into an environment say of releases."""
    into = platform.environment(target)
    return tuple(Judged(each, tuple(readings(each, target, into, facts, now))) for each in wanted)


def facts_of(
    platform: Platform,
    source: str,
    entries: Sequence[Entry],
    *,
    left: Mapping[str, frozenset[str]] | None = None,
) -> Facts:
    """What the journal knows of an environment that releases come from."""
    ran = [each for each in deployments(entries) if environment_of(each.subject) == source]
    subjects = dict.fromkeys(each.subject for each in ran)
    environment = platform.environment(source)
    return Facts(
        ran,
        quarantines(entries),
        approvals(entries),
        gates={
            name: tuple(gates_of(environment, service))
            for name, service in platform.services[source].items()
        },
        watches=[
            watch
            for subject in subjects
            for watch in watches(source, [each for each in ran if each.subject == subject])
        ],
        answers=answers(entries),
        left=left or {},
    )


def message_of(going: Iterable[Judged], source: str, target: str) -> str:
    """Of a commit that promotes: what, and below it what every gate said."""
    releases = [(each.candidate, each.readings) for each in going]
    words = ", ".join(f"{one.service}={one.tag}" for one, _ in releases)
    lines = [
        f"{one.service} {reading.gate}: {reading.words}"
        for one, said in releases
        for reading in said
    ]
    return "\n".join([f"Promote {words} from {source} to {target}", "", *lines])


def _releases(repository: GitRepository, environment: str) -> dict[str, str]:
    return released(repository.file(repository.head(), release_path(environment)) or "")
