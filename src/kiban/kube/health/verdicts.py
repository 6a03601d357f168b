"""A verdict on an object, and how verdicts combine."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["Healthy", "Suspended", "Progressing", "Missing", "Unknown", "Degraded"]

_ORDER: tuple[Status, ...] = (
    "Healthy",
    "Suspended",
    "Progressing",
    "Missing",
    "Unknown",
    "Degraded",
)


@dataclass(frozen=True, slots=True)
class Health:
    """`reason` is one word in CamelCase, `message` a sentence for people; both may be empty."""

    status: Status
    reason: str = ""
    message: str = ""

    @property
    def is_healthy(self) -> bool:
        return self.status == "Healthy"


HEALTHY = Health("Healthy")


def healthy(reason: str = "", message: str = "") -> Health:
    return Health("Healthy", reason, message)


def progressing(reason: str, message: str) -> Health:
    return Health("Progressing", reason, message)


def degraded(reason: str, message: str) -> Health:
    return Health("Degraded", reason, message)


def worst(verdicts: Iterable[Health]) -> Health:
    """The verdict on a group: that of its worst member; the first of equals; healthy if empty."""
    return max(verdicts, key=lambda verdict: _ORDER.index(verdict.status), default=HEALTHY)
