"""What delivery is told, what it asks for, and what comes back, as values.

Asks are carried out in order as far as an `Append` goes: what follows one may only be begun when
it is durable. All others may run at the same time. There is never more than one open ask per
object.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kiban.compiler.bundle import Bundle, SecretNeed
from kiban.kube.objects import GroupKind, Key, Manifest
from kiban.plans.records import Answer as Verdict
from kiban.plans.records import Record
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Problem


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the platform repo, as people know it: `message` is its first line, `body` what
    stands below."""

    id: str
    author: str = ""
    message: str = ""
    at: Instant | None = None
    body: str = ""

    @property
    def short(self) -> str:
        return self.id[:8]


# Observations


@dataclass(frozen=True, slots=True)
class Desired:
    """A commit was compiled and is good: this is what shall be."""

    commit: Commit
    bundle: Bundle


@dataclass(frozen=True, slots=True)
class Undeliverable:
    """A commit does not load, compile or pass its audit; the last good state stays."""

    commit: Commit
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Follow:
    """The objects of a kind in a namespace (or everywhere) that delivery needs to see."""

    kind: GroupKind
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """All objects of what is followed, now."""

    follow: Follow
    objects: Sequence[Manifest]


@dataclass(frozen=True, slots=True)
class Seen:
    """An object was added or changed."""

    object: Manifest


@dataclass(frozen=True, slots=True)
class Gone:
    """An object was deleted; its last state."""

    object: Manifest


@dataclass(frozen=True, slots=True)
class DeletionApproved:
    """A person agrees to what a commit deletes, however much it is."""

    commit: str


Observation = Desired | Undeliverable | Listed | Seen | Gone | DeletionApproved


# Asks


@dataclass(frozen=True, slots=True)
class Append:
    """Write records to the journal before anything that follows."""

    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply an object server-side; with `force`, fields that others own are taken over."""

    key: Key
    manifest: Manifest
    force: bool = False


@dataclass(frozen=True, slots=True)
class MakeSecret:
    """Make a Secret, or the keys it lacks, from random values that nobody else gets to see."""

    key: Key
    need: SecretNeed
    live: Manifest | None


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete an object if it is still the same one; with `orphans`, nothing that it owns."""

    key: Key
    uid: str
    orphans: bool = False


@dataclass(frozen=True, slots=True)
class DryRun:
    """Have the server say whether it would accept an object, and change nothing."""

    key: Key
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Release:
    """Leave an object with these finalizers only."""

    key: Key
    finalizers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReadLog:
    """Read the last lines that a container of a pod wrote."""

    key: Key
    container: str


@dataclass(frozen=True, slots=True)
class Measure:
    """Ask for the figures of a service's new pods over a span, for a gate of a plan. `workload`
    names what leads to them alone; empty where they cannot be told from the others."""

    gate: str
    service: str
    workload: str
    since: Instant
    until: Instant


Ask = Append | Apply | MakeSecret | Remove | DryRun | Release | ReadLog | Measure
# What is done with one object.
ObjectAsk = Apply | MakeSecret | Remove | DryRun | Release | ReadLog


# Answers


@dataclass(frozen=True, slots=True)
class Applied:
    key: Key
    object: Manifest


@dataclass(frozen=True, slots=True)
class Removed:
    key: Key


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server would apply the object as it is."""

    key: Key


@dataclass(frozen=True, slots=True)
class LogRead:
    """The last lines of a log; empty when there is none any more."""

    key: Key
    text: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A field that another manager owns, as the server writes both."""

    manager: str
    field: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The API server said no, or could not be reached (`code` 0)."""

    key: Key
    code: int
    reason: str
    message: str
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class Measured:
    """What figures say until an instant."""

    gate: str
    answer: Verdict
    words: str
    until: Instant
    measured: Mapping[str, Any] = field(default_factory=dict)


# What the server says of one object.
ObjectAnswer = Applied | Removed | Accepted | LogRead | Refused
Answer = ObjectAnswer | Measured
