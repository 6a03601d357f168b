"""The same work for many items, each in a process of its own as far as there are cores, with
progress that the caller can show."""

import multiprocessing
import os
from collections.abc import Callable, Sequence
from multiprocessing.sharedctypes import SynchronizedArray
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
# Called by the work with the share that is done, 0 to 1.
Report = Callable[[float], None]
Work = Callable[[Item, Report], Result]

POLL_SECONDS = 0.1

_shares: "SynchronizedArray[Any] | None" = None


def cores() -> int:
    """How many processes can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def in_processes(
    work: Work[Item, Result], items: Sequence[Item], shown: Report, jobs: int = 0
) -> list[Result]:
    """The results in the order of the items. `work` and items must be picklable; `shown` gets the
    share of everything that is done. One item, or one job, needs no other process."""
    jobs = min(jobs or cores(), len(items))
    if jobs <= 1:
        return [work(item, _part(index, len(items), shown)) for index, item in enumerate(items)]
    context = multiprocessing.get_context("spawn")
    shares = context.Array("d", len(items))
    with context.Pool(jobs, _begin, (shares,)) as pool:
        running = pool.starmap_async(
            _one, [(work, item, index) for index, item in enumerate(items)], chunksize=1
        )
        while not running.ready():
            running.wait(POLL_SECONDS)
            shown(sum(shares[:]) / len(items))
        return running.get()


def _begin(shares: "SynchronizedArray[Any]") -> None:
    global _shares  # noqa: PLW0603 - shared memory reaches a pool's process only when it starts
    _shares = shares


def _one(work: Work[Item, Result], item: Item, index: int) -> Result:
    def report(share: float) -> None:
        if _shares is not None:
            _shares[index] = share

    result = work(item, report)
    report(1.0)
    return result


def _part(index: int, count: int, shown: Report) -> Report:
    return lambda share: shown((index + share) / count)
