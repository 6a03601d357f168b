"""A few of the rounds that `python -m tests.durability.kill_rounds` makes a thousand of."""

import asyncio
from pathlib import Path

import pytest
from tests.durability.kill_rounds import run

from kiban.adapters.store_journal import StoreJournal
from kiban.cluster.history import Write

ROUNDS, SEED = 8, 11


def test_nothing_acknowledged_is_lost_by_kill_9_at_any_moment(tmp_path: Path) -> None:
    tally = asyncio.run(run(tmp_path, SEED, ROUNDS))
    assert tally.rounds == ROUNDS
    assert tally.kills > ROUNDS
    assert tally.acknowledged > 50


def test_a_journal_that_forgets_some_of_what_it_acknowledged_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError):
        asyncio.run(run(tmp_path, SEED, ROUNDS, plant=_forgetful))


def _forgetful() -> None:
    """One batch in ten is said to be on disk and is not."""
    whole, count = StoreJournal._next_batch, 0

    def next_batch(journal: StoreJournal) -> list[Write]:
        nonlocal count
        batch = whole(journal)
        count += 1
        while count % 10 == 0 and batch:
            journal._on_durable(batch[-1].revision)
            count, batch = count + 1, whole(journal)
        return batch

    StoreJournal._next_batch = next_batch  # type: ignore[assignment, method-assign]
