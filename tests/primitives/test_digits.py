"""Whole numbers in texts."""

import pytest

from kiban.primitives.digits import signed_number, whole_number


@pytest.mark.parametrize(
    ("text", "number"),
    [("0", 0), ("007", 7), ("9" * 19, 10**19 - 1), ("0" * 5000 + "1", 1)],
)
def test_digits_are_read(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "²", "٣", "1_000", " 1", "-1", "1\n", "9" * 20, "9" * 5000])
def test_what_is_not_plainly_a_number_is_none(text: str) -> None:
    assert whole_number(text) is None


def test_a_sign_is_read_where_one_may_stand() -> None:
    assert [signed_number(text) for text in ("-5", "+5", "5", "--5", "-", "")] == [
        -5,
        5,
        5,
        None,
        None,
        None,
    ]
