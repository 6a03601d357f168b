"""Every object of a cluster in memory, with one revision for all, history for watches, and indexes.

The store is the only place that changes state. A write gives the object a new revision, appends
to the history of its kind, and is queued for the journal (`take_unwritten`); whoever answers a
client waits until the journal has it. Objects in the store are shared and never changed in place.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

from kiban.cluster.history import HISTORY_LIMIT, Expired, History, Stored, Write, at_revision
from kiban.kube.objects import (
    ENDPOINT_SLICE,
    JOB,
    POD,
    REPLICA_SET,
    GroupKind,
    Key,
    Manifest,
    key_of,
    labels_of,
    owners_of,
)
from kiban.primitives.chance import Chance
from kiban.reconcile.commands import Refusal
from kiban.reconcile.controller import Change

# Kinds that controllers select by label all the time; the others are scanned.
INDEXED_BY_LABEL = frozenset({POD, ENDPOINT_SLICE, REPLICA_SET, JOB})


# Kind, namespace, and a label with its value.
_Place = tuple[GroupKind, str, str, str]
Place = TypeVar("Place")
Entry = TypeVar("Entry")


class _Kind:
    """The objects of one kind: by namespace and name, names sorted."""

    def __init__(self) -> None:
        self.spaces: dict[str, dict[str, Stored]] = {}
        self.names: dict[str, list[str]] = {}
        self.space_names: list[str] = []

    def put(self, namespace: str, name: str, stored: Stored) -> None:
        space = self.spaces.get(namespace)
        if space is None:
            space = self.spaces[namespace] = {}
            self.names[namespace] = []
            insort(self.space_names, namespace, key=_space_order)
        if name not in space:
            names = self.names[namespace]
            if names and name < names[-1]:
                insort(names, name)
            else:
                names.append(name)
        space[name] = stored

    def remove(self, namespace: str, name: str) -> None:
        del self.spaces[namespace][name]
        names = self.names[namespace]
        del names[bisect_left(names, name)]
        if not names:
            del self.spaces[namespace], self.names[namespace]
            place = bisect_left(self.space_names, _space_order(namespace), key=_space_order)
            del self.space_names[place]

    def iterate(self, namespace: str) -> Iterator[Stored]:
        for space_name in [namespace] if namespace else list(self.space_names):
            space = self.spaces.get(space_name, {})
            for name in self.names.get(space_name, ()):
                yield space[name]


class Store:
    """All objects of one cluster. Also the `Snapshot` that controllers read."""

    def __init__(self, chance: Chance, history_limit: int = HISTORY_LIMIT) -> None:
        self.chance = chance
        self.history_limit = history_limit
        self.revision = 1
        self.refusals: tuple[Refusal, ...] = ()
        self._kinds: dict[GroupKind, _Kind] = {}
        self._stored: dict[Key, Stored] = {}
        self._histories: dict[GroupKind, History] = {}
        self._history_start = 1
        self._by_owner: dict[tuple[str, GroupKind], dict[Key, None]] = {}
        # The same in order, as far as it was asked for since somebody came or went.
        self._owned: dict[tuple[str, GroupKind], Sequence[Key]] = {}
        self._by_label: dict[_Place, dict[str, None]] = {}
        self._labelled: dict[_Place, Sequence[str]] = {}
        self._by_node: dict[str, dict[Key, None]] = {}
        self._by_uid: dict[str, Key] = {}
        self._unwritten: list[Write] = []
        self._changes: list[Change] = []

    # Reading

    def for_refusals(self, refusals: tuple[Refusal, ...]) -> "Store":
        """The store itself, showing a controller which of its last commands were refused."""
        self.refusals = refusals
        return self

    def stored(self, key: Key) -> Stored | None:
        return self._stored.get(key)

    def get(self, key: Key) -> Manifest | None:
        found = self._stored.get(key)
        return found.object if found is not None else None

    def list(self, kind: GroupKind, namespace: str = "") -> Sequence[Manifest]:
        found = self._kinds.get(kind)
        if found is None or not found.space_names:
            return []
        return [stored.object for stored in found.iterate(namespace)]

    def iterate(self, kind: GroupKind, namespace: str = "") -> Iterator[Stored]:
        """The stored objects of a kind, sorted by namespace and name."""
        found = self._kinds.get(kind)
        return found.iterate(namespace) if found else iter(())

    def owned(self, uid: str, kind: GroupKind) -> Sequence[Manifest]:
        place = (uid, kind)
        keys = self._owned.get(place)
        if keys is None:
            present = self._by_owner.get(place)
            if present is None:
                return []
            keys = self._owned[place] = sorted(present)
        stored = self._stored
        return [stored[key].object for key in keys]

    def owned_kinds(self, uid: str) -> Sequence[Manifest]:
        """Objects of any kind that have an owner reference with this uid."""
        keys = [key for kind in sorted(self._kinds) for key in self._by_owner.get((uid, kind), ())]
        return self._objects(keys)

    def selected(
        self, kind: GroupKind, namespace: str, labels: Mapping[str, str]
    ) -> Sequence[Manifest]:
        if kind not in INDEXED_BY_LABEL or not labels or not namespace:
            return [
                stored.object
                for stored in self.iterate(kind, namespace)
                if labels.items() <= labels_of(stored.object).items()
            ]
        smallest: dict[str, None] | None = None
        others: list[dict[str, None]] = []
        for name, value in labels.items():
            place = (kind, namespace, name, value)
            group = self._by_label.get(place)
            if group is None:
                return []
            if smallest is None:
                smallest, least = group, place
            elif len(group) < len(smallest):
                others.append(smallest)
                smallest, least = group, place
            else:
                others.append(group)
        names = self._names(least)
        space = self._kinds[kind].spaces[namespace]
        if others:
            return [space[name].object for name in names if all(name in group for group in others)]
        return [space[name].object for name in names]

    def _names(self, place: _Place) -> Sequence[str]:
        """The names in order of those that have a label, of which there are some."""
        names = self._labelled.get(place)
        if names is None:
            names = self._labelled[place] = sorted(self._by_label[place])
        return names

    def on_node(self, node: str) -> Sequence[Manifest]:
        return self._objects(self._by_node.get(node, ()))

    def by_uid(self, uid: str) -> Key | None:
        """The key of the object that has this uid now."""
        return self._by_uid.get(uid)

    def kinds(self) -> Sequence[GroupKind]:
        """The kinds of which there is or was an object."""
        return sorted(self._kinds)

    def _objects(self, keys: Iterable[Key]) -> Sequence[Manifest]:
        found = (self.get(key) for key in sorted(keys))
        return [manifest for manifest in found if manifest is not None]

    # History

    def latest(self, kind: GroupKind) -> int:
        """The revision of the latest write of a kind; 0 when it never had an object."""
        history = self._histories.get(kind)
        if history is not None:
            return history.latest
        return self._history_start if kind in self._kinds else 0

    def since(self, kind: GroupKind, revision: int, until: int | None = None) -> Sequence[Write]:
        """The writes of a kind after a revision. Raises `Expired` when they are forgotten."""
        history = self._histories.get(kind)
        if history is None:
            if revision < self._history_start:
                raise Expired(f"too old resource version: {revision} ({self._history_start})")
            return []
        return history.since(revision, until)

    def list_at(self, kind: GroupKind, namespace: str, revision: int) -> Sequence[Stored]:
        """The objects of a kind as they were at a revision. Raises `Expired`."""
        found = {key_of(stored.object): stored for stored in self.iterate(kind, namespace)}
        for write in reversed(self.since(kind, revision)):
            if namespace and write.key.namespace != namespace:
                continue
            if write.before is None:
                found.pop(write.key, None)
            else:
                found[write.key] = write.before
        ordered = sorted(found, key=lambda key: (_space_order(key.namespace), key.name))
        return [found[key] for key in ordered]

    # Writing

    def put(self, manifest: Manifest) -> Manifest:
        """Store an object under its key at a new revision; the object as stored."""
        revision = self.revision = self.revision + 1
        key = key_of(manifest)
        before = self._stored.get(key)
        stored = self._stored[key] = Stored(at_revision(manifest, revision), revision)
        kind = self._kinds.get(key.group_kind)
        if kind is None:
            kind = self._kinds[key.group_kind] = _Kind()
        kind.put(key.namespace, key.name, stored)
        if before is None:
            self._index(key, stored.object)
        else:
            before.forget_encoded()
            if not _is_indexed_alike(before.object, stored.object):
                self._unindex(key, before.object)
                self._index(key, stored.object)
        self._remember(Write(revision, key, before, stored))
        return stored.object

    def remove(self, key: Key) -> Manifest:
        """Remove an object that is there; its last state, with the revision of the removal."""
        before = self.stored(key)
        assert before is not None, f"{key} is not in the store"
        self.revision += 1
        self._unindex(key, before.object)
        del self._stored[key]
        self._kinds[key.group_kind].remove(key.namespace, key.name)
        write = Write(self.revision, key, before, None)
        self._remember(write)
        return write.last.object

    def restore(self, objects: Iterable[tuple[int, Manifest]], revision: int) -> None:
        """Fill an empty store from a journal; the history starts at the given revision."""
        for at, manifest in objects:
            key = key_of(manifest)
            kind = self._kinds.get(key.group_kind)
            if kind is None:
                kind = self._kinds[key.group_kind] = _Kind()
            stored = self._stored[key] = Stored(manifest, at)
            kind.put(key.namespace, key.name, stored)
            self._index(key, manifest)
        self.revision = self._history_start = max(revision, self.revision)

    def take_unwritten(self) -> Sequence[Write]:
        """The writes since the last call, for the journal."""
        writes, self._unwritten = self._unwritten, []
        return writes

    @property
    def has_changes(self) -> bool:
        """Whether `take_changes` would give any."""
        return bool(self._changes)

    def take_changes(self) -> Sequence[Change]:
        """The changes since the last call, for the controllers."""
        changes, self._changes = self._changes, []
        return changes

    def _remember(self, write: Write) -> None:
        kind = write.key.group_kind
        history = self._histories.get(kind)
        if history is None:
            history = self._histories[kind] = History(self._history_start, self.history_limit)
        history.append(write)
        self._unwritten.append(write)
        self._changes.append(
            Change(
                write.key,
                write.before.object if write.before else None,
                write.after.object if write.after else None,
            )
        )

    def _index(self, key: Key, manifest: Manifest) -> None:
        self._by_uid[manifest["metadata"].get("uid", "")] = key
        kind = key.group_kind
        for owner in owners_of(manifest):
            self._by_owner.setdefault((owner["uid"], kind), {})[key] = None
            self._owned.pop((owner["uid"], kind), None)
        if kind in INDEXED_BY_LABEL:
            for name, value in labels_of(manifest).items():
                place = (kind, key.namespace, name, value)
                group = self._by_label.get(place)
                if group is None:
                    group = self._by_label[place] = {}
                group[key.name] = None
                self._labelled.pop(place, None)
        if kind == POD and (node := manifest.get("spec", {}).get("nodeName")):
            self._by_node.setdefault(node, {})[key] = None

    def _unindex(self, key: Key, manifest: Manifest) -> None:
        self._by_uid.pop(manifest["metadata"].get("uid", ""), None)
        kind = key.group_kind
        for owner in owners_of(manifest):
            _drop(self._by_owner, (owner["uid"], kind), key)
            self._owned.pop((owner["uid"], kind), None)
        if kind in INDEXED_BY_LABEL:
            for name, value in labels_of(manifest).items():
                place = (kind, key.namespace, name, value)
                _drop(self._by_label, place, key.name)
                self._labelled.pop(place, None)
        if kind == POD and (node := manifest.get("spec", {}).get("nodeName")):
            _drop(self._by_node, node, key)


def _is_indexed_alike(before: Manifest, after: Manifest) -> bool:
    """Whether all that indexes look at is the same."""
    old, new = before["metadata"], after["metadata"]
    if old is not new and (
        old.get("labels") != new.get("labels")
        or old.get("ownerReferences") != new.get("ownerReferences")
        or old.get("uid") != new.get("uid")
    ):
        return False
    was, is_ = before.get("spec"), after.get("spec")
    return was is is_ or bool(
        (was or _NOTHING).get("nodeName") == (is_ or _NOTHING).get("nodeName")
    )


_NOTHING: Manifest = {}


def _space_order(namespace: str) -> str:
    """Namespaces in the order of etcd's keys, where a slash ends the name: `a-b` before `a`."""
    return namespace + "/"


def _drop(index: dict[Place, dict[Entry, None]], place: Place, entry: Entry) -> None:
    entries = index.get(place)
    if entries is not None:
        entries.pop(entry, None)
        if not entries:
            del index[place]
