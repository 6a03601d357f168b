"""Reads a journal, also while another process writes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson

from kiban.adapters.journal.database import Database, JournalPlace, failed, opened_for_reading
from kiban.plans.records import Entry, PlanClosed, PlanOpened, Record, record_from
from kiban.primitives.instants import Instant

# What one query gives at most, unless told.
PAGE = 1_000


class JournalReader:
    """Reads a journal. One that is missing is an empty one."""

    def __init__(self, place: JournalPlace) -> None:
        self.place = place

    def entries(
        self,
        *,
        plan: str = "",
        subject: str = "",
        kind: str = "",
        after: int = 0,
        since: Instant | None = None,
        limit: int = PAGE,
    ) -> list[Entry]:
        """Entries in order, the oldest first, cut at `limit` (-1: all)."""
        where, values = _conditions(plan=plan, subject=subject, kind=kind)
        where += ["sequence > ?"] + (["at >= ?"] if since is not None else [])
        values += [after] + ([since] if since is not None else [])
        return self._select(where, values, "sequence", limit)

    def last(
        self, limit: int = PAGE, *, plan: str = "", subject: str = "", kind: str = ""
    ) -> list[Entry]:
        """The newest entries, the oldest of them first."""
        where, values = _conditions(plan=plan, subject=subject, kind=kind)
        return self._select(where, values, "sequence DESC", limit)[::-1]

    def newest(self) -> int:
        """The sequence of the newest entry; 0 when there is none."""
        with self._database() as database:
            if database is None:
                return 0
            try:
                found = database.execute("SELECT max(sequence) FROM entries")
            except database.error as error:
                raise failed(self.place, error) from error
        return int(found[0][0] or 0)

    def plan_history(self, plan: str) -> list[Record]:
        """All records of one plan, in order."""
        return [entry.record for entry in self._select(["plan = ?"], [plan], "sequence", -1)]

    def open_plans(self, subject: str = "") -> list[PlanOpened]:
        """The plans that were begun and have not ended."""
        where, values = _conditions(subject=subject, kind="plan")
        where.append("plan NOT IN (SELECT plan FROM entries WHERE kind = 'end')")
        found = [entry.record for entry in self._select(where, values, "sequence", -1)]
        return [record for record in found if isinstance(record, PlanOpened)]

    def endings(self, subject: str, limit: int = 50) -> list[tuple[Entry, PlanClosed]]:
        """How the plans of a subject ended, the newest first."""
        found = self.last(limit, subject=subject, kind="end")[::-1]
        return [(entry, entry.record) for entry in found if isinstance(entry.record, PlanClosed)]

    def _select(self, where: list[str], values: list[Any], order: str, limit: int) -> list[Entry]:
        query = "SELECT sequence, at, data FROM entries"
        query += f" WHERE {' AND '.join(where)}" if where else ""
        query += f" ORDER BY {order}"
        query += f" LIMIT {limit}" if limit >= 0 else ""
        with self._database() as database:
            if database is None:
                return []
            try:
                rows = database.execute(query, values)
            except database.error as error:
                raise failed(self.place, error) from error
        return [Entry(row[0], Instant(row[1]), record_from(orjson.loads(row[2]))) for row in rows]

    @contextmanager
    def _database(self) -> Iterator[Database | None]:
        database = opened_for_reading(self.place)
        try:
            yield database
        finally:
            if database is not None:
                database.close()


def _conditions(**equal: str) -> tuple[list[str], list[Any]]:
    wanted = {column: value for column, value in equal.items() if value}
    return [f"{column} = ?" for column in wanted], list(wanted.values())
