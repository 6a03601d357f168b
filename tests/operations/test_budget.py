"""Calls to an API that allows only so many."""

from kiban.operations.budget import Budget
from kiban.primitives.instants import Instant, later

NOW = Instant(1_800_000_000_000_000)


def calls(budget: Budget, seconds: int, since: Instant = NOW) -> list[int]:
    """The seconds at which a greedy caller, who tries ten times a second, is let through."""
    return [
        second
        for second in range(seconds)
        for tenth in range(10)
        if budget.take(later(since, second + tenth / 10))
    ]


def test_no_hour_holds_more_than_the_share() -> None:
    made = calls(Budget(5000, NOW), 3 * 3600)

    worst = max(sum(start <= at < start + 3600 for at in made) for start in range(0, 7200, 60))
    assert 3900 < worst <= 4021


def test_nothing_is_asked_while_the_api_wants_to_rest() -> None:
    budget = Budget(3600, NOW)
    budget.rest(60, NOW)

    assert min(calls(budget, 120)) == 60


def test_what_is_left_is_spread_over_the_time_until_it_is_filled_up() -> None:
    budget = Budget(5000, NOW)
    budget.learn(remaining=100, reset_seconds=1800, now=NOW)

    assert len(calls(budget, 1800)) <= 100


def test_nothing_left_is_a_rest() -> None:
    budget = Budget(5000, NOW)
    budget.learn(remaining=0, reset_seconds=30, now=NOW)

    assert min(calls(budget, 60)) == 30
