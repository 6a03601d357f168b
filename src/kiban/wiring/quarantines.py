"""What people say of releases, in the journal: that an image must not be deployed, that it may
again, that they agree to one."""

import getpass
import os
import subprocess
from collections.abc import Iterable, Mapping

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.journal import Journal, JournalReader
from kiban.adapters.journal.database import JournalPlace
from kiban.delivery.releases import known_service, release_path, tag_of
from kiban.operations.promotion import (
    APPROVED,
    LIFTED,
    QUARANTINED,
    Quarantine,
    quarantine_of,
    quarantines,
)
from kiban.plans.records import Event
from kiban.primitives.problems import Exit, KibanError, Place, Problem
from kiban.spec import Platform, load_platform
from kiban.wiring.places import JOURNAL_VARIABLE
from kiban.wiring.record import every_entry
from kiban.wiring.repository import home_of


def approve(tags: Mapping[str, str], environment: str) -> str:
    """Say yes to releases in an environment; who did."""
    repository = home_of().repository()
    platform = load_platform(repository.files(repository.head()))
    platform.environment(environment)
    who = person()
    for service in tags:
        known_service(service, platform.services[environment])
    _write(
        Event(
            APPROVED,
            service,
            f"{who} said yes to {service} {tag} in {environment}",
            data={"tag": tag, "environment": environment, "who": who},
        )
        for service, tag in tags.items()
    )
    return who


def quarantine(tags: Mapping[str, str], why: str) -> None:
    """Have images never deployed until somebody lifts it."""
    who = person()
    _write(
        Event(QUARANTINED, service, why, data={"tag": tag, "who": who})
        for service, tag in tags.items()
    )


def lift(tags: Mapping[str, str], why: str) -> None:
    """Allow images again. Raises `KibanError` for one that is not quarantined."""
    held, who = quarantined(), person()
    for service, tag in tags.items():
        if (service, tag) not in held:
            problem = Problem(
                "release/not-quarantined", f"{service} {tag} is not quarantined.",
                fix="kiban quarantine lists what is",
            )  # fmt: skip
            raise KibanError(problem)
    _write(
        Event(LIFTED, service, why, data={"tag": tag, "who": who}) for service, tag in tags.items()
    )


def quarantined(journal: JournalPlace | None = None) -> dict[tuple[str, str], Quarantine]:
    """What is quarantined, by service and tag; in the journal of here unless told."""
    return quarantines(every_entry(journal, kind="event"))


def quarantined_for(source: str) -> dict[tuple[str, str], Quarantine]:
    """What is quarantined for a repository that is named by URL: what the team's journal says, if
    there is one; for the one of here, what its journal says."""
    if not source:
        return quarantined()
    place = os.environ.get(JOURNAL_VARIABLE)
    return quarantined(place) if place else {}


def running_tags(journal: JournalPlace, subject: str) -> dict[str, str]:
    """What was delivered last to an environment on a cluster, by service; nothing when the
    journal's newest events do not say."""
    for entry in reversed(JournalReader(journal).last(subject=subject, kind="event")):
        record = entry.record
        if isinstance(record, Event) and record.code == "delivery/delivered":
            images = record.data.get("images") or {}
            return {service: tag_of(image) for service, image in images.items()}
    return {}


def refuse_newly_quarantined(
    platform: Platform,
    environment: str,
    subject: str,
    journal: JournalPlace,
    held: Mapping[tuple[str, str], Quarantine] | None = None,
) -> None:
    """Raises `KibanError` when a quarantined release is wanted where it does not run already: what
    runs must not hold up the other services' commits. `held` is what is quarantined, if known."""
    known = quarantined(journal) if held is None else held
    releases = platform.releases.get(environment, {})
    asked = {
        name: one.tag
        for name, one in releases.items()
        if quarantine_of(name, one.tag, known) is not None
    }
    if not asked:
        return
    running = running_tags(journal, subject)
    new = {name: tag for name, tag in asked.items() if running.get(name) != tag}
    refuse_quarantined(new, known, release_path(environment))


def refuse_quarantined(
    tags: Mapping[str, str], held: Mapping[tuple[str, str], Quarantine], path: str = ""
) -> None:
    """Raises `KibanError` when any of the releases is quarantined."""
    problems = [
        Problem(
            "release/quarantined",
            f"{service} {tag} is quarantined: {found.why}",
            Place(file=path, thing="" if path else service),
            why="It failed before, and would again.",
            fix=f"Release another, or: kiban quarantine lift {service}={found.tag} --reason WHY",
        )
        for service, tag in sorted(tags.items())
        if (found := quarantine_of(service, tag, held)) is not None
    ]
    if problems:
        raise KibanError(problems, Exit.REFUSED)


def _write(events: Iterable[Event]) -> None:
    journal = Journal(home_of().state.journal)
    try:
        journal.write(list(events), wall_clock())
    finally:
        journal.close()


def person() -> str:
    """As Git knows who acts, for that is what commits say too."""
    found = subprocess.run(
        ["git", "config", "user.email"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or getpass.getuser()
