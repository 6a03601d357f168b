"""The journal as those who tend releases read it: everything but single steps, kept up to date by
reading only what is new."""

from kiban.adapters.journal import JournalReader
from kiban.operations.probation import Answered, GateKey, answers
from kiban.operations.promotion import LIFTED, Quarantine, quarantines
from kiban.plans.records import Entry, Event, StepMoved
from kiban.telemetry import Deployment, deployments

PAGE = 5_000


class JournalView:
    """What is on record. Everything is of the last `refresh`."""

    def __init__(self, reader: JournalReader) -> None:
        self._reader = reader
        self._last = 0
        self.entries: list[Entry] = []
        self.deployments: list[Deployment] = []
        self.quarantines: dict[tuple[str, str], Quarantine] = {}
        self.answers: dict[GateKey, Answered] = {}
        self.lifted: frozenset[tuple[str, str]] = frozenset()

    def refresh(self) -> None:
        """Read what was written since; not free, but cheap, when nothing was."""
        before = self._last
        while page := self._reader.entries(after=self._last, limit=PAGE):
            self._last = page[-1].sequence
            self.entries += [entry for entry in page if not isinstance(entry.record, StepMoved)]
        if self._last == before:
            return
        self.deployments = deployments(self.entries)
        self.quarantines = quarantines(self.entries)
        self.answers = answers(self.entries)
        self.lifted = frozenset(
            (entry.record.subject, str(entry.record.data["tag"]))
            for entry in self.entries
            if isinstance(entry.record, Event) and entry.record.code == LIFTED
        )

    def of(self, subject: str) -> list[Deployment]:
        """The deployments of one environment on one cluster, the oldest first."""
        return [each for each in self.deployments if each.subject == subject]
