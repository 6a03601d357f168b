"""`kiban backup` and `kiban restore`: what is not in Git, in one file.

That is the journal: what was planned and done, the quarantines, the approvals, how far messages
were sent, and the fencing tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.journal.backup import back_up, read_through, restore
from kiban.adapters.journal.database import JournalPlace, shown
from kiban.operations.promotion import approvals, quarantines
from kiban.plans.records import Entry
from kiban.primitives.instants import Instant
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.telemetry import acts, deployments
from kiban.telemetry.backups import Contents
from kiban.wiring.record import every_entry
from kiban.wiring.repository import home_of, platform_here


@dataclass(frozen=True, slots=True)
class Told:
    """What a journal says when it is replayed, counted."""

    entries: int
    acts: int
    deployments: int
    quarantines: int
    approvals: int

    def as_data(self) -> dict[str, Any]:
        return {
            "entries": self.entries,
            "acts": self.acts,
            "deployments": self.deployments,
            "quarantines": self.quarantines,
            "approvals": self.approvals,
        }


def backed_up(file: Path) -> tuple[str, Contents, Told]:
    """Write the journal of here to a new file; where it was, what the file holds and says."""
    journal = home_of().state.journal
    contents = back_up(journal, file, platform_here().name)
    return shown(journal), contents, told_by(file)


def restored(file: Path) -> tuple[str, Told]:
    """Fill the journal of here, which must be empty. Raises `KibanError` when the backup is not
    whole, is another platform's, or says something else once it is restored."""
    check_platform(read_through(file), file, platform_here().name)
    journal = home_of().state.journal
    return shown(journal), restored_into(journal, file)


def restored_into(journal: JournalPlace, file: Path) -> Told:
    """Fill an empty journal, and replay it beside the backup."""
    restore(file, journal, wall_clock())
    before, after = told_by(file), _told(list(every_entry(journal)))
    if before != after:
        what = "The restored journal does not say what the backup says."
        raise KibanError(
            Problem("restore/differs", what, Place(file=shown(journal))), Exit.WORLD_FAILED
        )
    return after


def told_by(file: Path) -> Told:
    """What a backup says when it is replayed."""
    found: list[Entry] = []
    read_through(
        file,
        lambda row, record: found.append(Entry(row.sequence, Instant(row.at), record)),
    )
    return _told(found)


def check_platform(contents: Contents, file: Path, here: str) -> None:
    """Raises `KibanError` for the backup of another platform."""
    if contents.platform != here:
        problem = Problem(
            "restore/other-platform",
            f"This is a backup of {contents.platform}, and here is {here}.",
            Place(file=str(file)),
            fix=f"Restore it in the platform repo of {contents.platform}.",
        )
        raise KibanError(problem, Exit.REFUSED)


def _told(entries: Sequence[Entry]) -> Told:
    return Told(
        len(entries),
        sum(1 for _ in acts(entries)),
        len(deployments(entries)),
        len(quarantines(entries)),
        len(approvals(entries)),
    )
