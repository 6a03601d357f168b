"""Tells drift from work that is still to be done: only an object that was as wanted, or applied,
since its commit became the wanted one can have drifted."""

from collections.abc import Iterable, Sequence

from kiban.delivery.changes import Item, Wanted, fingerprint
from kiban.delivery.healing import HealTimes
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Applied
from kiban.kube.objects import Key
from kiban.primitives.problems import Place, Problem

# Drifted objects that one event names; the others are counted.
NAMED_OBJECTS = 5
# Drift of more objects at once is treated as a new installation, in waves.
HEALED_OBJECTS = 20


class Drift:
    """What is known about the objects of one environment that were as wanted."""

    def __init__(self) -> None:
        self.times = HealTimes()
        # Differences that stayed after an apply: the server's own writing of what was sent.
        self.settled: dict[Key, frozenset[str]] = {}
        # Drift that is not to be healed.
        self.shown: dict[Key, Item] = {}
        self._confirmed: dict[Key, None] = {}

    def __contains__(self, key: Key) -> bool:
        """Whether a difference of this object is drift."""
        return key in self._confirmed

    def forget(self) -> None:
        """Another commit is worked on: nothing is known to be as it wants."""
        self._confirmed.clear()
        self.shown.clear()

    def confirm(self, wanted: Wanted, items: Iterable[Item]) -> None:
        """All wanted objects but these are as wanted."""
        self._confirmed = dict.fromkeys(wanted.manifests)
        for item in items:
            del self._confirmed[item.key]

    def show(self, items: Iterable[Item]) -> list[Item]:
        """Keep drift to be shown; the part of it that is news."""
        found = [item for item in items if self.shown.get(item.key) != item]
        self.shown |= {item.key: item for item in found}
        # What differs goes on being what was as wanted once.
        self._confirmed |= dict.fromkeys(self.shown)
        return found

    def look_again(self, keys: Iterable[Key], items: Iterable[Item]) -> None:
        """Of these objects, only the items still differ."""
        differing = {item.key for item in items}
        for key in keys:
            if key not in differing:
                self.shown.pop(key, None)

    def settle(self, applied: Applied, wanted: Wanted) -> None:
        """What still differs right after an apply is how the server writes it."""
        if applied.key not in wanted.manifests:
            return
        self._confirmed[applied.key] = None
        self.shown.pop(applied.key, None)
        found = wanted.missing(applied.key, applied.object)
        self.settled[applied.key] = frozenset(fingerprint(entry) for entry in found)


def drift_problem(drift: Drift, scope: Scope) -> tuple[Problem, ...]:
    """What is shown of drift that is not healed."""
    if not drift.shown:
        return ()
    return (
        Problem(
            "delivery/drifted",
            f"Changed by hand: {drift_text(list(drift.shown.values()))}",
            Place(thing=scope.subject),
            why="The environment says `drift: show`, so it is left as it is.",
            fix="Commit the change, or put it back; a commit that changes the object does so too.",
        ),
    )


def drift_text(items: Sequence[Item]) -> str:
    """One line about what was changed by hand."""
    more = f" and {len(items) - NAMED_OBJECTS} more" if len(items) > NAMED_OBJECTS else ""
    return "; ".join(map(_text, items[:NAMED_OBJECTS])) + more


def _text(item: Item) -> str:
    return f"{item.key} was deleted" if item.reason == "new" else f"{item} was changed"
