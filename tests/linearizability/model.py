"""What a history of requests may look like, if there is one object per key and one order of all
writes: a checker in the manner of Jepsen's, over what clients saw.

Every write that was acknowledged carries the revision at which it took effect, so the order need
not be searched for: it is checked that the order of revisions is one that the clients' clocks
allow, and that every read shows the state at some revision between its beginning and its end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

State = dict[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Write:
    """An acknowledged write: the object's new value, or None for its removal."""

    key: str
    value: str | None
    revision: int
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Read:
    """A get: what it showed as (revision, value), or None when there was no object."""

    key: str
    seen: tuple[int, str] | None
    started: float
    ended: float


@dataclass(frozen=True, slots=True)
class Listing:
    """A list: its revision and everything in it."""

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


@dataclass
class History:
    """Everything that all clients saw. `unanswered` are values of writes whose fate is unknown:
    they may have taken effect once, at any time after they began. `removals` are acknowledged
    removals by uid, whose revision is not known yet."""

    writes: list[Write] = field(default_factory=list)
    reads: list[Read] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    watches: list[tuple[int, list[WatchEvent]]] = field(default_factory=list)
    unanswered: set[str] = field(default_factory=set)
    removals: dict[str, Write] = field(default_factory=dict)


def faults(history: History) -> list[str]:
    """Everything in a complete history (no write unanswered) that no single order explains."""
    order = sorted(history.writes, key=lambda write: write.revision)
    found = [*_repeated(order), *_against_time(order)]
    found += [fault for read in history.reads for fault in _read_faults(read, order)]
    found += [fault for listing in history.listings for fault in _listing_faults(listing, order)]
    for since, events in history.watches:
        found += watch_faults(since, events, order)
    return found


def state_at(order: Sequence[Write], revision: int) -> State:
    state: State = {}
    for write in order:
        if write.revision > revision:
            break
        if write.value is None:
            state.pop(write.key, None)
        else:
            state[write.key] = (write.revision, write.value)
    return state


def watch_faults(since: int, events: Sequence[WatchEvent], order: Sequence[Write]) -> Iterator[str]:
    """Whether a watch showed exactly the writes after a revision, up to its last event."""
    last = events[-1].revision if events else since
    state = state_at(order, since)
    expected = []
    for write in order:
        if since < write.revision <= last:
            before = state.pop(write.key, None)
            if write.value is None:
                gone = before[1] if before else ""
                expected.append(WatchEvent("DELETED", write.key, gone, write.revision))
                continue
            kind: Literal["ADDED", "MODIFIED"] = "MODIFIED" if before else "ADDED"
            expected.append(WatchEvent(kind, write.key, write.value, write.revision))
            state[write.key] = (write.revision, write.value)
    if list(events) != expected:
        pairs = zip([*events, None], [*expected, None], strict=False)
        first = next(pair for pair in pairs if pair[0] != pair[1])
        yield f"a watch since {since} showed {first[0]} instead of {first[1]}"


def _repeated(order: Sequence[Write]) -> Iterator[str]:
    for one, other in pairwise(order):
        if one.revision == other.revision:
            yield f"two writes have one revision: {one}, {other}"


def _against_time(order: Sequence[Write]) -> Iterator[str]:
    """A write that ended before another began has the lower revision."""
    latest_start = 0.0
    for write in order:
        if write.ended < latest_start:
            yield f"{write} took effect after one that began when it had ended"
        latest_start = max(latest_start, write.started)


def _bounds(started: float, ended: float, order: Sequence[Write]) -> tuple[int, int]:
    """The revisions that a read may show: from the last write that had ended before it began to
    the last that had begun before it ended."""
    lowest = max((w.revision for w in order if w.ended < started), default=0)
    highest = max((w.revision for w in order if w.started < ended), default=0)
    return lowest, highest


def _read_faults(read: Read, order: Sequence[Write]) -> Iterator[str]:
    lowest, highest = _bounds(read.started, read.ended, order)
    possible: list[Any] = [state_at(order, lowest).get(read.key)]
    for write in order:
        if write.key == read.key and lowest < write.revision <= highest:
            possible.append(None if write.value is None else (write.revision, write.value))
    if read.seen not in possible:
        yield f"{read} showed none of {possible}"


def _listing_faults(listing: Listing, order: Sequence[Write]) -> Iterator[str]:
    lowest, highest = _bounds(listing.started, listing.ended, order)
    # Kinds that nobody here writes move the revision too, so it may lie beyond the last write.
    if listing.revision < lowest:
        yield f"a list at {listing.revision} began after {lowest} was acknowledged"
    expected = state_at(order, listing.revision)
    if listing.seen != expected:
        yield f"a list at {listing.revision} (at most {highest}) showed another state"
