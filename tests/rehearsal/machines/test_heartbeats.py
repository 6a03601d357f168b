from kiban.primitives.instants import Instant, later
from kiban.rehearsal.machines.heartbeats import Heartbeats

ZERO = Instant(0)


def test_a_machine_is_heard_every_ten_seconds_from_its_start() -> None:
    beats = Heartbeats()
    beats.begin("n", later(ZERO, 3))
    assert beats.last("n", later(ZERO, 29)) == later(ZERO, 23)
    assert beats.are_all_heard()


def test_a_silent_machine_was_last_heard_at_the_beat_before() -> None:
    beats = Heartbeats()
    beats.begin("n", ZERO)
    beats.cease("n", later(ZERO, 20))
    assert beats.last("n", later(ZERO, 100)) == later(ZERO, 10)
    assert not beats.are_all_heard()
    assert not beats.is_heard("n")


def test_a_machine_that_is_back_is_heard_at_once() -> None:
    beats = Heartbeats()
    beats.begin("n", ZERO)
    beats.cease("n", later(ZERO, 15))
    beats.begin("n", later(ZERO, 70))
    assert beats.last("n", later(ZERO, 71)) == later(ZERO, 70)
    assert beats.are_all_heard()


def test_nothing_is_known_of_others() -> None:
    assert Heartbeats().last("n", ZERO) is None
