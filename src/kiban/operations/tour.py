"""What the tour expects of the platform, and whether it held.

The tour runs an open-loop load against the gateway while it releases, scales in, drains, kills,
deletes and freezes. Changes that were planned must lose no request; what a crash costs is shown
as it is, and the platform must come back by itself within a bound.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Answer = Literal["pass", "fail", "unknown"]

# The load under which the promises are made: issue-sized, and light enough for two shared cores.
REQUESTS_PER_SECOND = 210
FEWEST_REQUESTS = 5_000
LOWEST_RATE = 200.0
LONGEST_HEAL_SECONDS = 15.0
LONGEST_PROMOTION_SECONDS = 60.0
LONGEST_ROLLBACK_SECONDS = 30.0
# A backend that takes more than 0.4 s is replaced by a default; on a busy laptop some do.
MOST_DEFAULTED_PERCENT = 5.0


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of the load. Latencies are in milliseconds, measured from the moment at which
    a request was due, so that a stalled server cannot hide behind a waiting client."""

    name: str
    planned: bool
    requests: int
    failed: int
    defaulted: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    errors: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was measured beside the load; None is what could not be measured."""

    requests: int
    failed: int
    rate_per_second: float
    commit_to_serving_seconds: float | None
    kill_to_ready_seconds: float | None
    delete_to_restored_seconds: float | None
    thaw_to_whole_seconds: float | None
    old_version_answers_after_release: int | None
    answered_while_backend_down: int | None
    gates_to_promoted_seconds: float | None
    bad_release_to_rollback_seconds: float | None
    bad_release_promotions: int | None
    other_failures_of_bad_release: int | None
    bad_answers_after_rollback: int | None


@dataclass(frozen=True, slots=True)
class Expectation:
    """One promise of the tour, and what was found."""

    name: str
    answer: Answer
    expected: str
    measured: str


@dataclass(frozen=True, slots=True)
class TourReport:
    """The tour in numbers."""

    phases: tuple[Phase, ...]
    facts: Facts
    expectations: tuple[Expectation, ...]

    @property
    def held(self) -> bool:
        """Whether every expectation passed; one that could not be measured did not."""
        return all(expectation.answer == "pass" for expectation in self.expectations)

    def as_data(self) -> dict[str, Any]:
        """The form of `build/tour.json`."""
        return {
            "held": self.held,
            "facts": {name: getattr(self.facts, name) for name in Facts.__slots__},
            "phases": [
                {name: getattr(phase, name) for name in Phase.__slots__} for phase in self.phases
            ],
            "expectations": [
                {name: getattr(expectation, name) for name in Expectation.__slots__}
                for expectation in self.expectations
            ],
        }


def judge(phases: Sequence[Phase], facts: Facts) -> TourReport:
    """Hold the measurements against what was promised."""
    lost = sum(phase.failed for phase in phases if phase.planned)
    changing = [phase for phase in phases if phase.planned]
    answered = max(1, sum(phase.requests for phase in changing))
    defaulted = 100 * sum(phase.defaulted for phase in changing) / answered
    planned = ", ".join(phase.name for phase in phases if phase.planned)
    expectations = (
        _at_least("requests sent", facts.requests, FEWEST_REQUESTS, ""),
        _at_least("requests per second", facts.rate_per_second, LOWEST_RATE, "/s"),
        _equal(f"requests lost by planned changes ({planned})", lost, 0),
        _below("answers with defaults during planned changes", defaulted, MOST_DEFAULTED_PERCENT),
        _within("from commit to serving", facts.commit_to_serving_seconds, 60.0),
        _equal(
            "answers of the old version after the release",
            facts.old_version_answers_after_release,
            0,
        ),
        *_releases(facts),
        _within("a killed pod is replaced", facts.kill_to_ready_seconds, LONGEST_HEAL_SECONDS),
        _within("a deleted object is back", facts.delete_to_restored_seconds, LONGEST_HEAL_SECONDS),
        _at_least(
            "answers with defaults while a backend was down",
            facts.answered_while_backend_down,
            1,
            "",
        ),
        _within("whole again after the backend is back", facts.thaw_to_whole_seconds, 30.0),
    )
    return TourReport(tuple(phases), facts, expectations)


def _releases(facts: Facts) -> tuple[Expectation, ...]:
    """What Kiban does about releases by itself."""
    back = facts.bad_release_to_rollback_seconds
    return (
        _within(
            "a release that passes its gates answers in the next environment",
            facts.gates_to_promoted_seconds,
            LONGEST_PROMOTION_SECONDS,
        ),
        _within("a bad release is rolled back in Git", back, LONGEST_ROLLBACK_SECONDS),
        _equal("requests lost then by anything else", facts.other_failures_of_bad_release, 0),
        _equal("answers of the bad release afterwards", facts.bad_answers_after_rollback, 0),
        _equal("bad releases that went further", facts.bad_release_promotions, 0),
    )


def _at_least(name: str, measured: float | None, bound: float, unit: str) -> Expectation:
    return _expectation(name, measured, f"at least {bound:g}{unit}", unit, lambda n: n >= bound)


def _within(name: str, measured: float | None, bound: float) -> Expectation:
    return _expectation(name, measured, f"within {bound:g} s", " s", lambda n: n <= bound)


def _below(name: str, measured: float | None, bound: float) -> Expectation:
    return _expectation(name, measured, f"at most {bound:g} %", " %", lambda n: n <= bound)


def _equal(name: str, measured: float | None, bound: float) -> Expectation:
    return _expectation(name, measured, f"{bound:g}", "", lambda n: n == bound)


def _expectation(
    name: str, measured: float | None, expected: str, unit: str, holds: Callable[[float], bool]
) -> Expectation:
    if measured is None:
        return Expectation(name, "unknown", expected, "not measured")
    text = f"{measured:.2f}".rstrip("0").rstrip(".") + unit
    return Expectation(name, "pass" if holds(measured) else "fail", expected, text)


def lines_of(report: TourReport) -> list[str]:
    """The report as people read it."""
    lines = ["", "what happened, by phase:"]
    lines += [
        f"  {phase.name:<12} {phase.requests:>5} requests  {phase.failed:>3} failed  "
        f"{phase.defaulted:>4} with defaults  "
        f"p50 {phase.p50_ms:6.1f} ms  p99 {phase.p99_ms:7.1f} ms"
        for phase in report.phases
    ]
    lines.append("what was expected:")
    marks = {"pass": "✓", "fail": "✗", "unknown": "?"}
    lines += [
        f"  {marks[entry.answer]} {entry.name}: {entry.measured} (expected {entry.expected})"
        for entry in report.expectations
    ]
    return lines
