"""`kiban promote`: releases on their way from environment to environment, with what the journal
knows of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.git import GitRepository
from kiban.delivery.releases import known_service, release_path, released
from kiban.operations.promotion import (
    Candidate,
    Facts,
    Reading,
    approvals,
    candidates,
    quarantines,
    readings,
)
from kiban.spec import load_platform
from kiban.wiring.record import every_entry, history
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

    @property
    def held(self) -> tuple[Judged, ...]:
        return tuple(each for each in self.judged if not each.may_go)

    def as_data(self) -> dict[str, object]:
        return {
            "from": self.source,
            "to": self.target,
            "commit": self.commit,
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
    source: str, target: str, services: Sequence[str], *, only_look: bool = False
) -> Promoted:
    """Copy releases from one environment to another, those whose gates all pass, in one commit.

    Raises `KibanError` for names that are not there.
    """
    repository = home_of().repository()
    platform = load_platform(repository.files(repository.head()))
    into = platform.environment(target)
    platform.environment(source)
    for service in services:
        known_service(service, platform.services[target])
    found = candidates(
        _releases(repository, source), _releases(repository, target), services
    )  # fmt: skip
    facts, now = _facts(source), wall_clock()
    judged = tuple(
        Judged(each, tuple(readings(each, target, into, facts, now))) for each in found
    )  # fmt: skip
    going = {each.candidate.service: each.candidate.tag for each in judged if each.may_go}
    if only_look or not going:
        return Promoted(source, target, judged)
    words = ", ".join(f"{service}={tag}" for service, tag in sorted(going.items()))
    message = f"Promote {words} from {source} to {target}"
    return Promoted(source, target, judged, release_line(repository, target, going, message))


def _facts(environment: str) -> Facts:
    entries = list(every_entry(kind="event"))
    return Facts(history(environment), quarantines(entries), approvals(entries))


def _releases(repository: GitRepository, environment: str) -> dict[str, str]:
    return released(repository.file(repository.head(), release_path(environment)) or "")
