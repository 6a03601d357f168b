"""The shape of every controller, and what it may read.

A controller is a pure function with a name: the same key, snapshot and time give the same
outcome. It never waits; it says when it wants to be called again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kiban.kube.objects import GroupKind, Key, Manifest
from kiban.primitives.chance import Chance
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Refusal


@dataclass(slots=True)
class Change:
    """One object before and after a write; `before` is None for a new one, `after` for one that
    is gone."""

    key: Key
    before: Manifest | None
    after: Manifest | None

    @property
    def object(self) -> Manifest:
        """The object as it is, or as it last was."""
        found = self.after if self.after is not None else self.before
        assert found is not None
        return found


@dataclass(slots=True)
class Outcome:
    """What a reconcile wants done, and when it wants to be called again without a change.

    `wake_after` is in seconds; 0 means as soon as the commands are answered.
    """

    commands: tuple[Command, ...] = ()
    wake_after: float | None = None


NOTHING = Outcome()


class Delayed(NamedTuple):
    """A key to reconcile some seconds after the change, so that changes that come together are
    looked at together."""

    key: Key
    seconds: float


class Snapshot(Protocol):
    """The state of a cluster at one revision, indexed. Objects in it are never changed.

    All sequences are sorted by (namespace, name), so that iteration is deterministic.
    """

    chance: Chance

    @property
    def refusals(self) -> tuple[Refusal, ...]:
        """The commands of this key's last outcome that were refused."""
        ...

    def get(self, key: Key) -> Manifest | None: ...

    def list(self, kind: GroupKind, namespace: str = "") -> Sequence[Manifest]:
        """All objects of a kind, or those of one namespace."""
        ...

    def owned(self, uid: str, kind: GroupKind) -> Sequence[Manifest]:
        """Objects of a kind that have an owner reference with this uid."""
        ...

    def selected(
        self, kind: GroupKind, namespace: str, labels: Mapping[str, str]
    ) -> Sequence[Manifest]:
        """Objects of a kind in a namespace that carry all these labels (none: all of them)."""
        ...

    def on_node(self, node: str) -> Sequence[Manifest]:
        """Pods bound to a node."""
        ...

    def owned_kinds(self, uid: str) -> Sequence[Manifest]:
        """Objects of any kind that have an owner reference with this uid."""
        ...

    def by_uid(self, uid: str) -> Key | None:
        """The key of the object that has this uid now."""
        ...

    def kinds(self) -> Sequence[GroupKind]:
        """The kinds of which there is or was an object."""
        ...


# In `watches`: every kind there is, those of custom resources too.
EVERY_KIND = GroupKind("*", "*")


class Only(NamedTuple):
    """In `watches`: of a kind, only the changes for which `when` says yes.

    The loop asks a question once for each change, however many controllers share it.
    """

    kind: GroupKind
    when: Callable[[Change], bool]


Watched = frozenset[GroupKind | Only]


class Controller(Protocol):
    """One rule that keeps a cluster in shape.

    `name` appears in events and in the trace. `watches` names the kinds whose changes are shown
    to `interested`, which answers with the keys to reconcile.
    """

    name: str

    @property
    def watches(self) -> Watched: ...

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key | Delayed]: ...

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome: ...
