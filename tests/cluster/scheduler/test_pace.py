"""A scheduler at the pace of its client: bursts, then so many a second, and nobody is forgotten."""

from kiban.cluster.scheduler.pace import Pace
from kiban.primitives.instants import Instant, later

NOW = Instant(0)


def test_a_burst_goes_at_once_and_then_so_many_a_second() -> None:
    pace, now, sent = Pace(rate=50, burst=100), NOW, []
    for second in range(4):
        end = later(NOW, second + 1.0)
        count = 0
        while now < end:
            if pace.left(now):
                pace.take(1)
                count += 1
            else:
                now = later(now, pace.wait())
        sent.append(count)
    assert sent == [149, 50, 50, 50]


def test_what_was_not_used_is_kept_up_to_the_burst() -> None:
    pace = Pace(rate=50, burst=100)
    assert pace.left(NOW) == 100
    pace.take(100)
    assert pace.left(later(NOW, 1.0)) == 50
    assert pace.left(later(NOW, 60.0)) == 100


def test_time_passes_however_little_is_missing() -> None:
    pace = Pace(rate=3, burst=1)
    now = NOW
    assert pace.left(now) == 1
    pace.take(1)
    for _ in range(5):
        wait = pace.wait()
        if not wait:
            break
        assert later(now, wait) > now
        now = later(now, wait)
        pace.left(now)
    assert pace.left(now) == 1
