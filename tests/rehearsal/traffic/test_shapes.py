"""Curves of arrivals: humps, floors, steps, surges, recordings."""

import pytest

from kiban.rehearsal.traffic.shapes import HOUR, Daily, Replay, Step, Surge, Weekly


def test_a_day_has_two_humps_and_a_floor_at_night() -> None:
    day = Daily(floor=0.1)
    hours = [day.at(hour * HOUR) for hour in range(24)]
    assert min(hours) == hours[4] == pytest.approx(0.1)
    assert max(hours) == hours[20] == pytest.approx(1.0)
    assert hours[12] > hours[10] and hours[12] > hours[15]
    assert all(0.05 < day.at(minute * 60.0) < 1.02 for minute in range(1440))


def test_a_day_may_begin_at_any_hour() -> None:
    assert Daily(start=20 * HOUR).at(0.0) == Daily().at(20 * HOUR)
    assert Daily().at(30 * HOUR) == Daily().at(6 * HOUR)


def test_days_of_a_week_differ() -> None:
    week = Weekly()
    assert week.at(5 * 24 * HOUR + 20 * HOUR) > week.at(20 * HOUR)


def test_a_surge_rises_holds_and_falls() -> None:
    surge = Surge(100.0, 4.0, rise=30.0, hold=60.0, fall=120.0)
    found = [surge.at(t) for t in (0.0, 115.0, 130.0, 190.0, 250.0, 310.0, 400.0)]
    assert found == pytest.approx([1.0, 2.5, 4.0, 4.0, 2.5, 1.0, 1.0])


def test_a_surge_without_a_rise_is_a_step() -> None:
    surge = Surge(100.0, 4.0, rise=0.0, hold=60.0, fall=0.0)
    assert [surge.at(t) for t in (99.9, 100.0, 160.0, 160.1)] == [1.0, 4.0, 4.0, 1.0]


def test_steps_and_recordings_are_what_they_say() -> None:
    assert [Step(10.0, 0.5, 2.0).at(t) for t in (9.0, 10.0)] == [0.5, 2.0]
    replay = Replay([0.0, 10.0, 20.0], [1.0, 3.0, 0.0])
    assert [replay.at(t) for t in (-5, 0, 5, 10, 15, 99)] == [1.0, 1.0, 2.0, 3.0, 1.5, 0.0]
