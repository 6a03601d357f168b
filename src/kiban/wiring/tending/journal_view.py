"""The journal as those who tend releases read it: what was delivered, said of releases and answered
by gates, kept up to date by reading only what is new."""

from dataclasses import replace

from kiban.adapters.journal import JournalReader
from kiban.operations.probation import Answered, GateKey, answers
from kiban.operations.promotion import LIFTED, Quarantine, quarantines
from kiban.operations.stuck import failed_rollouts, is_kept
from kiban.plans.records import Entry, Event, GateAnswered, PlanClosed, PlanOpened, StepMoved
from kiban.telemetry import Deployment, deployments

PAGE = 5_000
DELIVERED = "delivery/delivered"
OF_RELEASES = "release/"


class JournalView:
    """What is on record. Everything is of the last `refresh`; `version` grows when any of it has
    changed."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._last = 0
        self._by_subject: dict[str, list[Deployment]] = {}
        self.version = 0
        self.failed: dict[str, dict[str, str]] = {}
        self.entries: list[Entry] = []
        self.quarantines: dict[tuple[str, str], Quarantine] = {}
        self.answers: dict[GateKey, Answered] = {}
        self.lifted: frozenset[tuple[str, str]] = frozenset()

    def refresh(self) -> None:
        """Read what was written since; cheap when nothing was."""
        known = len(self.entries)
        while page := self._reader.entries(after=self._last, limit=PAGE):
            self._last = page[-1].sequence
            self.entries += [kept for entry in page if (kept := _kept(entry)) is not None]
        if len(self.entries) > known:
            self._read()

    def of(self, subject: str) -> list[Deployment]:
        """The deployments of one environment on one cluster, the oldest first."""
        return self._by_subject.get(subject, [])

    def _read(self) -> None:
        self.version += 1
        self._by_subject = {}
        for deployment in deployments(self.entries):
            self._by_subject.setdefault(deployment.subject, []).append(deployment)
        self.failed = failed_rollouts(self.entries)
        self.quarantines = quarantines(self.entries)
        self.answers = answers(self.entries)
        self.lifted = frozenset(
            (entry.record.subject, str(entry.record.data["tag"]))
            for entry in self.entries
            if isinstance(entry.record, Event) and entry.record.code == LIFTED
        )


def _kept(entry: Entry) -> Entry | None:
    """What of an entry is worth keeping for as long as Kiban runs: of plans not their steps."""
    match entry.record:
        case PlanOpened(plan) as opened:
            return replace(entry, record=replace(opened, plan=replace(plan, steps=(), gates=())))
        case PlanClosed() | GateAnswered():
            return entry
        case StepMoved() as moved if is_kept(moved):
            return entry
        case Event() as event if event.code == DELIVERED or event.code.startswith(OF_RELEASES):
            return entry
    return None
