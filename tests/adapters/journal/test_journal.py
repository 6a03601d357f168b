"""The journal on disk: durable, readable by others, fenced."""

import asyncio
import signal
import subprocess
import sys

import pytest

from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.journal.database import JournalPlace
from kiban.plans import Event, Plan, PlanClosed, PlanOpened, Step, StepMoved
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import KibanError

NOW = Instant(1_700_000_000_000_000)
PLAN = Plan("p1", "sync", "arcade/dev", "", (Step("a", "apply", "stamp", "apply stamp"),))


def event(number: int) -> Event:
    return Event("test/happened", "stamp", f"number {number}")


def test_what_was_written_is_read_back_in_order_by_another_reader(place: JournalPlace) -> None:
    journal = Journal(place)
    records = [PlanOpened(PLAN, 3), StepMoved("p1", "a", "started"), event(1)]
    journal.write(records, NOW)
    reader = JournalReader(place)
    assert [entry.record for entry in reader.entries()] == records
    assert [entry.record for entry in reader.entries(subject="stamp")] == [event(1)]
    assert reader.plan_history("p1") == records[:2]
    assert reader.open_plans("arcade/dev") == [records[0]]
    journal.write([PlanClosed("p1", "arcade/dev", "done")], NOW)
    assert reader.open_plans() == []
    assert [ending.ending for _, ending in reader.endings("arcade/dev")] == ["done"]
    journal.close()


def test_a_missing_journal_is_an_empty_one(place: JournalPlace) -> None:
    assert JournalReader(place).entries() == []


def test_many_tasks_append_at_once_and_all_is_there(place: JournalPlace) -> None:
    journal = Journal(place)

    async def append_all() -> list[int]:
        return await asyncio.gather(*(journal.append([event(n)], NOW) for n in range(500)))

    sequences = asyncio.run(append_all())
    assert max(sequences) == 500
    assert len(journal.entries()) == 500
    assert [entry.sequence for entry in journal.last(2)] == [499, 500]
    assert journal.entries(after=499)[0].record == event(499)
    journal.close()


def test_an_old_holder_is_fenced_off_after_its_lease_passed_on(place: JournalPlace) -> None:
    journal = Journal(place)
    first = journal.take("arcade/dev", "one", NOW, 10)
    assert first is not None
    assert journal.take("arcade/dev", "two", later(NOW, 5), 10) is None
    renewed = journal.take("arcade/dev", "one", later(NOW, 8), 10)
    assert renewed is not None
    assert renewed.token == first.token
    second = journal.take("arcade/dev", "two", later(NOW, 20), 10)
    assert second is not None
    assert second.token > first.token
    with pytest.raises(KibanError, match="passed from one to two"):
        journal.write([event(1)], NOW, first)
    journal.write([event(2)], NOW, second)
    assert [entry.record for entry in journal.entries()] == [event(2)]
    journal.close()


def test_the_lease_of_a_dead_holder_need_not_run_out(place: JournalPlace) -> None:
    journal = Journal(place)
    first = journal.take("arcade/dev", "dead", NOW, 10)
    assert first is not None
    assert journal.holder_of("arcade/dev") == "dead"
    assert journal.take("arcade/dev", "two", NOW, 10, instead_of="another") is None
    second = journal.take("arcade/dev", "two", NOW, 10, instead_of="dead")
    assert second is not None
    assert second.token == first.token + 1
    journal.close()


WRITER = """
import sys
from pathlib import Path
from kiban.adapters.journal import Journal
from kiban.plans import Event
place = sys.argv[1]
journal = Journal(place)
for number in range(10_000):
    journal.write([Event("t", "s", str(number))], 1)
    print(number, flush=True)
"""


def test_an_acknowledged_record_survives_kill_9(place: JournalPlace) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(place)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer.stdout:
        acknowledged = [int(next(writer.stdout)) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        acknowledged += [int(line) for line in writer.stdout if line.endswith("\n")]
    writer.wait()
    kept = [
        int(entry.record.message)
        for entry in JournalReader(place).entries(limit=-1)
        if isinstance(entry.record, Event)
    ]
    assert kept[: len(acknowledged)] == acknowledged
