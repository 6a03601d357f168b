"""A user's share of the server: what is more than it waits, others and administrators do not."""

import pytest

from kiban.adapters.api_server.limits import Crowd, Limits
from kiban.cluster.api.calls import User
from kiban.cluster.api.failures import Failure
from kiban.cluster.authorization.rights import ANONYMOUS

ANN, BOB = User("ann"), User("bob")
ADMIN = User("admin", ("system:masters",))


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def let_in(crowd: Crowd, user: User, times: int) -> int:
    """How many requests of so many, one after another, are let in."""
    found = 0
    for _ in range(times):
        try:
            with crowd.request(user):
                found += 1
        except Failure as failure:
            assert failure.code == 429
            assert failure.details == {"retryAfterSeconds": 1}
    return found


def test_a_bucket_empties_and_fills_up_again() -> None:
    clock = Clock()
    crowd = Crowd(Limits(per_second=10, burst=20), clock)
    assert let_in(crowd, ANN, 30) == 20
    assert let_in(crowd, BOB, 30) == 20
    assert let_in(crowd, ADMIN, 30) == 30
    clock.now += 1
    assert let_in(crowd, ANN, 30) == 10
    clock.now += 100
    assert let_in(crowd, ANN, 30) == 20


def test_requests_under_way_are_counted_until_they_end() -> None:
    crowd = Crowd(Limits(in_flight=2))
    with crowd.request(ANN):
        with crowd.request(ANN):
            assert let_in(crowd, ANN, 1) == 0
            assert let_in(crowd, BOB, 1) == 1
        assert let_in(crowd, ANN, 1) == 1


def test_strangers_have_less_under_way_than_those_who_are_known() -> None:
    crowd = Crowd(Limits(strangers_in_flight=1))
    with crowd.request(ANONYMOUS), crowd.request(ANN):
        assert let_in(crowd, ANONYMOUS, 1) == 0
        assert let_in(crowd, ANN, 1) == 1


def test_watches_of_one_user_leave_room_for_others() -> None:
    crowd = Crowd(Limits(user_watches=1, watches=3))
    with crowd.watch(ANN):
        with pytest.raises(Failure, match="ann has 1 watches already"):
            crowd.check_watch(ANN)
        crowd.check_watch(BOB)
        full = pytest.raises(Failure, match="there are 3 watches already")
        with crowd.watch(ADMIN), crowd.watch(ADMIN), full:
            crowd.check_watch(ADMIN)
    crowd.check_watch(ANN)
    assert crowd.watches == 0


def test_users_who_have_nothing_under_way_are_forgotten() -> None:
    crowd = Crowd(Limits(burst=1, per_second=0))
    with crowd.watch(ANN):
        for number in range(5_000):
            assert let_in(crowd, User(f"u{number}"), 1) == 1
        assert len(crowd._shares) <= 2_001
        assert "ann" in crowd._shares
