"""A watch as a value: the adapter pulls what is new, this decides what it is.

Bookmarks, initial events, selector transitions, time-outs and expired versions follow
k8s.io/apiserver/pkg/storage/cacher and B1.11 of the reference.
"""

from collections.abc import Callable

import orjson

from kiban.cluster.api.failures import Failure, expired
from kiban.cluster.api.options import ListOptions
from kiban.cluster.history import Expired, Stored, Write
from kiban.cluster.store import Store
from kiban.kube.kinds import KindInfo
from kiban.primitives.digits import whole_number
from kiban.primitives.instants import Instant, later

# About once a minute (cacher.go: bookmarkFrequency), and shortly before the end.
BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK_SECONDS = 2.0
# Without a time-out of its own a watch ends after 30 to 60 minutes.
SHORTEST_SECONDS = 1800.0
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

# How an object is shown: encoded in the form and version that was negotiated.
Shown = Callable[[Stored], bytes]


class WatchStream:
    """One client's watch of one kind, in one namespace or all. Not durable: it ends, and the
    client comes back with the last version it saw."""

    def __init__(
        self,
        store: Store,
        info: KindInfo,
        namespace: str,
        options: ListOptions,
        show: Shown,
        now: Instant,
    ) -> None:
        self._store, self._info, self._namespace = store, info, namespace
        self._options, self._show = options, show
        self._initial: list[Stored] = []
        self._bookmark_initial = False
        self._ended = False
        self._at = self._start()
        self._deadline = later(now, self._lifetime())
        self._next_bookmark = later(now, BOOKMARK_SECONDS)
        self._is_last_bookmark_due = options.bookmarks

    def _lifetime(self) -> float:
        if self._options.timeout_seconds is not None:
            return float(self._options.timeout_seconds)
        return SHORTEST_SECONDS * (1 + self._store.chance.stream("watch").random())

    def _start(self) -> int:
        """The revision after which changes are shown; gathers the initial events."""
        text = self._options.resource_version
        asked = whole_number(text or "0")
        if asked is None:
            why = f'Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
            raise Failure(500, "", f"resourceVersion: {why}")
        send = self._options.send_initial_events
        if asked and not send:
            return asked
        if send is not False:
            items = self._store.iterate(self._info.group_kind, self._namespace)
            self._initial = [item for item in items if self._chooses(item)]
            # A watch without a version that wants bookmarks gets the end of its beginning marked.
            self._bookmark_initial = self._options.bookmarks and (bool(send) or not text)
        return self._store.revision

    @property
    def ended(self) -> bool:
        return self._ended

    def next_due(self) -> Instant | None:
        if self._ended:
            return None
        if not self._options.bookmarks:
            return self._deadline
        last = later(self._deadline, -LAST_BOOKMARK_SECONDS)
        due = last if self._is_last_bookmark_due else self._deadline
        return min(self._next_bookmark, due)

    def pull(self, now: Instant, until: int) -> bytes:
        """The events to send now, one JSON document a line, of writes up to a revision."""
        if self._ended:
            return b""
        lines = self._initial_lines() if self._initial or self._bookmark_initial else []
        try:
            writes = self._store.since(self._info.group_kind, self._at, until)
        except Expired as error:
            self._ended = True
            status = expired(str(error)).as_status()
            return b"".join(lines) + _line(b"ERROR", orjson.dumps(status))
        for write in writes:
            if not self._namespace or write.key.namespace == self._namespace:
                lines += self._lines_of(write)
        self._at = max(self._at, until)
        lines += self._bookmark_lines(now)
        if now >= self._deadline:
            self._ended = True
        return b"".join(lines)

    def _initial_lines(self) -> list[bytes]:
        lines = [_line(b"ADDED", self._show(stored)) for stored in self._initial]
        if self._bookmark_initial:
            lines.append(self._bookmark({INITIAL_EVENTS_END: "true"}))
        self._initial, self._bookmark_initial = [], False
        return lines

    def _lines_of(self, write: Write) -> list[bytes]:
        was = write.before is not None and self._chooses(write.before)
        if write.after is not None and self._chooses(write.after):
            return [_line(b"MODIFIED" if was else b"ADDED", self._show(write.after))]
        return [_line(b"DELETED", self._show(write.gone))] if was else []

    def _chooses(self, stored: Stored) -> bool:
        options = self._options
        return options.labels.chooses(stored.object) and (
            not options.fields.terms or options.fields.chooses(stored.object)
        )

    def _bookmark_lines(self, now: Instant) -> list[bytes]:
        if not self._options.bookmarks:
            return []
        ends_soon = now >= later(self._deadline, -LAST_BOOKMARK_SECONDS)
        is_last = ends_soon and self._is_last_bookmark_due
        if now < self._next_bookmark and not is_last:
            return []
        self._is_last_bookmark_due = self._is_last_bookmark_due and not ends_soon
        self._next_bookmark = later(now, BOOKMARK_SECONDS)
        return [self._bookmark({})]

    def _bookmark(self, annotations: dict[str, str]) -> bytes:
        metadata: dict[str, object] = {"resourceVersion": str(self._at)}
        if annotations:
            metadata["annotations"] = annotations
        mark = {
            "kind": self._info.kind,
            "apiVersion": self._info.api_version,
            "metadata": metadata,
        }
        return _line(b"BOOKMARK", self._show(Stored(mark, self._at)))


def _line(type_: bytes, encoded: bytes) -> bytes:
    return b'{"type":"' + type_ + b'","object":' + encoded + b"}\n"
