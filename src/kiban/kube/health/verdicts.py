"""A verdict on an object, and how verdicts combine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["healthy", "suspended", "progressing", "missing", "unknown", "degraded"]

_ORDER: tuple[Status, ...] = (
    "healthy",
    "suspended",
    "progressing",
    "missing",
    "unknown",
    "degraded",
)


@dataclass(frozen=True, slots=True)
class Health:
    """`reason` is one word in CamelCase, `message` a sentence for people; both may be empty."""

    status: Status
    reason: str = ""
    message: str = ""

    @property
    def is_healthy(self) -> bool:
        return self.status == "healthy"


HEALTHY = Health("healthy")


def healthy(reason: str = "", message: str = "") -> Health:
    return Health("healthy", reason, message)


def progressing(reason: str, message: str) -> Health:
    return Health("progressing", reason, message)


def degraded(reason: str, message: str) -> Health:
    return Health("degraded", reason, message)


def worst(verdicts: Iterable[Health]) -> Health:
    """The verdict on a group: that of its worst member; the first of equals; healthy if empty."""
    return max(verdicts, key=lambda verdict: _ORDER.index(verdict.status), default=HEALTHY)
