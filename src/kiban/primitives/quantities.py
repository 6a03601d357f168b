"""Kubernetes quantities (`500m`, `1Gi`, `2e3`) as exact numbers, and back in canonical form.

Source of the grammar: k8s.io/apimachinery/pkg/api/resource/quantity.go.
"""

import re
from decimal import Decimal
from functools import lru_cache

_SUFFIXES: dict[str, Decimal] = {
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "": Decimal(1),
    "k": Decimal(10**3),
    "M": Decimal(10**6),
    "G": Decimal(10**9),
    "T": Decimal(10**12),
    "P": Decimal(10**15),
    "E": Decimal(10**18),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}
# Digits of a number, or of its exponent's value; quantities are 64-bit numbers of nanos to exas.
_LONGEST = 64
_QUANTITY = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+))(?:([eE][+-]?\d+)|(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]))?"
)


@lru_cache(maxsize=4096)
def parse_quantity(text: str | int | float) -> Decimal:
    """The exact number a quantity stands for. Raises `ValueError` when it is not one."""
    match = _QUANTITY.fullmatch(str(text))
    if match is None:
        raise ValueError(f"{text!r} is not a quantity; write it like 500m, 2, 512Mi or 1Gi")
    number, exponent, suffix = match.groups()
    if len(number) > _LONGEST or abs(int((exponent or "e0")[1:5])) > _LONGEST:
        raise ValueError("the quantity is beyond everything that can be counted")
    return Decimal(number + (exponent or "")) * _SUFFIXES[suffix or ""]


@lru_cache(maxsize=4096)
def milli(text: str | int | float) -> int:
    """Thousandths, rounded up as Kubernetes does (`500m` gives 500, `1` gives 1000)."""
    value = parse_quantity(text) * 1000
    return int(value.to_integral_value(rounding="ROUND_CEILING"))


def whole(text: str | int | float) -> int:
    """Whole units, rounded up (`1Ki` gives 1024, `1500m` gives 2)."""
    return int(parse_quantity(text).to_integral_value(rounding="ROUND_CEILING"))


def format_milli(value: int) -> str:
    """Thousandths as a quantity: 1500 gives `1500m`, 2000 gives `2`."""
    return str(value // 1000) if value % 1000 == 0 else f"{value}m"


def format_binary(value: int) -> str:
    """Bytes with the largest binary suffix that divides them: 536870912 gives `512Mi`."""
    for suffix in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        size = int(_SUFFIXES[suffix])
        if value and value % size == 0:
            return f"{value // size}{suffix}"
    return str(value)
