"""The records that one delivery has for the journal, in order, until the driver takes them."""

from collections.abc import Iterable, Mapping
from typing import Any

from kiban.delivery.marks import Scope
from kiban.plans.records import Ending, Event, PlanClosed, PlanOpened, Record


class Telling:
    """Collects records about one environment."""

    def __init__(self, scope: Scope) -> None:
        self._subject = scope.subject
        self._records: list[Record] = []

    def event(
        self, code: str, message: str, plan: str = "", data: Mapping[str, Any] | None = None
    ) -> None:
        """Something happened to the environment."""
        self._records.append(Event(code, self._subject, message, plan, data or {}))

    def add(self, records: Iterable[Record]) -> None:
        self._records += records

    def closed(self, opened: PlanOpened, ending: Ending, message: str) -> None:
        """A plan of an earlier process has come to its end."""
        plan = opened.plan
        self._records.append(PlanClosed(plan.id, plan.subject, ending, message, plan.facts))

    def take(self) -> tuple[Record, ...]:
        """Everything that was collected, once."""
        records, self._records = tuple(self._records), []
        return records
