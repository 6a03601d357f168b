"""Recordings from CSV files and from Prometheus."""

from math import isnan

import pytest

from kiban.primitives.problems import KibanError
from kiban.rehearsal.recordings import merged, read_csv, read_prometheus, written_csv


def test_times_may_be_seconds_or_dates_and_count_from_the_first() -> None:
    found = read_csv("time,requests\n2026-01-15T12:00:00Z,5\n2026-01-15T12:01:00Z,7\n", "a.csv")
    assert found[""].times == [0.0, 60.0]
    assert found[""].arrivals() == ([0.0, 60.0], [5.0, 7.0])
    seconds = read_csv("time,requests\n30,2\n20,1\n", "a.csv", "web")
    assert seconds["web"].times == [0.0, 10.0]
    assert seconds["web"].figures["requests"] == [1.0, 2.0]


def test_a_file_may_hold_several_services_and_holes() -> None:
    text = "time,service,requests,cpu\n0,web,5,\n0,api,9,0.4\n\n15,web,,0.2\n"
    found = read_csv(text, "a.csv")
    assert sorted(found) == ["api", "web"]
    assert isnan(found["web"].figures["cpu"][0])
    assert found["web"].arrivals() == ([0.0], [5.0])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("when,requests\n", "no column `time`"),
        ("time,speed\n", "there is no figure"),
        ("time,requests,latancy\n", "did you mean `latency`"),
        ("time,requests\nnoon,5\n", r"a.csv:2:1.*'noon' is not a time"),
        ("time,requests\n0,1\n15,many\n", r"a.csv:3:1.*'many' is not a number"),
        ("", "no column `time`"),
    ],
)
def test_mistakes_are_told_with_their_lines(text: str, message: str) -> None:
    with pytest.raises(KibanError, match=message):
        read_csv(text, "a.csv")


def test_the_answer_of_a_range_query_is_read_by_label() -> None:
    text = """{"status": "success", "data": {"resultType": "matrix", "result": [
        {"metric": {"service": "web"}, "values": [[1700000000, "5.5"], [1700000015, "6"]]},
        {"metric": {"service": "none"}, "values": []}]}}"""
    found = read_prometheus(text, "answer")
    assert list(found) == ["web"]
    assert found["web"].arrivals() == ([0.0, 15.0], [5.5, 6.0])
    with pytest.raises(KibanError, match="not the answer of a Prometheus range query"):
        read_prometheus('{"data": 1}', "answer")


def test_what_is_written_is_read_again() -> None:
    text = "time,service,requests,p50\n0,web,5,0.01\n10,web,6,\n0,api,1,0.002\n"
    found = read_csv(text, "a.csv")
    again = read_csv(written_csv(found), "b.csv")
    assert repr(again) == repr(found)


def test_two_recordings_of_one_service_are_put_together() -> None:
    one = read_csv("time,requests\n0,5\n15,6\n", "a.csv")[""]
    other = read_csv("time,cpu\n0,0.1\n30,0.3\n", "b.csv")[""]
    both = merged(one, other)
    assert both.times == [0.0, 15.0, 30.0]
    assert both.figures["requests"][:2] == [5.0, 6.0] and isnan(both.figures["requests"][2])
    assert isnan(both.figures["cpu"][1])
