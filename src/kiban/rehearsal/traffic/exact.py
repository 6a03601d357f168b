"""Exponential and logarithm of vectors, from operations that every processor rounds alike.

NumPy's own differ in the last bit between instruction sets, and one bit is enough to make two
event logs of one seed differ. Only sums, products and powers of two are used here; the error is
below one in a thousand million, far below that of the model.
"""

from math import ldexp

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_LN2 = 0.6931471805599453
_SQRT_HALF = 0.7071067811865476
# Beyond these the result is nothing, or more than can be meant.
_SMALLEST, _LARGEST = -700.0, 700.0


def exp(x: Vector) -> Vector:
    """e to the power of each element: a power of two times a short series of what is left."""
    bounded = np.minimum(np.maximum(x, _SMALLEST), _LARGEST)
    twos = np.rint(bounded * (1.0 / _LN2))
    rest = bounded - twos * _LN2
    total = np.ones_like(rest)
    for n in range(9, 0, -1):
        total = total * rest * (1.0 / n) + 1.0
    found: Vector = np.ldexp(total, twos.astype(np.int32))
    return found


def exp_of(x: float) -> float:
    """The same for one number, to the same bit."""
    bounded = min(max(x, _SMALLEST), _LARGEST)
    twos = round(bounded * (1.0 / _LN2))
    rest = bounded - twos * _LN2
    total = 1.0
    for n in range(9, 0, -1):
        total = total * rest * (1.0 / n) + 1.0
    return ldexp(total, twos)


def any_of(truths: NDArray[np.bool_]) -> bool:
    """Whether one of them holds. Counting is quicker than asking, where there are few."""
    return bool(np.count_nonzero(truths))


def ln(x: Vector) -> Vector:
    """The natural logarithm of positive numbers, by the series of the inverse hyperbolic
    tangent around a mantissa near 1."""
    mantissa, twos = np.frexp(x)
    small = mantissa < _SQRT_HALF
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    twos = twos - small
    t = (mantissa - 1.0) / (mantissa + 1.0)
    square = t * t
    total = np.full_like(t, 1.0 / 11.0)
    for n in (9.0, 7.0, 5.0, 3.0, 1.0):
        total = total * square + 1.0 / n
    found: Vector = twos * _LN2 + 2.0 * t * total
    return found


def power(base: Vector, exponent: Vector | float) -> Vector:
    """Positive numbers to any power."""
    return exp(ln(base) * exponent)
