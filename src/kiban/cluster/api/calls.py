"""Who asks for a write, when, and under which conditions."""

from dataclasses import dataclass, field, replace
from typing import Literal

from kiban.cluster.consulting import Consultation, Names
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Propagation

# What the names of the cluster's own controllers begin with, when they ask as users.
CONTROLLER_USERS = "system:kiban:"
FieldValidation = Literal["Ignore", "Warn", "Strict"]


@dataclass(frozen=True, slots=True)
class User:
    """An authenticated caller."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""


@dataclass(slots=True)
class Call:
    """One write on behalf of somebody. `manager` owns the fields it sets; `warnings` collects
    what the answer's Warning headers say, be it yes or no."""

    user: User
    now: Instant
    manager: str
    dry_run: bool = False
    field_validation: FieldValidation = "Ignore"
    # The object's managedFields are settled: it was applied.
    tracked: bool = False
    warnings: list[str] = field(default_factory=list)
    # What those outside have said so far; None where nobody outside is asked.
    consultation: Consultation | None = None
    # The version through which is asked; empty where none matters.
    api_version: str = ""

    def as_tracked(self) -> "Call":
        """The call, after whose apply the managedFields are settled."""
        return Call(
            self.user,
            self.now,
            self.manager,
            self.dry_run,
            self.field_validation,
            True,
            self.warnings,
            self.consultation,
            self.api_version,
        )

    def names(self, chance: Names) -> Names:
        """Where what is called by chance gets its name."""
        consultation = self.consultation
        return chance if consultation is None else consultation.recalled(chance)

    @property
    def is_of_controller(self) -> bool:
        """Whether one of the cluster's own controllers asks."""
        return self.user.name.startswith(CONTROLLER_USERS)

    def as_dry_run(self) -> "Call":
        return replace(self, dry_run=True)


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """`propagation` is empty when the client leaves it to the kind. `orphan_dependents` is the
    older way to say the same."""

    grace_seconds: int | None = None
    propagation: Propagation = ""
    orphan_dependents: bool | None = None
    uid: str | None = None
    resource_version: str | None = None
