import numpy as np
from numpy.testing import assert_array_equal

from kiban.rehearsal.series import Series


def test_a_figure_of_services_is_a_row_a_sample_and_a_column_a_service() -> None:
    series = Series(("a", "b"))
    for second, row in enumerate(([1.0, 2.0], [1.0, 2.0], [3.0, 2.0], [1.0, 2.0])):
        series.add(float(second), "ready", np.array(row))
    assert_array_equal(series.table("ready"), [[1, 2], [1, 2], [3, 2], [1, 2]])
    assert series.values("ready", "a") == [1, 1, 3, 1]
    assert series.values("ready") == [3, 3, 5, 3]
    assert series.times("ready") == [0, 1, 2, 3]


def test_many_samples_are_kept_in_order() -> None:
    series = Series(("a", "b"))
    for second in range(400):
        series.add(float(second), "ready", np.array([7.0, second // 300]))
    assert series.values("ready", "a") == [7] * 400
    assert series.values("ready", "b") == [0] * 300 + [1] * 100
    series.add(400.0, "ready", np.array([8.0, 2.0]))
    assert series.table("ready")[399:].tolist() == [[7, 1], [8, 2]]


def test_a_single_figure_has_no_service() -> None:
    series = Series(("a", "b"))
    series.add(15.0, "nodes", 3.0)
    assert series.values("nodes") == [3]
    assert series.names() == ["nodes"]


def test_what_was_never_measured_is_empty() -> None:
    series = Series(("a", "b"))
    assert series.table("ready").shape == (0, 2)
    assert series.values("ready") == series.times("ready") == []
