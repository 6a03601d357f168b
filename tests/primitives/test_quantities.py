"""Quantities."""

from decimal import Decimal

import pytest

from kiban.primitives.quantities import format_binary, format_milli, milli, parse_quantity, whole


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("500m", "0.5"),
        ("1Gi", "1073741824"),
        ("2e3", "2000"),
        (".5", "0.5"),
        ("1M", "1000000"),
        (3, "3"),
    ],
)
def test_a_quantity_is_an_exact_number(text: str, value: str) -> None:
    assert parse_quantity(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "500 m", "1gi", "m", "1.2.3", "0x10"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        parse_quantity(text)


def test_fractions_round_up_as_kubernetes_does() -> None:
    assert (milli("100u"), whole("1500m"), milli("1")) == (1, 2, 1000)


def test_canonical_forms() -> None:
    assert (format_milli(1500), format_milli(2000)) == ("1500m", "2")
    assert (format_binary(536870912), format_binary(1000)) == ("512Mi", "1000")
