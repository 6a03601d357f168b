"""Keeps a commit from deleting most of what runs, until a person agrees to it: for this commit, by
a flag or by a record in the journal, and never for those that come after."""

from collections.abc import Iterable
from dataclasses import replace

from kiban.delivery.messages import Commit
from kiban.delivery.surveying import Survey
from kiban.delivery.telling import Telling
from kiban.plans.records import Event, Record
from kiban.primitives.problems import Problem

# A commit would delete much; a person agrees to what one deletes.
WITHHELD, APPROVED = "delivery/deletions-withheld", "delivery/deletions-approved"


def approval(subject: str, commit: str, who: str) -> Event:
    """What the journal holds when a person agrees to the deletions of a commit."""
    text = f"{who} agreed to what {commit[:8]} deletes from {subject}"
    return Event(APPROVED, subject, text, data={"commit": commit, "who": who})


def is_approval(record: Record, commit: str) -> bool:
    """Whether a person agreed to the deletions of this commit."""
    return (
        isinstance(record, Event)
        and record.code == APPROVED
        and record.data.get("commit") == commit
    )


def withheld_commits(records: Iterable[Record]) -> dict[str, Event]:
    """By subject, the last deletions that waited for a person and that nobody has agreed to."""
    found: dict[str, Event] = {}
    for record in records:
        if isinstance(record, Event) and record.code == WITHHELD:
            found[record.subject] = record
        elif isinstance(record, Event) and record.code == APPROVED:
            waiting = found.get(record.subject)
            if waiting is not None and is_approval(record, waiting.data["commit"]):
                del found[record.subject]
    return found


class Deletions:
    """What people agreed to, and what waits for them. `allows_first` agrees to whatever the first
    commit deletes."""

    def __init__(self, telling: Telling, *, allows_first: bool) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._telling, self._allows_next = telling, allows_first
        self._approved: set[str] = set()
        self._told = ""

    @property
    def withheld(self) -> str:
        """The commit whose deletions wait for a person; empty when none do."""
        return self._told if self.problems else ""

    def begin(self, commit: Commit) -> None:
        """Another commit is worked on."""
        self.problems = ()
        if self._allows_next:
            self._approved.add(commit.id)
            self._allows_next = False

    def approve(self, commit: str) -> None:
        """A person agrees to what a commit deletes."""
        self._approved.add(commit)

    def judge(self, found: Survey, commit: Commit) -> Survey:
        """The survey without its deletions, if they are too many and nobody has agreed to them."""
        if found.blast is None or commit.id in self._approved:
            self.problems = ()
            return found
        self.problems = (found.blast,)
        if self._told != commit.id:
            self._told = commit.id
            objects = [str(item.key) for item in found.work.unwanted]
            data = {"commit": commit.id, "objects": objects}
            self._telling.event(WITHHELD, found.blast.what, data=data)
        return replace(found, work=replace(found.work, unwanted=()))
