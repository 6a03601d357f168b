"""Instants and spans."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiban.primitives.instants import (
    Instant,
    from_datetime,
    later,
    parse_rfc3339,
    parse_span,
    rfc3339,
    rfc3339_micro,
    seconds_between,
    span,
    to_datetime,
    whole_second,
)

instants = st.integers(0, 4_000_000_000_000_000).map(Instant)


@given(instants)
def test_micro_time_reads_back_exactly(instant: Instant) -> None:
    assert parse_rfc3339(rfc3339_micro(instant)) == instant
    assert from_datetime(to_datetime(instant)) == instant


@given(instants)
def test_time_has_whole_seconds(instant: Instant) -> None:
    assert parse_rfc3339(rfc3339(instant)) == whole_second(instant)


@given(st.integers(0, 10**9))
def test_a_span_reads_back_exactly(milliseconds: int) -> None:
    assert round(parse_span(span(milliseconds / 1000)) * 1000) == milliseconds


def test_later_and_between_are_inverse() -> None:
    start = parse_rfc3339("2026-11-21T12:00:00+09:00")
    assert rfc3339(start) == "2026-11-21T03:00:00Z"
    assert seconds_between(start, later(start, 1.5)) == 1.5


@pytest.mark.parametrize("text", ["", "15", "s", "1s30", "-5s", "1 m", "2w"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="span of time"):
        parse_span(text)


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        parse_rfc3339("2026-11-21T12:00:00")
