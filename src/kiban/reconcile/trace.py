"""The record of what was decided: oracle of the tests, source of the timeline, audit trail."""

from collections import deque
from dataclasses import dataclass, field
from hashlib import blake2b

from kiban.kube.objects import Key
from kiban.primitives.instants import Instant
from kiban.reconcile.controller import Outcome

# Enough for the recent past on a screen; rehearsals ask for all of it.
TRACE_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Decision:
    """One reconcile that asked for something."""

    at: Instant
    controller: str
    key: Key
    outcome: Outcome


@dataclass(slots=True)
class Trace:
    """The latest decisions, and a digest of all there ever were."""

    limit: int | None = TRACE_LIMIT
    decisions: deque[Decision] = field(init=False)
    _digest: "blake2b" = field(init=False, default_factory=lambda: blake2b(digest_size=16))

    def __post_init__(self) -> None:
        self.decisions = deque(maxlen=self.limit)

    def add(self, at: Instant, controller: str, key: Key, outcome: Outcome) -> None:
        """Keep an outcome that has commands."""
        if outcome.commands:
            self.decisions.append(Decision(at, controller, key, outcome))
            self._digest.update(f"{at} {controller} {key} {outcome.commands!r}\n".encode())

    def digest(self) -> str:
        """Equal for equal runs, in hexadecimal."""
        return self._digest.hexdigest()
