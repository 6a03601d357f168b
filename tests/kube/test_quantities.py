"""The canonical form of quantities."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiban.kube.quantities import canonical_quantity
from kiban.primitives.quantities import parse_quantity


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("0.5", "500m"),
        ("1000m", "1"),
        ("1024Mi", "1Gi"),
        ("0.5Gi", "512Mi"),
        ("1500Mi", "1500Mi"),
        ("1e3", "1e3"),
        ("1000", "1k"),
        ("0", "0"),
        ("0Mi", "0"),
        ("100m", "100m"),
        ("-1", "-1"),
        (2, "2"),
        ("10000000", "10M"),
    ],
)
def test_a_quantity_has_one_spelling(written: str | int, stored: str) -> None:
    assert canonical_quantity(written) == stored


QUANTITIES = st.builds(
    lambda number, suffix: f"{number}{suffix}",
    st.integers(0, 10**6),
    st.sampled_from(["", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e2"]),
)


@settings(derandomize=True, deadline=None)
@given(QUANTITIES)
def test_the_number_stays_and_the_spelling_is_stable(text: str) -> None:
    stored = canonical_quantity(text)
    assert parse_quantity(stored) == parse_quantity(text)
    assert canonical_quantity(stored) == stored
