"""What delivery is told, what it asks for, and what comes back, as values.

Asks are carried out in order as far as an `Append` goes: what follows one may only be begun when
it is durable. All others may run at the same time. There is never more than one open ask per
object.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.compiler.bundle import Bundle, SecretNeed
from kiban.kube.objects import GroupKind, Key, Manifest
from kiban.plans.records import Record
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Problem


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of the platform repo, as people know it."""

    id: str
    author: str = ""
    message: str = ""
    at: Instant | None = None

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


Observation = Desired | Undeliverable | Listed | Seen | Gone


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
    """Delete an object if it is still the same one."""

    key: Key
    uid: str


Ask = Append | Apply | MakeSecret | Remove


# Answers


@dataclass(frozen=True, slots=True)
class Applied:
    key: Key
    object: Manifest


@dataclass(frozen=True, slots=True)
class Removed:
    key: Key


@dataclass(frozen=True, slots=True)
class Refused:
    """The API server said no, or could not be reached (`code` 0)."""

    key: Key
    code: int
    reason: str
    message: str


Answer = Applied | Removed | Refused
