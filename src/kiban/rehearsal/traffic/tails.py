"""Quantiles of response times from their mean and variance.

A response is a sum of waits and services, so its means and variances add up along the calls. The
gamma distribution with that mean and variance is exact for one server and for chains of equal
ones, and close for what lies between. Its quantiles come from Wilson and Hilferty's cube (Proc.
Natl. Acad. Sci. 17, 1931), which needs no more than a square root.
"""

import numpy as np
from numpy.typing import NDArray

from kiban.rehearsal.traffic.exact import Vector, exp, power

# Standard normal quantiles of the percentiles that are reported.
NORMAL = {
    "p50": 0.0,
    "p90": 1.2815515655446004,
    "p95": 1.6448536269514722,
    "p99": 2.3263478740408408,
}
# Limits further out than so many deviations are not exceeded by anybody worth counting.
FAR = 10.0
# Less spread than this is none.
_LEAST = 1e-12


def quantiles(mean: Vector, variance: Vector, names: tuple[str, ...]) -> list[Vector]:
    """The named percentiles, from the means and variances of response times."""
    ninth, root = _shape(mean, variance)
    centre = 1.0 - ninth
    found = []
    for name in names:
        cube = np.maximum(centre + root * NORMAL[name], 0.0)
        found.append(mean * cube * cube * cube)
    return found


def beyond(mean: Vector, variance: Vector, limit: Vector) -> Vector:
    """The share of responses that take longer than a limit. The normal distribution's tail is
    taken by the logistic curve with a cubic term (Bowling et al. 2009), right to 0.0002."""
    ninth, root = _shape(mean, variance)
    ratio = limit / np.maximum(mean, _LEAST)
    z = (power(np.maximum(ratio, _LEAST), 1.0 / 3.0) - 1.0 + ninth) / np.maximum(root, 1e-6)
    z = np.minimum(np.maximum(z, -8.0), 8.0)
    found: Vector = 1.0 / (1.0 + exp(0.07056 * z * z * z + 1.5976 * z))
    return found


def exceeds(mean: Vector, variance: Vector, limit: Vector) -> NDArray[np.bool_]:
    """Where a limit is near enough to be exceeded by anybody worth counting."""
    found: NDArray[np.bool_] = mean + FAR * np.sqrt(variance) > limit
    return found


def _shape(mean: Vector, variance: Vector) -> tuple[Vector, Vector]:
    """A ninth of one over the shape, and its square root."""
    ninth = variance / (9.0 * np.maximum(mean * mean, _LEAST))
    return ninth, np.sqrt(ninth)
