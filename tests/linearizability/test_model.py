"""The checker itself: it must find what it is there to find."""

from dataclasses import replace
from typing import Any

from tests.linearizability.model import (
    History,
    Listing,
    Read,
    Refusal,
    Watch,
    WatchEvent,
    Write,
    faults,
)

FIRST = Write("a", "1", 5, 0.0, 1.0)
SECOND = Write("a", "2", 6, 2.0, 3.0)
GONE = Write("a", None, 7, 4.0, 5.0)
EVENTS = [
    WatchEvent("ADDED", "a", "1", 5),
    WatchEvent("MODIFIED", "a", "2", 6),
    WatchEvent("DELETED", "a", "2", 7),
]


def history(**parts: Any) -> History:
    return replace(History([FIRST, SECOND, GONE]), **parts)


def test_a_sound_history_has_no_faults() -> None:
    reads = [Read("a", (5, "1"), 1.5, 2.5), Read("a", (6, "2"), 1.5, 2.5), Read("a", None, 6, 7)]
    listings = [Listing(6, {"a": (6, "2")}, 2.5, 3.5)]
    sound = history(
        reads=reads, listings=listings, watches=[Watch(0, EVENTS), Watch(5, EVENTS[1:])]
    )
    assert faults(sound) == []


def test_a_stale_read_is_found() -> None:
    assert len(faults(history(reads=[Read("a", (5, "1"), 3.5, 3.6)]))) == 1


def test_a_read_of_the_future_is_found() -> None:
    assert len(faults(history(reads=[Read("a", (6, "2"), 1.1, 1.2)]))) == 1


def test_a_list_that_lags_or_mixes_is_found() -> None:
    assert len(faults(history(listings=[Listing(5, {"a": (5, "1")}, 3.5, 3.6)]))) == 1
    assert len(faults(history(listings=[Listing(6, {"a": (5, "1")}, 2.5, 3.5)]))) == 1


def test_a_watch_that_skips_repeats_or_reorders_is_found() -> None:
    skipping, repeating = [EVENTS[0], EVENTS[2]], [EVENTS[0], *EVENTS]
    for events in (skipping, repeating, [EVENTS[1], EVENTS[0], EVENTS[2]]):
        assert len(faults(history(watches=[Watch(0, events)]))) == 1


def test_an_order_against_time_is_found() -> None:
    late = replace(FIRST, revision=9)
    assert faults(History([late, SECOND])) != []


def test_one_revision_for_two_writes_is_found() -> None:
    assert faults(History([FIRST, replace(SECOND, revision=5)])) != []


def test_a_write_whose_condition_did_not_hold_is_found() -> None:
    assert faults(History([FIRST, replace(SECOND, condition=5), GONE])) == []
    assert len(faults(History([FIRST, replace(SECOND, condition=4), GONE]))) == 1
    assert len(faults(History([FIRST, replace(SECOND, condition=-1), GONE]))) == 1


def test_a_refusal_without_a_reason_is_found() -> None:
    right = [
        Refusal("a", "absent", 0, 5.5, 6.0),
        Refusal("a", "present", 0, 3.5, 4.5),
        Refusal("a", "changed", 5, 2.5, 3.5),
    ]
    assert faults(history(refusals=right)) == []
    wrong = [
        Refusal("a", "absent", 0, 3.5, 3.6),
        Refusal("a", "present", 0, 5.5, 6.0),
        Refusal("a", "changed", 6, 3.5, 3.6),
    ]
    assert len(faults(history(refusals=wrong))) == 3


def test_a_watch_of_one_side_shows_what_comes_and_goes() -> None:
    writes = [replace(FIRST, value="1a"), replace(SECOND, value="2b"), GONE]
    left = [WatchEvent("ADDED", "a", "1a", 5), WatchEvent("DELETED", "a", "1a", 6)]
    right = [WatchEvent("ADDED", "a", "2b", 6), WatchEvent("DELETED", "a", "2b", 7)]
    assert faults(History(writes, watches=[Watch(0, left, "a"), Watch(0, right, "b")])) == []
    assert len(faults(History(writes, watches=[Watch(0, left[:1] + right[1:], "a")]))) == 1
