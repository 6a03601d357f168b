"""`kiban approve --deletions`: a person agrees to what a commit deletes."""

from dataclasses import dataclass

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.journal import Journal
from kiban.delivery.deletions import approval, withheld_commits
from kiban.primitives.problems import KibanError, Problem
from kiban.wiring.quarantines import person
from kiban.wiring.record import every_entry
from kiban.wiring.repository import home_of


@dataclass(frozen=True, slots=True)
class ApprovedDeletions:
    """What was agreed to: the objects of one environment on one cluster, and by whom."""

    subject: str
    commit: str
    objects: tuple[str, ...]
    who: str


def approve_deletions(environment: str) -> list[ApprovedDeletions]:
    """Agree to the deletions that wait in an environment. Raises `KibanError` when none do."""
    records = (entry.record for entry in every_entry(kind="event"))
    waiting = {
        subject: event
        for subject, event in withheld_commits(records).items()
        if subject.partition("/")[2].partition("@")[0] == environment
    }
    if not waiting:
        what = f"No deletions wait for anybody in {environment}."
        raise KibanError(Problem("approve/no-deletions", what, fix="kiban status says what waits"))
    who = person()
    found = [
        ApprovedDeletions(subject, event.data["commit"], tuple(event.data["objects"]), who)
        for subject, event in sorted(waiting.items())
    ]
    journal = Journal(home_of().state.journal)
    try:
        journal.write([approval(one.subject, one.commit, who) for one in found], wall_clock())
    finally:
        journal.close()
    return found
