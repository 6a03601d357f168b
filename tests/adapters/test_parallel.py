import os

import pytest

from kiban.adapters.parallel import Report, in_processes
from kiban.primitives.problems import KibanError, Place, Problem


def squared(item: int, report: Report) -> tuple[int, int]:
    report(0.5)
    return item * item, os.getpid()


def refused(item: int, report: Report) -> int:
    raise KibanError(Problem("test/refused", f"{item} is refused", Place()))


def test_results_come_in_the_order_of_the_items_from_other_processes() -> None:
    shares: list[float] = []

    results = in_processes(squared, range(5), shares.append, jobs=2)

    assert [value for value, _ in results] == [0, 1, 4, 9, 16]
    assert os.getpid() not in {pid for _, pid in results}
    assert shares == sorted(shares)
    assert shares[-1] <= 1.0


def test_one_job_stays_in_this_process_and_tells_the_share_of_the_whole() -> None:
    shares: list[float] = []

    results = in_processes(squared, [3, 4], shares.append, jobs=1)

    assert results == [(9, os.getpid()), (16, os.getpid())]
    assert shares == [0.25, 0.75]


def test_a_problem_of_one_item_is_the_problem_of_all() -> None:
    # Which of them comes first is the machine's business.
    with pytest.raises(KibanError, match=r"[12] is refused"):
        in_processes(refused, [1, 2], lambda _: None, jobs=2)
