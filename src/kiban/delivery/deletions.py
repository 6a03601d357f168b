"""Keeps a commit from deleting most of what runs, until a person agrees to it: for this commit, by
a flag or by a record in the journal, and never for those that come after."""

from dataclasses import replace

from kiban.delivery.messages import Commit
from kiban.delivery.surveying import Survey
from kiban.delivery.telling import Telling
from kiban.primitives.problems import Problem

# A commit would delete much; a person agrees to what one deletes.
WITHHELD, APPROVED = "delivery/deletions-withheld", "delivery/deletions-approved"


class Deletions:
    """What people agreed to, and what waits for them. `allows_first` agrees to whatever the first
    commit deletes."""

    def __init__(self, telling: Telling, *, allows_first: bool) -> None:
        self.problems: tuple[Problem, ...] = ()
        self._telling, self._allows_next = telling, allows_first
        self._approved: set[str] = set()
        self._told = ""

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
