"""Erlang's formulas against published values and against themselves."""

import numpy as np
import pytest

from kiban.rehearsal.traffic.erlang import DelayTable, erlang_b, erlang_c, mean_wait


def test_eight_erlangs_on_ten_servers() -> None:
    assert erlang_b(8, 10) == pytest.approx(0.1217, abs=5e-5)
    assert erlang_c(8, 10) == pytest.approx(0.4092, abs=5e-5)
    assert mean_wait(8, 10, 1.0) == pytest.approx(0.2046, abs=5e-5)


def test_one_server_waits_as_the_textbook_says() -> None:
    assert erlang_c(0.8, 1) == pytest.approx(0.8)
    assert mean_wait(0.8, 1, 0.5) == pytest.approx(0.8 / 0.2 * 0.5)


def test_variation_scales_the_wait() -> None:
    assert mean_wait(0.8, 1, 0.5, variation=0.5) == pytest.approx(mean_wait(0.8, 1, 0.5) / 2)


def test_servers_that_cannot_keep_up_let_everybody_wait_for_ever() -> None:
    assert erlang_c(10, 10) == 1.0
    assert mean_wait(11, 10, 1.0) == float("inf")


def test_nobody_waits_without_load() -> None:
    assert erlang_c(0, 4) == 0.0


@pytest.mark.parametrize("servers", [1, 2, 8, 64, 320])
def test_the_table_is_the_formula(servers: int) -> None:
    table = DelayTable()
    shares = np.array([0.0, 0.05, 0.31, 0.5, 0.777, 0.9, 0.95, 0.999])
    rows = table.rows(np.full(len(shares), servers, dtype=np.int64))
    expected = [erlang_c(share * servers, servers) for share in shares]
    assert table.chance(rows, shares) == pytest.approx(expected, abs=2e-3)


def test_rows_stay_where_they_are_when_others_come() -> None:
    table = DelayTable()
    first = table.rows(np.array([4, 8]))
    before = table.chance(first, np.array([0.8, 0.8]))
    table.rows(np.array([2, 16]))
    assert list(table.chance(first, np.array([0.8, 0.8]))) == list(before)
