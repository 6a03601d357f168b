"""What a history of requests may look like, if there is one object per key and one order of all
writes: a checker in the manner of Jepsen's, over what clients saw.

Every write that was acknowledged carries the revision at which it took effect, so the order need
not be searched for: it is checked that the order of revisions is one that the clients' clocks
allow, that every conditional write met its condition, and that every read and every refusal shows
the state at some revision between its beginning and its end.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

State = dict[str, tuple[int, str]]
# What is there under one key: revision and value, or None.
Seen = tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Write:
    """An acknowledged write: the object's new value, or None for its removal. `condition` is the
    revision that the object had to be at; 0 for none, -1 where it had to be absent."""

    key: str
    value: str | None
    revision: int
    started: float
    ended: float
    condition: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """A get: what it showed."""

    key: str
    seen: Seen
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Refusal:
    """A write that was refused because of what was there: `why` says what that must have been."""

    key: str
    why: Literal["absent", "present", "changed"]
    # The revision that the object was no longer at.
    condition: int
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, in one piece or in pages: its revision and everything in it. A list of pages shows
    the revision of its first page, which had come by `ended`."""

    revision: int
    seen: State
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class WatchEvent:
    kind: Literal["ADDED", "MODIFIED", "DELETED"]
    key: str
    value: str
    revision: int


@dataclass(frozen=True, slots=True)
class Watch:
    """What one watch showed after a revision, over all its connections. With a `side` it asked
    for objects of that label only, which is their value's last letter."""

    since: int
    events: list[WatchEvent]
    side: str = ""


@dataclass
class History:
    """Everything that all clients saw. `removals` are acknowledged removals by uid, whose
    revision is not known yet; `odd` is what was wrong at first sight."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    watches: list[Watch] = field(default_factory=list)
    removals: dict[str, Write] = field(default_factory=dict)
    odd: list[str] = field(default_factory=list)


class Order:
    """All writes by revision, and what there was at each."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self.writes = sorted(writes, key=lambda write: write.revision)
        self.revisions = [write.revision for write in self.writes]
        self._by_key: dict[str, list[Write]] = {}
        for write in self.writes:
            self._by_key.setdefault(write.key, []).append(write)
        by_end = sorted(self.writes, key=lambda write: write.ended)
        by_start = sorted(self.writes, key=lambda write: write.started)
        self._ends, self._starts = [w.ended for w in by_end], [w.started for w in by_start]
        self._ended = _highest([w.revision for w in by_end])
        self._started = _highest([w.revision for w in by_start])

    def seen(self, key: str, revision: int) -> Seen:
        """What was there under a key at a revision."""
        writes = self._by_key.get(key, [])
        place = bisect_right([write.revision for write in writes], revision)
        return _seen(writes[place - 1]) if place else None

    def state(self, revision: int) -> State:
        found = {key: self.seen(key, revision) for key in self._by_key}
        return {key: seen for key, seen in found.items() if seen is not None}

    def between(self, low: int, high: int) -> Sequence[Write]:
        """The writes after one revision and up to another."""
        return self.writes[bisect_right(self.revisions, low) : bisect_right(self.revisions, high)]

    def bounds(self, started: float, ended: float) -> tuple[int, int]:
        """The revisions that somebody may see who asked then: from the last write that had ended
        before to the last that had begun before the answer."""
        before = bisect_left(self._ends, started)
        begun = bisect_left(self._starts, ended)
        lowest = self._ended[before - 1] if before else 0
        return lowest, max(lowest, self._started[begun - 1] if begun else 0)

    def possible(self, key: str, started: float, ended: float) -> list[Seen]:
        """Everything that was there under a key at some moment of a request."""
        lowest, highest = self.bounds(started, ended)
        within = [write for write in self.between(lowest, highest) if write.key == key]
        return [self.seen(key, lowest), *map(_seen, within)]


def faults(history: History) -> list[str]:
    """Everything in a complete history (no write unanswered) that no single order explains."""
    order = Order(history.writes)
    found = [*history.odd, *_repeated(order), *_against_time(order), *_unmet(order)]
    for read in history.reads:
        possible = order.possible(read.key, read.started, read.ended)
        if read.seen not in possible:
            found.append(f"{read} showed none of {possible}")
    for refusal in history.refusals:
        found += _refusal_faults(refusal, order)
    for listing in history.listings:
        found += _listing_faults(listing, order)
    for watch in history.watches:
        found += watch_faults(watch, order)
    return found


def watch_faults(watch: Watch, order: Order) -> Iterator[str]:
    """Whether a watch showed exactly the writes after a revision, up to its last event."""
    last = watch.events[-1].revision if watch.events else watch.since
    expected = []
    state = order.state(watch.since)
    for write in order.between(watch.since, last):
        event = _event(state.pop(write.key, None), write, watch.side)
        if event is not None:
            expected.append(event)
        if write.value is not None:
            state[write.key] = (write.revision, write.value)
    if watch.events != expected:
        pairs = zip([*watch.events, None], [*expected, None], strict=False)
        first = next(pair for pair in pairs if pair[0] != pair[1])
        yield f"a watch since {watch.since} showed {first[0]} instead of {first[1]}"


def _event(before: Seen, write: Write, side: str) -> WatchEvent | None:
    """What a watch shows of a write: of one that leaves the side, the state that was there."""
    was = before[1] if before is not None and before[1].endswith(side) else None
    now = write.value if write.value is not None and write.value.endswith(side) else None
    if now is not None:
        kind: Literal["ADDED", "MODIFIED"] = "MODIFIED" if was is not None else "ADDED"
        return WatchEvent(kind, write.key, now, write.revision)
    if was is not None:
        return WatchEvent("DELETED", write.key, was, write.revision)
    return None


def _repeated(order: Order) -> Iterator[str]:
    for one, other in pairwise(order.writes):
        if one.revision == other.revision:
            yield f"two writes have one revision: {one}, {other}"


def _against_time(order: Order) -> Iterator[str]:
    """A write that ended before another began has the lower revision."""
    latest_start = 0.0
    for write in order.writes:
        if write.ended < latest_start:
            yield f"{write} took effect after one that began when it had ended"
        latest_start = max(latest_start, write.started)


def _unmet(order: Order) -> Iterator[str]:
    """Writes that took effect although their condition did not hold."""
    for write in order.writes:
        before = order.seen(write.key, write.revision - 1)
        at = before[0] if before is not None else -1
        if write.condition and write.condition != at:
            yield f"{write} took effect on {before}"


def _refusal_faults(refusal: Refusal, order: Order) -> Iterator[str]:
    possible = order.possible(refusal.key, refusal.started, refusal.ended)
    match refusal.why:
        case "absent":
            right = None in possible
        case "present":
            right = any(seen is not None for seen in possible)
        case "changed":
            right = any(seen is not None and seen[0] != refusal.condition for seen in possible)
    if not right:
        yield f"{refusal} although there was {possible}"


def _listing_faults(listing: Listing, order: Order) -> Iterator[str]:
    lowest, highest = order.bounds(listing.started, listing.ended)
    # Kinds that nobody here writes move the revision too, so it may lie beyond the last write.
    if listing.revision < lowest:
        yield f"a list at {listing.revision} began after {lowest} was acknowledged"
    elif listing.seen != order.state(listing.revision):
        yield f"a list at {listing.revision} (at most {highest}) showed another state"


def _seen(write: Write) -> Seen:
    return None if write.value is None else (write.revision, write.value)


def _highest(revisions: list[int]) -> list[int]:
    """The highest so far at each place."""
    found: list[int] = []
    for revision in revisions:
        found.append(max(revision, found[-1]) if found else revision)
    return found
