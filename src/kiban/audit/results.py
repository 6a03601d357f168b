"""The result of one check: its findings, each with where it stands and whether it counts.

A finding counts when its severity is that of a fault, nobody waived it, and a baseline does not
know it. What could not be told is shown and does not count.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kiban.audit.findings import Finding, Severity, Verdict
from kiban.primitives.canonical import digest
from kiban.primitives.problems import Place, Problem


class Status(StrEnum):
    """Why a finding counts or not."""

    STANDS = "stands"
    WAIVED = "waived"
    KNOWN = "known"
    ADVICE = "advice"
    UNKNOWN = "unknown"


# How a number of each is said.
WORDS = {
    Status.STANDS: "to solve",
    Status.UNKNOWN: "unknown",
    Status.WAIVED: "waived",
    Status.KNOWN: "in the baseline",
    Status.ADVICE: "advice",
}


@dataclass(frozen=True, slots=True)
class Change:
    """Text that solves a finding: lines and columns (from 1) that others replace."""

    file: str
    start: tuple[int, int]
    end: tuple[int, int]
    text: str


@dataclass(frozen=True, slots=True)
class Result:
    """One finding in one place. `scope` is the environment, directory or cluster it is in."""

    finding: Finding
    status: Status
    scope: str = ""
    cluster: str = ""
    team: str = ""
    place: Place = field(default_factory=Place)
    changes: tuple[Change, ...] = ()

    @property
    def counts(self) -> bool:
        return self.status is Status.STANDS

    @property
    def fingerprint(self) -> str:
        """The same for the same fault in the same object, whatever moves around it."""
        return digest([self.scope, *self.finding.identity], 8)

    def as_problem(self) -> Problem:
        thing = f"{self.finding.object} {self.finding.path}".strip()
        place = Place(self.place.file, self.place.line, self.place.column, thing)
        return self.finding.as_problem(place=place)

    def as_data(self) -> dict[str, object]:
        """The form of `--json` output."""
        finding = self.finding
        key = finding.object
        return {
            **self.as_problem().as_data(),
            "rule": finding.rule,
            "severity": finding.severity.name.lower(),
            "verdict": finding.verdict.value,
            "status": self.status.value,
            "scope": self.scope,
            "cluster": self.cluster,
            "team": self.team,
            "service": finding.service,
            "kind": key.kind,
            "namespace": key.namespace,
            "name": key.name,
            "path": finding.path,
            "fingerprint": self.fingerprint,
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All that one check found. `problems` are files that cannot be read and waivers that have
    expired; `objects` says how many manifests each scope had."""

    results: tuple[Result, ...]
    problems: tuple[Problem, ...] = ()
    objects: Mapping[str, int] = field(default_factory=dict)

    @property
    def standing(self) -> tuple[Result, ...]:
        return tuple(one for one in self.results if one.counts)

    @property
    def failed(self) -> bool:
        return bool(self.standing or self.problems)

    def counted(self) -> dict[Status, int]:
        found = dict.fromkeys(Status, 0)
        for one in self.results:
            found[one.status] += 1
        return found


def status_of(finding: Finding, *, waived: bool, known: bool, least: Severity) -> Status:
    """Whether a finding counts, and if not, the first reason."""
    if finding.verdict is Verdict.UNKNOWN:
        return Status.UNKNOWN
    if waived:
        return Status.WAIVED
    if known:
        return Status.KNOWN
    return Status.STANDS if finding.severity >= least else Status.ADVICE


def by_scope(results: Iterable[Result]) -> dict[str, list[Result]]:
    found: dict[str, list[Result]] = {}
    for one in results:
        found.setdefault(one.scope, []).append(one)
    return found
