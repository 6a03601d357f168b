"""Where a fleet stands, as one value for the terminal and for scripts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kiban.delivery.fleet.members import Member
from kiban.delivery.fleet.messages import Report
from kiban.delivery.messages import Commit
from kiban.primitives.problems import Problem


@dataclass(frozen=True, slots=True)
class MemberStatus:
    """One environment on one cluster. `held` is the commit it was given, `step` how far the
    rollout has come with it, `drift` how many objects are not as its commit wants them."""

    member: Member
    report: Report
    held: str = ""
    step: str = ""
    seconds_since_contact: float | None = None
    fault: str = ""
    drift: int | None = None

    @property
    def health(self) -> str:
        """In one word."""
        if self.report.contact == "no":
            return "unreachable"
        if self.report.contact == "unknown":
            return "unknown"
        return "well" if self.report.is_ready else self.report.phase

    @property
    def words(self) -> str:
        """What to know about it, if anything."""
        return self.fault or ("" if self.report.is_ready else self.report.message)

    def as_data(self) -> dict[str, Any]:
        return {
            "environment": self.member.environment,
            "cluster": self.member.cluster,
            "ring": self.member.ring or None,
            "commit": self.held or None,
            "delivered": self.report.delivered or None,
            "health": self.health,
            "drift": self.drift,
            "secondsSinceContact": self.seconds_since_contact,
            "message": self.words,
        }


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """A fleet, the newest commit, and the state of its rollout (empty when there is none)."""

    subject: str
    commit: Commit | None
    rollout: str
    message: str
    rings: tuple[str, ...]
    members: tuple[MemberStatus, ...]
    problems: tuple[Problem, ...] = ()

    def __iter__(self) -> Iterator[MemberStatus]:
        return iter(self.members)

    def __getitem__(self, name: str) -> MemberStatus:
        return next(one for one in self.members if one.member.name == name)

    @property
    def is_well(self) -> bool:
        """Whether every member that can be reached runs the newest commit, in full and well."""
        wanted = self.commit.id if self.commit else ""
        return all(
            one.report.runs(wanted) for one in self.members if one.report.contact != "no"
        ) and any(one.report.contact == "yes" for one in self.members)

    def as_data(self) -> dict[str, Any]:
        """The form of `kiban fleet --json`."""
        return {
            "fleet": self.subject,
            "commit": self.commit.id if self.commit else None,
            "rollout": self.rollout or None,
            "message": self.message,
            "well": self.is_well,
            "members": [one.as_data() for one in self.members],
            "problems": [problem.as_data() for problem in self.problems],
        }
