"""Many seeds as one answer: how often an expectation held, what most runs look like, and how far
they lie apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from kiban.plans.records import Answer
from kiban.rehearsal.results import Finding, Happening, Rehearsal, Run, Verdict, worst

Values = Sequence[float]


@dataclass(frozen=True, slots=True)
class Tally:
    """One expectation over all seeds; `verdict` is the worst of them, `seed` the run it is of."""

    expectation: str
    subject: str
    counts: Mapping[Answer, int]
    verdict: Verdict
    seed: int

    @property
    def answer(self) -> Answer:
        return self.verdict.answer


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure's median, least and greatest over all seeds, at the runs' times."""

    figure: str
    subject: str
    unit: str
    median: Values
    low: Values
    high: Values


@dataclass(frozen=True, slots=True)
class Seen:
    """A finding and in how many of the runs it was made."""

    finding: Finding
    runs: int


@dataclass(frozen=True, slots=True)
class Range:
    """A total's median, least and greatest over all seeds."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A rehearsal and all that is said of it."""

    rehearsal: Rehearsal
    tallies: Sequence[Tally]
    seen: Sequence[Seen]
    spreads: Mapping[tuple[str, str], Spread]
    ranges: Mapping[str, Range]
    losses: Mapping[tuple[str, str], Range]
    happenings: Sequence[Happening]


def summarised(rehearsal: Rehearsal) -> Summary:
    return Summary(
        rehearsal,
        tallies(rehearsal),
        seen(rehearsal),
        spreads(rehearsal),
        ranges(rehearsal),
        losses(rehearsal),
        happenings(rehearsal),
    )


def tallies(rehearsal: Rehearsal) -> list[Tally]:
    """In the order of the first run's expectations."""
    found: dict[tuple[str, str], list[tuple[int, Verdict]]] = {}
    for run in rehearsal.runs:
        for verdict in run.verdicts:
            key = (verdict.expectation, verdict.subject)
            found.setdefault(key, []).append((run.seed, verdict))
    return [_tally(expectation, subject, runs) for (expectation, subject), runs in found.items()]


def _tally(expectation: str, subject: str, runs: list[tuple[int, Verdict]]) -> Tally:
    counts: dict[Answer, int] = {"pass": 0, "fail": 0, "unknown": 0}
    for _, verdict in runs:
        counts[verdict.answer] += 1
    bad = worst(verdict.answer for _, verdict in runs)
    seed, verdict = next(pair for pair in runs if pair[1].answer == bad)
    return Tally(expectation, subject, counts, verdict, seed)


def seen(rehearsal: Rehearsal) -> list[Seen]:
    """What was found: failures first, then what was found most often."""
    first: dict[tuple[str, str], Finding] = {}
    count: dict[tuple[str, str], int] = {}
    for run in rehearsal.runs:
        for key in {(finding.code, finding.subject): None for finding in run.findings}:
            count[key] = count.get(key, 0) + 1
        for finding in run.findings:
            first.setdefault((finding.code, finding.subject), finding)
    order = {"fail": 0, "unknown": 1, "pass": 2}
    return sorted(
        (Seen(finding, count[key]) for key, finding in first.items()),
        key=lambda each: (order[each.finding.answer], -each.runs, each.finding),
    )


def spreads(rehearsal: Rehearsal) -> dict[tuple[str, str], Spread]:
    """Every figure of every subject that all runs sampled, by figure and subject."""
    tracks: dict[tuple[str, str], list[Values]] = {}
    units: dict[tuple[str, str], str] = {}
    for run in rehearsal.runs:
        for track in run.tracks:
            key = (track.figure, track.subject)
            tracks.setdefault(key, []).append(track.values)
            units[key] = track.unit
    return {
        key: _spread(key, units[key], values)
        for key, values in tracks.items()
        if len({len(each) for each in values}) == 1
    }


def _spread(key: tuple[str, str], unit: str, runs: list[Values]) -> Spread:
    table = np.array(runs, dtype=float)
    figure, subject = key
    if len(runs) == 1:
        return Spread(figure, subject, unit, table[0].tolist(), (), ())
    # A sample that no run has stays NaN; numpy would warn of it.
    blank = np.all(np.isnan(table), axis=0)
    table[:, blank] = 0.0
    middle, low, high = (
        np.where(blank, np.nan, found)
        for found in (
            np.nanmedian(table, axis=0), np.nanmin(table, axis=0), np.nanmax(table, axis=0)
        )
    )  # fmt: skip
    return Spread(figure, subject, unit, middle.tolist(), low.tolist(), high.tolist())


def ranges(rehearsal: Rehearsal) -> dict[str, Range]:
    """Every total."""
    names = dict.fromkeys(name for run in rehearsal.runs for name in run.totals)
    return {name: _range([run.totals.get(name, 0.0) for run in rehearsal.runs]) for name in names}


def losses(rehearsal: Rehearsal) -> dict[tuple[str, str], Range]:
    """Failed requests by service and cause, the most first."""
    keys = dict.fromkeys(key for run in rehearsal.runs for key in run.losses)
    found = {key: _range([run.losses.get(key, 0.0) for run in rehearsal.runs]) for key in keys}
    return dict(sorted(found.items(), key=lambda item: (-item[1].median, -item[1].high, item[0])))


def _range(values: Values) -> Range:
    return Range(median(values), min(values), max(values))


def happenings(rehearsal: Rehearsal) -> list[Happening]:
    """Those of the run in the middle; the acts of a scenario are at the same time in all."""
    return sorted(typical(rehearsal).happenings, key=lambda each: (each.at, each.text))


def typical(rehearsal: Rehearsal) -> Run:
    """The run whose failed requests are the median's."""
    runs = sorted(rehearsal.runs, key=lambda run: (run.totals.get("failed", 0.0), run.seed))
    return runs[(len(runs) - 1) // 2]
