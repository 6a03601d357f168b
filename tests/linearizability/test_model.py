"""The checker itself: it must find what it is there to find."""

from dataclasses import replace

from tests.linearizability.model import History, Listing, Read, WatchEvent, Write, faults

FIRST = Write("a", "1", 5, 0.0, 1.0)
SECOND = Write("a", "2", 6, 2.0, 3.0)
GONE = Write("a", None, 7, 4.0, 5.0)
EVENTS = [
    WatchEvent("ADDED", "a", "1", 5),
    WatchEvent("MODIFIED", "a", "2", 6),
    WatchEvent("DELETED", "a", "2", 7),
]


def history(**parts: object) -> History:
    return replace(History([FIRST, SECOND, GONE]), **parts)


def test_a_sound_history_has_no_faults() -> None:
    reads = [Read("a", (5, "1"), 1.5, 2.5), Read("a", (6, "2"), 1.5, 2.5), Read("a", None, 6, 7)]
    listings = [Listing(6, {"a": (6, "2")}, 2.5, 3.5)]
    sound = history(reads=reads, listings=listings, watches=[(0, EVENTS), (5, EVENTS[1:])])
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
        assert len(faults(history(watches=[(0, events)]))) == 1


def test_an_order_against_time_is_found() -> None:
    late = replace(FIRST, revision=9)
    assert faults(History([late, SECOND])) != []


def test_one_revision_for_two_writes_is_found() -> None:
    assert faults(History([FIRST, replace(SECOND, revision=5)])) != []
