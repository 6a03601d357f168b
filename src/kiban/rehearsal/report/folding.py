"""What is said of many services in one breath, so that a page about a hundred of them can still be
read: expectations that hold, and findings that are alike."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kiban.plans.records import Answer
from kiban.rehearsal.report.scale import clock
from kiban.rehearsal.results import Assumption, Finding, Rehearsal
from kiban.rehearsal.scenarios.timelines import named
from kiban.rehearsal.summary import Seen, Summary, Tally

_ORDER: tuple[Answer, ...] = ("fail", "unknown", "pass")
_CLOCK = re.compile(r"\b\d\d:\d\d\b")
# So many lines are read in ten seconds.
HEADLINES = 4
# So many failures of a kind are told one by one.
ALONE = 3


@dataclass(frozen=True, slots=True)
class Folded:
    """An expectation and the services of which one thing is to be said. The worst that did not
    hold stand alone; the others, and what held, stand together."""

    tally: Tally
    subjects: Sequence[str]

    @property
    def is_alone(self) -> bool:
        return len(self.subjects) < 2


def folded(tallies: Sequence[Tally]) -> list[Folded]:
    """What failed first, then what is open, then what held, each in its order."""
    kinds: dict[tuple[Answer, str], list[Tally]] = {}
    for each in tallies:
        kinds.setdefault((each.answer, each.expectation), []).append(each)
    found: list[Folded] = []
    for answer in _ORDER:
        for (kind, _), every in kinds.items():
            if kind == answer:
                found += _told(sorted(every, key=lambda each: -each.verdict.weight))
    return found


def _told(every: Sequence[Tally]) -> list[Folded]:
    """The services of one expectation and answer."""
    if every[0].answer == "pass":
        return [Folded(every[0], sorted(each.subject for each in every))]
    alone = len(every) if len(every) <= ALONE + 1 else ALONE
    found = [Folded(each, (each.subject,)) for each in every[:alone]]
    rest = [each.subject for each in every[alone:]]
    return [*found, Folded(every[alone], rest)] if rest else found


def alike(found: Sequence[Seen]) -> list[tuple[Seen, list[str]]]:
    """Findings of one kind and answer as one, with the other subjects it is true of."""
    first: dict[tuple[str, str], tuple[Seen, list[str]]] = {}
    for each in found:
        key = (each.finding.code, each.finding.answer)
        if key in first:
            first[key][1].append(each.finding.subject)
        else:
            first[key] = (each, [])
    return list(first.values())


def counted(summary: Summary) -> list[str]:
    """How much is behind the verdict, in a line."""
    held = sum(each.answer == "pass" for each in summary.tallies)
    bad = sum(each.finding.answer == "fail" for each in summary.seen)
    found = f"; {bad} {'finding' if bad == 1 else 'findings'} to act on" if bad else ""
    if not summary.tallies:
        return [f"nothing is expected of it{found}"]
    return [f"{held} of {len(summary.tallies)} expectations hold{found}"]


def moment(finding: Finding, rehearsal: Rehearsal) -> str:
    """The time of day at which it begins, unless its sentence says a time already."""
    if finding.at is None or _CLOCK.search(finding.what):
        return ""
    return clock(finding.at, rehearsal.start_of_day)


def headlines(summary: Summary) -> list[str]:
    """The expectations that failed and the findings that are bad, the first few of them."""
    lines = []
    for each in folded(summary.tallies):
        if each.tally.answer == "fail":
            subjects = named([one for one in each.subjects if one])
            found = f": {each.tally.verdict.found}" if each.is_alone else ""
            lines.append(_line(subjects, f"{each.tally.expectation}{found}"))
    for seen, others in alike(summary.seen):
        if seen.finding.answer == "fail":
            more = f" (likewise {named(others)})" if others else ""
            lines.append(_line(seen.finding.subject, f"{seen.finding.what}{more}"))
    return lines[:HEADLINES]


def _line(subject: str, what: str) -> str:
    return f"✗ {subject}: {what}" if subject else f"✗ {what}"


def grounds(assumptions: Sequence[Assumption]) -> str:
    """What the answers rest on: so many parameters, so many of them measured, declared, assumed."""
    kinds = [each.source.partition(":")[0] for each in assumptions]
    counts = [f"{kinds.count(kind)} {kind}" for kind in ("measured", "declared") if kind in kinds]
    counts.append(f"{kinds.count('assumed')} assumed")
    return f"{len(kinds)} parameters: {', '.join(counts)}"
