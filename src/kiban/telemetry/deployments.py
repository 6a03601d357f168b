"""The journal read as deployments: which commit went to which environment, how it ended, and what
had to be taken back."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from kiban.plans.plan import Plan
from kiban.plans.records import Entry, Event, PlanClosed, PlanOpened
from kiban.primitives.instants import Instant, parse_rfc3339

Outcome = Literal["running", "delivered", "failing", "superseded"]

# The subject line of the commits that `kiban rollback` and failed gates make, and what
# `git revert` writes.
ROLLBACK = re.compile(r"^Roll (?P<service>\S+) back to ")
REVERT = re.compile(r'^Revert "(?P<title>.*)"')
_SERVICE_STEP = "service:"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One commit on its way into one environment, with all attempts.

    `committed` is when the commit was made, `ended` when it was delivered or gave way to another,
    `first_failure` when its first attempt failed. `rolled_back` says that a later commit took it
    back, `rolled_back_by` which one; `services` is what it touched, `images` what ran afterwards.
    `planned` is the hash of what was agreed to before, if anything was, `hash` that of what was
    done.
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
    rolled_back_by: str = ""
    reason: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
    services: tuple[str, ...] = ()
    hash: str = ""
    planned: str = ""

    @property
    def is_rollback(self) -> bool:
        """Whether it took another one back."""
        return bool(ROLLBACK.match(self.message) or REVERT.match(self.message))

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.partition("\n")[0]

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
                    found.append(_begun(plan, entry.at))
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


def of_services(found: Iterable[Deployment], services: Collection[str]) -> list[Deployment]:
    """The deployments that touched any of these services."""
    return [each for each in found if any(service in services for service in each.services)]


def _begun(plan: Plan, at: Instant) -> Deployment:
    facts = plan.facts
    committed = facts.get("committed")
    return Deployment(
        plan.subject,
        str(facts.get("commit", "")),
        str(facts.get("author", "")),
        str(facts.get("message", "")),
        at,
        parse_rfc3339(committed) if committed else None,
        services=tuple(
            step.id.removeprefix(_SERVICE_STEP)
            for step in plan.steps
            if step.id.startswith(_SERVICE_STEP)
        ),
        hash=str(facts.get("hash", "")),
        planned=str(facts.get("promised", "")),
    )


def _take_back(found: list[Deployment], last: int | None, new: Deployment) -> None:
    """Mark what a rollback or a revert takes back. A rollback of a service is of the newest
    deployment that touched it, or of the last one when none is known to have."""
    if last is None:
        return
    earlier = [at for at in range(last, -1, -1) if found[at].subject == new.subject]
    taken: list[int] = []
    if rollback := ROLLBACK.match(new.message):
        touched = [at for at in earlier if rollback["service"] in found[at].services]
        taken = touched[:1] or [last]
    elif revert := REVERT.match(new.message):
        taken = [at for at in earlier if found[at].title == revert["title"]][:1]
    for at in taken:
        found[at] = replace(found[at], rolled_back=True, rolled_back_by=new.commit)


def _closed(deployment: Deployment, closed: PlanClosed, at: Instant) -> Deployment:
    match closed.ending:
        case "done":
            # What ran well all the while was delivered when it was delivered first.
            ended = deployment.ended if deployment.outcome == "delivered" else at
            return replace(deployment, outcome="delivered", ended=ended, reason="")
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
