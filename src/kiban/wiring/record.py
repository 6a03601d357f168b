"""`kiban history`, `kiban audit-log` and `kiban figures`: what the journal says, to whom it may
concern."""

from collections.abc import Iterator
from dataclasses import dataclass

from kiban.adapters.delivery_driver import now as wall_clock
from kiban.adapters.journal import JournalReader
from kiban.adapters.journal.database import JournalPlace
from kiban.plans.records import Entry
from kiban.primitives.instants import Instant, later
from kiban.telemetry import Act, DeliveryFigures, Deployment, acts, delivery_figures, deployments
from kiban.wiring.repository import home_of

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


def history(environment: str | None) -> list[Deployment]:
    """Every deployment that the journal knows, of one environment or of all, the oldest first."""
    found = deployments(every_entry())
    return [each for each in found if environment in (None, environment_of(each.subject))]


def record(seconds: float) -> Iterator[Act]:
    """Every act of the last so many seconds, the oldest first."""
    # Plans that began earlier give their acts a name, so reading begins at the beginning.
    since = window(seconds).since
    first = next((entry.sequence for entry in every_entry(since=since)), None)
    if first is None:
        return iter(())
    return (act for act in acts(every_entry()) if act.sequence >= first)


def figures(seconds: float, environment: str | None) -> tuple[Window, list[DeliveryFigures]]:
    """The figures of delivery over the last so many seconds."""
    span = window(seconds)
    return span, delivery_figures(history(environment), span.since, span.until)


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
