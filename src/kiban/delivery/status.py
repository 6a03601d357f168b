"""Where a delivery stands, as one value for the terminal, `kiban status`, the web and the tour."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from kiban.delivery.messages import Commit
from kiban.kube.objects import Key
from kiban.primitives.instants import Instant, rfc3339_micro
from kiban.primitives.problems import Problem

# waiting: nothing known yet; syncing: a plan runs; synced: all is as wanted and well; degraded:
# all is as wanted and something is not well; drifted: all is as wanted but for changes by hand
# that are only shown; failing: the last plan failed and is tried again;
# refused: nothing of this commit is applied.
Phase = Literal["waiting", "syncing", "synced", "degraded", "drifted", "failing", "refused"]


@dataclass(frozen=True, slots=True)
class ObjectStatus:
    key: Key
    status: str
    reason: str = ""
    message: str = ""
    # What to do about it; empty when there is nothing.
    next: str = ""


@dataclass(frozen=True, slots=True)
class StepStatus:
    """One step of the running plan, as a person would say it."""

    id: str
    words: str
    state: str
    message: str


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One service: `step` is its state in the running plan, empty when it has none there."""

    name: str
    wave: int
    status: str
    message: str
    step: str
    objects: tuple[ObjectStatus, ...]

    @property
    def next(self) -> str:
        """What to do about the first object that asks for something."""
        return next((entry.next for entry in self.objects if entry.next), "")


@dataclass(frozen=True, slots=True)
class DeliveryStatus:
    """One environment on one cluster."""

    subject: str
    phase: Phase
    # What shall run, what was delivered in full last, and the newest commit that was seen.
    commit: Commit | None
    delivered: str
    newest: Commit | None
    plan: str
    message: str
    since: Instant
    services: tuple[ServiceStatus, ...]
    problems: tuple[Problem, ...]
    addresses: Mapping[str, tuple[str, ...]]

    @property
    def is_ready(self) -> bool:
        """Whether the newest commit runs, in full and well."""
        return (
            self.phase == "synced"
            and self.commit is not None
            and self.newest == self.commit
            and self.delivered == self.commit.id
        )

    def as_data(self) -> dict[str, Any]:
        """The form of `kiban status --json`."""
        return {
            "subject": self.subject,
            "phase": self.phase,
            "ready": self.is_ready,
            "commit": self.commit.id if self.commit else None,
            "delivered": self.delivered or None,
            "newest": self.newest.id if self.newest else None,
            "plan": self.plan or None,
            "message": self.message,
            "since": rfc3339_micro(self.since),
            "services": [_service_data(service) for service in self.services],
            "problems": [problem.as_data() for problem in self.problems],
            "addresses": {name: list(found) for name, found in sorted(self.addresses.items())},
        }


def _service_data(service: ServiceStatus) -> dict[str, Any]:
    return {
        "name": service.name,
        "wave": service.wave,
        "status": service.status,
        "message": service.message,
        "step": service.step or None,
        "next": service.next or None,
        "objects": [
            {
                "object": str(entry.key),
                "status": entry.status,
                "reason": entry.reason,
                "message": entry.message,
                "next": entry.next or None,
            }
            for entry in service.objects
        ],
    }
