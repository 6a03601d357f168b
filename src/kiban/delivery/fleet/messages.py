"""What the rollout of a fleet is told and what it asks for, as values."""

from dataclasses import dataclass
from typing import Literal

from kiban.delivery.messages import Commit
from kiban.delivery.status import Phase
from kiban.primitives.problems import Problem

# Whether a cluster answers: not asked yet, yes, or no.
Contact = Literal["unknown", "yes", "no"]


@dataclass(frozen=True, slots=True)
class Offer:
    """A commit, and for which members it would change something.

    With problems it goes to none of those that wait for their turn; for members that are
    `refused` it is no good at all.
    """

    commit: Commit
    changes: frozenset[str]
    problems: tuple[Problem, ...] = ()
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a member now."""

    contact: Contact = "unknown"
    phase: Phase = "waiting"
    # What it shall run, and what runs in full.
    commit: str = ""
    delivered: str = ""
    is_ready: bool = False
    message: str = ""

    def runs(self, commit: str) -> bool:
        """Whether all of a commit runs well there."""
        return self.contact == "yes" and self.is_ready and self.delivered == commit

    def fails(self, commit: str) -> bool:
        return self.commit == commit and self.phase in ("failing", "refused")


@dataclass(frozen=True, slots=True)
class HandOver:
    """Have a member deliver a commit from now on. What was appended before is durable first."""

    member: str
    commit: str
