"""What was written, kind by kind and in order, as far back as watches may ask."""

from bisect import bisect_right
from collections.abc import Sequence

import orjson

from kiban.kube.objects import Key, Manifest

# Changes remembered per kind for watches; kube-apiserver's cache keeps 100 to 102,400.
HISTORY_LIMIT = 20_000


class Expired(Exception):
    """The history no longer reaches back to the revision asked for."""


class Stored:
    """An object at a revision; its JSON is made once, when first needed."""

    __slots__ = ("_encoded", "object", "revision")

    def __init__(self, object: Manifest, revision: int) -> None:
        self.object = object
        self.revision = revision
        self._encoded: bytes | None = None

    @property
    def encoded(self) -> bytes:
        # Asked for once, for the journal's thread asks as well.
        encoded = self._encoded
        if encoded is None:
            encoded = self._encoded = orjson.dumps(self.object)
        return encoded

    def forget_encoded(self) -> None:
        """Make the JSON again when it is needed again: it is no longer the latest state."""
        self._encoded = None


def items_of(stored: Sequence[Stored]) -> bytes:
    """Objects of one kind as the items of a list, which do not repeat kind and version."""
    if not stored:
        return b""
    first = stored[0].object
    head = f'{{"kind":"{first["kind"]}","apiVersion":"{first["apiVersion"]}",'.encode()
    cut = len(head)
    encoded = [one.encoded for one in stored]
    assert all(one.startswith(head) for one in encoded), "a kind is stored in one version"
    return b"{" + b",{".join([one[cut:] for one in encoded])


class Write:
    """One change in the history: what was there, and what is there now (None: removed)."""

    __slots__ = ("_gone", "after", "before", "key", "revision")

    def __init__(
        self, revision: int, key: Key, before: Stored | None, after: Stored | None
    ) -> None:
        self.revision, self.key, self.before, self.after = revision, key, before, after
        self._gone: Stored | None = None

    @property
    def gone(self) -> Stored:
        """What was there before, under this write's revision: what those are shown to whom it is
        gone. Made once for all watchers."""
        assert self.before is not None, "nothing was there before"
        if self._gone is None:
            self._gone = Stored(at_revision(self.before.object, self.revision), self.revision)
        return self._gone

    @property
    def last(self) -> Stored:
        """The latest state there was."""
        return self.after or self.gone


class History:
    """The writes of one kind, oldest first, with the revision up to which it is incomplete. With
    a limit of 0 there is none."""

    def __init__(self, forgotten: int, limit: int = HISTORY_LIMIT) -> None:
        self.forgotten = forgotten
        self._limit = limit
        self._writes: list[Write] = []
        self._revisions: list[int] = []

    def append(self, write: Write) -> None:
        if not self._limit:
            self.forgotten = write.revision
            return
        self._writes.append(write)
        self._revisions.append(write.revision)
        if len(self._writes) > self._limit + self._limit // 4:
            cut = len(self._writes) - self._limit
            self.forgotten = self._revisions[cut - 1]
            del self._writes[:cut], self._revisions[:cut]

    @property
    def latest(self) -> int:
        return self._revisions[-1] if self._revisions else self.forgotten

    def since(self, revision: int, until: int | None) -> list[Write]:
        if revision < self.forgotten:
            raise Expired(f"too old resource version: {revision} ({self.forgotten})")
        start = bisect_right(self._revisions, revision)
        end = len(self._writes) if until is None else bisect_right(self._revisions, until)
        return self._writes[start:end]


def at_revision(manifest: Manifest, revision: int) -> Manifest:
    """The object at a revision. Kind and version come first, so that an item of a list is the
    object's own JSON without its beginning."""
    metadata = {**manifest["metadata"], "resourceVersion": str(revision)}
    fields = iter(manifest)
    if next(fields) == "kind" and next(fields) == "apiVersion":
        return {**manifest, "metadata": metadata}
    type_ = {"kind": manifest["kind"], "apiVersion": manifest["apiVersion"]}
    return {**type_, **manifest, "metadata": metadata}
