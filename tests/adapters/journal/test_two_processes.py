"""Leases and fencing between real processes, on a file and on a PostgreSQL server alike."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kiban.adapters.journal import JournalReader
from kiban.adapters.journal.database import JournalPlace
from kiban.plans import Event

SUBJECT = "arcade/dev"
# Does what its standard input says, a line at a time, and answers each with a line.
PROCESS = """
import json, sys
from kiban.adapters.journal import Journal
from kiban.plans import Event
from kiban.primitives.problems import KibanError

place, name = sys.argv[1:]
journal, lease = Journal(place), None
for line in sys.stdin:
    act, subject, second = json.loads(line)
    now, answer = second * 1_000_000, None
    if act == "take":
        taken = journal.take(subject, name, now, 10)
        lease = taken or lease
        answer = taken.token if taken else None
    else:
        try:
            for number in range(int(act)):
                journal.write([Event("test", subject, f"{name} {number}")], now, lease)
            answer = "written"
        except KibanError as error:
            answer = error.problems[0].code
    print(json.dumps(answer), flush=True)
"""


class Process:
    """One that shares the journal with others."""

    def __init__(self, place: JournalPlace, name: str) -> None:
        self.running = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(place), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, act: str, second: int, subject: str = SUBJECT) -> None:
        assert self.running.stdin is not None
        self.running.stdin.write(json.dumps([act, subject, second]) + "\n")
        self.running.stdin.flush()

    def answer(self) -> Any:
        assert self.running.stdout is not None
        return json.loads(self.running.stdout.readline())

    def take(self, second: int) -> int | None:
        self.ask("take", second)
        found: int | None = self.answer()
        return found

    def write(self, second: int) -> str:
        self.ask("1", second)
        return str(self.answer())


@contextmanager
def processes(place: JournalPlace) -> Iterator[tuple[Process, Process]]:
    both = Process(place, "here"), Process(place, "there")
    try:
        yield both
    finally:
        for each in both:
            each.running.kill()
            each.running.communicate()


def said(place: JournalPlace) -> list[str]:
    records = [entry.record for entry in JournalReader(place).entries(limit=-1)]
    return [record.message for record in records if isinstance(record, Event)]


def test_a_process_that_was_cut_off_is_refused_when_it_is_back(place: JournalPlace) -> None:
    with processes(place) as (here, there):
        assert here.take(0) == 1
        assert there.take(5) is None
        assert here.write(6) == "written"
        # Nobody hears from the first one until its lease has run out.
        assert there.take(11) == 2
        assert here.write(11) == "plans/lease-lost"
        assert there.write(12) == "written"
        assert here.take(12) is None
        there.running.kill()
        there.running.wait()
        assert here.take(22) == 3
        assert here.write(22) == "written"
    assert said(place) == ["here 0", "there 0", "here 0"]


def test_of_two_that_reach_for_a_lease_at_once_one_gets_it(place: JournalPlace) -> None:
    with processes(place) as both:
        for turn in range(20):
            for each in both:
                each.ask("take", turn, f"subject {turn}")
            tokens = [each.answer() for each in both]
            assert sorted(tokens, key=str) == [1, None]


def test_what_two_write_at_once_is_all_there_each_in_its_order(place: JournalPlace) -> None:
    with processes(place) as both:
        for number, each in enumerate(both):
            each.ask("50", 0, f"subject {number}")
        assert [each.answer() for each in both] == ["written", "written"]
    found = said(place)
    assert len(found) == 100
    for name in ("here", "there"):
        own = [text for text in found if text.startswith(f"{name} ")]
        assert own == [f"{name} {number}" for number in range(50)]
