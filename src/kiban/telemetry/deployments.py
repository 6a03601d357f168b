"""The journal read as deployments: which commit went to which environment, how it ended, and what
had to be taken back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from kiban.plans.records import Entry, Event, PlanClosed, PlanOpened
from kiban.primitives.instants import Instant, parse_rfc3339

Outcome = Literal["running", "delivered", "failing", "superseded"]

# The subject line of the commits that `kiban rollback` and failed gates make.
ROLLBACK = re.compile(r"^Roll \S+ back to ")


@dataclass(frozen=True, slots=True)
class Deployment:
    """One commit on its way into one environment, with all attempts.

    `committed` is when the commit was made, `ended` when it was delivered or gave way to another,
    `first_failure` when its first attempt failed. `rolled_back` says that a later commit took it
    back, `images` what ran afterwards.
    """

    subject: str
    commit: str
    author: str
    message: str
    began: Instant
    committed: Instant | None = None
    ended: Instant | None = None
    first_failure: Instant | None = None
    attempts: int = 1
    outcome: Outcome = "running"
    rolled_back: bool = False
    reason: str = ""
    images: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_rollback(self) -> bool:
        """Whether it took another one back."""
        return ROLLBACK.match(self.message) is not None

    @property
    def has_failed(self) -> bool:
        """Whether it hurt: an attempt failed, or it was taken back."""
        return self.rolled_back or self.first_failure is not None

    @property
    def lead_seconds(self) -> float | None:
        """From the commit to its delivery."""
        if self.outcome != "delivered" or self.committed is None or self.ended is None:
            return None
        return (self.ended - self.committed) / 1e6


def deployments(entries: Iterable[Entry]) -> list[Deployment]:
    """Every deployment in the journal's entries, the oldest first.

    Entries must be in their order; of a deployment whose beginning is not among them nothing is
    said. Healing of drift is none.
    """
    found: list[Deployment] = []
    # Where in `found` the newest deployment of a subject is, and whose plan is whose.
    newest: dict[str, int] = {}
    plans: dict[str, int] = {}
    for entry in entries:
        match entry.record:
            case PlanOpened(plan) if plan.kind == "sync":
                at = newest.get(plan.subject)
                if at is not None and found[at].commit == plan.facts.get("commit"):
                    found[at] = replace(found[at], attempts=found[at].attempts + 1, reason="")
                else:
                    at = len(found)
                    found.append(_begun(plan.subject, plan.facts, entry.at))
                    _take_back(found, newest.get(plan.subject), found[at])
                    newest[plan.subject] = at
                plans[plan.id] = at
            case PlanClosed() as closed if closed.plan in plans:
                at = plans[closed.plan]
                found[at] = _closed(found[at], closed, entry.at)
            case Event(code="delivery/delivered") as event if event.plan in plans:
                at = plans[event.plan]
                found[at] = replace(found[at], images=event.data.get("images") or {})
    return found


def _begun(subject: str, facts: Mapping[str, str], at: Instant) -> Deployment:
    committed = facts.get("committed")
    return Deployment(
        subject,
        facts.get("commit", ""),
        facts.get("author", ""),
        facts.get("message", ""),
        at,
        parse_rfc3339(committed) if committed else None,
    )


def _take_back(found: list[Deployment], last: int | None, new: Deployment) -> None:
    if last is not None and new.is_rollback:
        found[last] = replace(found[last], rolled_back=True)


def _closed(deployment: Deployment, closed: PlanClosed, at: Instant) -> Deployment:
    match closed.ending:
        case "done":
            return replace(deployment, outcome="delivered", ended=at, reason="")
        case "failed":
            first = deployment.first_failure or at
            return replace(
                deployment, outcome="failing", first_failure=first, reason=closed.message
            )
        case "superseded":
            outcome: Outcome = "delivered" if deployment.outcome == "delivered" else "superseded"
            return replace(deployment, outcome=outcome, ended=deployment.ended or at)
        case "abandoned":
            # A process ended; the next one goes on with a plan of its own.
            return deployment
