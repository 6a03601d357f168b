"""`kiban history`, `kiban audit-log` and `kiban figures`: what the journal says, to whom it may
concern."""

from collections.abc import Iterator
from dataclasses import dataclass

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.journal import JournalReader
from kiban.adapters.journal.database import JournalPlace
from kiban.plans.records import Entry
from kiban.primitives.instants import Instant, later
from kiban.primitives.problems import Exit, KibanError, Problem, nearest
from kiban.telemetry import (
    Act,
    DeliveryFigures,
    Deployment,
    acts,
    delivery_figures,
    deployments,
    of_services,
)
from kiban.wiring.repository import home_of, platform_here

# Entries that are read at once.
PAGE = 5_000


@dataclass(frozen=True, slots=True)
class Window:
    """A span of the past that ends now."""

    since: Instant
    until: Instant


def window(seconds: float) -> Window:
    now = wall_clock()
    return Window(later(now, -seconds), now)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which deployments are meant: of an environment, a service, a team's services; all unless
    told."""

    environment: str | None = None
    service: str | None = None
    team: str | None = None


def history(environment: str | None) -> list[Deployment]:
    """Every deployment that the journal knows, of one environment or of all, the oldest first."""
    return chosen(Choice(environment))


def chosen(choice: Choice) -> list[Deployment]:
    """The deployments that a choice means, the oldest first. Raises `KibanError` for a team or
    service that is not there."""
    found = deployments(every_entry())
    found = [each for each in found if choice.environment in (None, environment_of(each.subject))]
    if choice.service is None and choice.team is None:
        return found
    return of_services(found, _services(choice))


def _services(choice: Choice) -> list[str]:
    platform = platform_here()
    owners = {
        name: service.team
        for services in platform.services.values()
        for name, service in services.items()
    }
    for kind, name, known in (
        ("service", choice.service, owners),
        ("team", choice.team, platform.spec.teams),
    ):
        if name is not None and name not in known:
            near = nearest(name, known)
            what = f"There is no {kind} {name}."
            fix = f"Did you mean {near}?" if near else ""
            raise KibanError(Problem(f"record/no-{kind}", what, fix=fix), Exit.USAGE)
    return [
        name
        for name, team in sorted(owners.items())
        if choice.service in (None, name) and choice.team in (None, team)
    ]


def record(seconds: float) -> Iterator[Act]:
    """Every act of the last so many seconds, the oldest first."""
    # Plans that began earlier give their acts a name, so reading begins at the beginning.
    since = window(seconds).since
    first = next((entry.sequence for entry in every_entry(since=since)), None)
    if first is None:
        return iter(())
    return (act for act in acts(every_entry()) if act.sequence >= first)


def figures(seconds: float, choice: Choice) -> tuple[Window, list[DeliveryFigures]]:
    """The figures of delivery over the last so many seconds."""
    span = window(seconds)
    return span, delivery_figures(chosen(choice), span.since, span.until)


def environment_of(subject: str) -> str:
    """`arcade/prod@eks` gives `prod`."""
    return subject.partition("/")[2].partition("@")[0]


def every_entry(
    journal: JournalPlace | None = None,
    *,
    kind: str = "",
    since: Instant | None = None,
    after: int = 0,
) -> Iterator[Entry]:
    """The journal's entries in their order, read a page at a time; of here unless told."""
    reader = JournalReader(home_of().state.journal if journal is None else journal)
    last = after
    while page := reader.entries(kind=kind, after=last, since=since, limit=PAGE):
        yield from page
        last = page[-1].sequence
