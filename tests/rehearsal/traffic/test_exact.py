"""Exponential and logarithm against the platform's, and tails against known distributions."""

from math import exp as true_exp
from math import log

import numpy as np
import pytest

from kiban.rehearsal.traffic.exact import exp, ln, power
from kiban.rehearsal.traffic.tails import beyond, quantiles


def test_exponentials_and_logarithms_are_right_to_nine_digits() -> None:
    x = np.linspace(-30.0, 30.0, 997)
    assert exp(x) == pytest.approx([true_exp(one) for one in x], rel=1e-8)
    y = np.geomspace(1e-9, 1e9, 997)
    assert ln(y) == pytest.approx([log(one) for one in y], abs=1e-8)
    assert power(y, 1 / 3) == pytest.approx([one ** (1 / 3) for one in y], rel=1e-7)


def test_extremes_stay_numbers() -> None:
    found = exp(np.array([-1e9, 0.0, 1e9]))
    assert found[0] >= 0.0 and found[1] == 1.0 and np.isfinite(found[2])


def test_one_exponential_has_its_quantiles() -> None:
    mean = np.array([2.0])
    p50, p95, p99 = quantiles(mean, mean * mean, ("p50", "p95", "p99"))
    assert p50[0] == pytest.approx(2 * log(2), rel=0.02)
    assert p95[0] == pytest.approx(2 * log(20), rel=0.02)
    assert p99[0] == pytest.approx(2 * log(100), rel=0.01)


def test_without_spread_all_quantiles_are_the_mean() -> None:
    p50, p99 = quantiles(np.array([0.5]), np.array([0.0]), ("p50", "p99"))
    assert (p50[0], p99[0]) == (0.5, 0.5)


def test_the_share_beyond_a_limit_is_that_of_the_exponential() -> None:
    ones = np.ones(4)
    limits = np.array([0.5, 1.0, 3.0, 6.0])
    found = beyond(ones, ones, limits)
    assert found == pytest.approx([true_exp(-one) for one in limits], abs=0.012)


def test_what_lies_far_beyond_the_limit_is_all_of_it() -> None:
    assert beyond(np.array([10.0]), np.array([0.01]), np.array([1.0]))[0] > 0.999
