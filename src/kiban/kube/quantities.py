"""The one spelling of a quantity that Kubernetes stores: `0.5` is `500m`, `1024Mi` is `1Gi`.

The suffix family of the input stays (binary, decimal, exponent); the number becomes a whole one
with the largest suffix that allows it. Source: apimachinery/pkg/api/resource/quantity.go.
"""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from kiban.primitives.quantities import parse_quantity

_DECIMAL = (("E", 18), ("P", 15), ("T", 12), ("G", 9), ("M", 6), ("k", 3), ("", 0), ("m", -3))
_FINE = (("u", -6), ("n", -9))
_BINARY = ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki")


@lru_cache(maxsize=8192)
def canonical_quantity(text: str | int | float) -> str:
    """The canonical form. Raises `ValueError` when it is not a quantity."""
    return spelled(parse_quantity(text), family_of(text))


Family = Literal["binary", "exponent", "decimal"]


def family_of(text: str | int | float) -> Family:
    """The family of suffixes in which a quantity is written."""
    written = str(text)
    if "i" in written:
        return "binary"
    return "exponent" if re.search(r"[eE][+-]?\d", written) else "decimal"


def spelled(value: Decimal, family: Family) -> str:
    """A number in the canonical form of a family."""
    if family == "binary" and abs(value) >= 1024 and value == value.to_integral_value():
        return _binary(value)
    return _exponent(value) if family == "exponent" else _decimal(value)


def _binary(value: Decimal) -> str:
    number = int(value)
    for power, suffix in zip(range(6, 0, -1), _BINARY, strict=True):
        if number % 1024**power == 0:
            return f"{number // 1024**power}{suffix}"
    return str(number)


def _decimal(value: Decimal) -> str:
    if value == 0:
        return "0"
    for suffix, power in (*_DECIMAL, *_FINE):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}{suffix}"
    return f"{int(value.scaleb(9).to_integral_value(rounding='ROUND_UP'))}n"


def _exponent(value: Decimal) -> str:
    if value == 0:
        return "0"
    for power in range(18, -10, -3):
        scaled = value.scaleb(-power)
        if scaled == scaled.to_integral_value():
            return f"{int(scaled)}e{power}" if power else str(int(scaled))
    return str(value)
