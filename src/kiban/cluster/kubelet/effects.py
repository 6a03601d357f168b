"""What one look at a pod leads to: commands for the API server, asks of the outside world, and the
instant at which the pod wants to be looked at again."""

from dataclasses import dataclass, field
from typing import Literal

from kiban.cluster.asks import Ask
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Record


@dataclass(slots=True)
class Effects:
    """Collected while one pod is advanced."""

    commands: list[Command] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)
    due: Instant | None = None

    def ask(self, ask: Ask) -> None:
        self.asks.append(ask)

    def wake(self, at: Instant) -> None:
        """Look again at this instant, or earlier."""
        self.due = at if self.due is None else min(self.due, at)

    def event(
        self, about: Manifest, type_: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        self.commands.append(Record(about, type_, reason, message))
