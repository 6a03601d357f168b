"""Two revisions under the same dice: what got better, what got worse, and what stayed."""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.plans.records import Answer
from kiban.rehearsal.summary import Range, Seen, Summary, Tally

# Totals that say how good a revision is; less is better for each of them.
COMPARED = ("failed", "cost_dollars", "nodes_launched", "pods_started")
# A change that is smaller than this share of the value says nothing.
LEAST_SHARE = 0.005


@dataclass(frozen=True, slots=True)
class Change:
    """A total of both revisions, in medians over the seeds."""

    name: str
    before: Range
    after: Range

    @property
    def is_real(self) -> bool:
        """Neither revision's range holds the other's median."""
        difference = abs(self.after.median - self.before.median)
        if difference <= LEAST_SHARE * max(abs(self.before.median), abs(self.after.median)):
            return False
        overlap = (
            self.before.low <= self.after.median <= self.before.high
            and self.after.low <= self.before.median <= self.after.high
        )
        return not overlap


@dataclass(frozen=True, slots=True)
class Turned:
    """An expectation whose answer is another one than before; None where it was not asked."""

    expectation: str
    subject: str
    before: Answer | None
    after: Answer | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """`new` and `gone` are findings that only one of the revisions has."""

    changes: Sequence[Change]
    turned: Sequence[Turned]
    new: Sequence[Seen]
    gone: Sequence[Seen]


def compared(before: Summary, after: Summary) -> Comparison:
    """What differs; both were rehearsed with the same seeds."""
    changes = [
        Change(name, before.ranges[name], after.ranges[name])
        for name in COMPARED
        if name in before.ranges and name in after.ranges
    ]
    known = {_key(each) for each in before.seen}
    still = {_key(each) for each in after.seen}
    return Comparison(
        changes,
        _turned(before.tallies, after.tallies),
        [each for each in after.seen if _key(each) not in known],
        [each for each in before.seen if _key(each) not in still],
    )


def _turned(before: Sequence[Tally], after: Sequence[Tally]) -> list[Turned]:
    was = {(each.expectation, each.subject): each.answer for each in before}
    now = {(each.expectation, each.subject): each.answer for each in after}
    return [
        Turned(*key, before=was.get(key), after=now.get(key))
        for key in dict.fromkeys([*was, *now])
        if was.get(key) != now.get(key)
    ]


def _key(found: Seen) -> tuple[str, str]:
    return found.finding.code, found.finding.subject
