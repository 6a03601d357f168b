"""What a rehearsal found, as values: of one run with one seed, and of all runs together.

A run is small enough to travel between processes and to be kept: sampled figures, verdicts,
findings and what was lost, not the objects of the cluster.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kiban.plans.records import Answer

# A run's worst answer is its own: what failed once has failed, and unknown never passes.
_SEVERITY: Mapping[Answer, int] = {"pass": 0, "unknown": 1, "fail": 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """An expectation, answered: what was asked, of whom, what was found, and what decided it.

    `subject` is the same in every run; who decided an expectation of all is in `worst`. `weight`
    is how much of what is allowed was used, so that of many failures the worst come first.
    """

    expectation: str
    answer: Answer
    found: str
    subject: str = ""
    cause: str = ""
    worst: str = ""
    weight: float = 0.0


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something a reader would want to know and did not ask for.

    `code` is stable; `at` is in seconds since the start; `track` names the figure that shows it.
    """

    code: str
    subject: str
    what: str
    why: str = ""
    fix: str = ""
    answer: Answer = "unknown"
    at: float | None = None
    track: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """What the plots mark: a deploy, a lost zone, an interrupted node."""

    at: float
    text: str
    is_fault: bool = False


@dataclass(frozen=True, slots=True)
class Track:
    """One figure over time, sampled at the run's `times`; `subject` is a service, a node group, a
    zone, a subnet, or empty for the whole platform."""

    figure: str
    subject: str
    unit: str
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Run:
    """One seed's run. `losses` counts requests by service and cause; `digest` is the SHA-256 of
    its event log."""

    seed: int
    times: Sequence[float]
    tracks: Sequence[Track]
    verdicts: Sequence[Verdict]
    findings: Sequence[Finding] = ()
    happenings: Sequence[Happening] = ()
    losses: Mapping[tuple[str, str], float] = field(default_factory=dict)
    totals: Mapping[str, float] = field(default_factory=dict)
    digest: str = ""

    @property
    def answer(self) -> Answer:
        return worst(verdict.answer for verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Assumption:
    """One parameter of the model: its value as text, and where it comes from."""

    subject: str
    parameter: str
    value: str
    source: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Every run of one revision under one scenario.

    `start_of_day` is the time of day of second 0, in seconds.
    """

    platform: str
    environment: str
    scenario: str
    revision: str
    seconds: float
    start_of_day: float
    runs: Sequence[Run]
    assumptions: Sequence[Assumption] = ()

    @property
    def answer(self) -> Answer:
        return worst(run.answer for run in self.runs)


def worst(answers: Iterable[Answer]) -> Answer:
    """The worst of some answers; of none at all it is unknown."""
    return max(answers, key=lambda answer: _SEVERITY[answer], default="unknown")
