"""A rehearsal as JSON for machines: verdicts, findings, totals and losses with their range over the
seeds, every run's digest, what was assumed, and the figures over time."""

from collections.abc import Sequence
from math import isfinite
from typing import Any

from kiban.rehearsal.comparing import Comparison
from kiban.rehearsal.results import Finding, Verdict
from kiban.rehearsal.summary import Range, Spread, Summary

FORMAT = 1
_DIGITS = 6


def document(summary: Summary, comparison: Comparison | None = None) -> dict[str, Any]:
    """Plain data; numbers are rounded to six digits after the point, what was not measured is
    null."""
    rehearsal = summary.rehearsal
    found: dict[str, Any] = {
        "format": FORMAT,
        "platform": rehearsal.platform,
        "environment": rehearsal.environment,
        "scenario": rehearsal.scenario,
        "revision": rehearsal.revision,
        "seconds": rehearsal.seconds,
        "answer": rehearsal.answer,
        "expectations": [
            {**_verdict(each.verdict), "counts": dict(each.counts), "seed": each.seed}
            for each in summary.tallies
        ],
        "findings": [{**_finding(each.finding), "runs": each.runs} for each in summary.seen],
        "totals": {name: _range(each) for name, each in summary.ranges.items()},
        "losses": [
            {"service": service, "cause": cause, **_range(each)}
            for (service, cause), each in summary.losses.items()
        ],
        "assumptions": [
            {"subject": a.subject, "parameter": a.parameter, "value": a.value, "source": a.source}
            for a in rehearsal.assumptions
        ],
        "runs": [
            {"seed": run.seed, "answer": run.answer, "digest": run.digest} for run in rehearsal.runs
        ],
        "times": _numbers(rehearsal.runs[0].times),
        "tracks": [_spread(each) for each in summary.spreads.values()],
    }
    return found if comparison is None else {**found, "comparison": _comparison(comparison)}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "expectation": verdict.expectation,
        "subject": verdict.subject,
        "answer": verdict.answer,
        "found": verdict.found,
        "cause": verdict.cause,
        "worst": verdict.worst,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "subject": finding.subject,
        "answer": finding.answer,
        "what": finding.what,
        "why": finding.why,
        "fix": finding.fix,
        "at": finding.at,
    }


def _range(found: Range) -> dict[str, float]:
    return {
        "median": round(found.median, _DIGITS),
        "low": round(found.low, _DIGITS),
        "high": round(found.high, _DIGITS),
    }


def _spread(spread: Spread) -> dict[str, Any]:
    return {
        "figure": spread.figure,
        "subject": spread.subject,
        "unit": spread.unit,
        "median": _numbers(spread.median),
        "low": _numbers(spread.low),
        "high": _numbers(spread.high),
    }


def _numbers(values: Sequence[float]) -> list[float | None]:
    return [round(value, _DIGITS) if isfinite(value) else None for value in values]


def _comparison(comparison: Comparison) -> dict[str, Any]:
    return {
        "changes": [
            {
                "name": each.name,
                "before": _range(each.before),
                "after": _range(each.after),
                "is_real": each.is_real,
            }
            for each in comparison.changes
        ],
        "turned": [
            {
                "expectation": each.expectation,
                "subject": each.subject,
                "before": each.before,
                "after": each.after,
            }
            for each in comparison.turned
        ],
        "new": [_finding(each.finding) for each in comparison.new],
        "gone": [_finding(each.finding) for each in comparison.gone],
    }
