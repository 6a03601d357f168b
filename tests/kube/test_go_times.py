"""Times in the form in which the server writes them, and Go's words for what is none."""

import pytest

from kiban.kube.go_times import written_time


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.999Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00Z"),
        ("2026-01-01T00:00:00+09:00", "2025-12-31T15:00:00Z"),
    ],
)
def test_a_time_is_written_in_whole_seconds_of_utc(text: str, written: str) -> None:
    assert written_time(text) == written


def test_a_micro_time_keeps_six_digits() -> None:
    assert written_time("2026-01-01T00:00:00.123456+01:00", micro=True) == (
        "2025-12-31T23:00:00.123456Z"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ' as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"'),
        ("tomorrow", ' as "2006-01-02T15:04:05Z07:00": cannot parse "tomorrow" as "2006"'),
        ("2026-01-01", ' as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"'),
        (
            "2026-01-01 00:00:00Z",
            ' as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T"',
        ),
        ("2026-1-01T", ' as "2006-01-02T15:04:05Z07:00": cannot parse "1-01T" as "01"'),
        ("2026-01-01T00:00:00", ' as "2006-01-02T15:04:05Z07:00": cannot parse "" as "Z07:00"'),
        ("2026-13-01T00:00:00Z", ": month out of range"),
        ("2026-02-30T00:00:00Z", ": day out of range"),
        ("2026-01-01T24:00:00Z", ": hour out of range"),
        ("2026-01-01T00:00:00Z?", ': extra text: "?"'),
    ],
)
def test_what_is_no_time_is_refused_in_the_words_of_go(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="parsing time") as raised:
        written_time(text)
    assert str(raised.value) == f'parsing time "{text}"{said}'


@pytest.mark.parametrize(("text", "rest"), [("Z", "Z"), (".123Z", ".123Z"), (".1234567Z", "7Z")])
def test_a_micro_time_has_exactly_six_digits(text: str, rest: str) -> None:
    part = "Z07:00" if rest == "7Z" else ".000000"
    with pytest.raises(ValueError, match="parsing time") as raised:
        written_time(f"2026-01-01T00:00:00{text}", micro=True)
    assert str(raised.value).endswith(
        f'as "2006-01-02T15:04:05.000000Z07:00": cannot parse "{rest}" as "{part}"'
    )
