"""What only a database that many machines share can meet."""

import psycopg
import pytest

from kiban.adapters.journal import Journal, JournalReader
from kiban.plans import Event
from kiban.primitives.instants import Instant
from kiban.primitives.problems import KibanError

NOW = Instant(1_700_000_000_000_000)


def event(number: int) -> Event:
    return Event("test/happened", "stamp", f"number {number}")


@pytest.fixture
def place(server: str) -> str:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS kiban CASCADE")
    return server


def test_a_late_writer_on_another_machine_is_fenced_off(place: str) -> None:
    here, there = Journal(place), Journal(place)
    old = here.take("arcade/dev", "here", NOW, 10)
    assert old is not None
    assert there.take("arcade/dev", "there", NOW, 10) is None

    new = there.take("arcade/dev", "there", NOW, 10, instead_of="here")

    assert new is not None
    with pytest.raises(KibanError, match="passed from here to there"):
        here.write([event(1)], NOW, old)
    there.write([event(2)], NOW, new)
    assert [entry.record for entry in here.entries()] == [event(2)]
    here.close()
    there.close()


def test_a_lost_connection_is_made_anew_and_nothing_is_written_twice(place: str) -> None:
    journal = Journal(place)
    journal.write([event(1)], NOW)
    with psycopg.connect(place, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'kiban'"
        )

    with pytest.raises(KibanError, match="terminat"):
        journal.write([event(2)], NOW)
    journal.write([event(2)], NOW)

    assert [entry.record for entry in journal.entries()] == [event(1), event(2)]
    journal.close()


def test_a_server_that_is_not_there_is_a_problem_that_shows_no_password() -> None:
    with pytest.raises(KibanError) as caught:
        JournalReader("postgresql://app:s3cret@127.0.0.1:1/game").entries()

    (problem,) = caught.value.problems
    assert problem.code == "plans/journal-failed"
    assert "postgresql://127.0.0.1:1/game" in str(problem)
    assert "s3cret" not in str(problem)
