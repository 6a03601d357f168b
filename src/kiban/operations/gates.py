"""Gates on figures: what to ask of a source about a release, and whether the answer is good.

`questions` says what is asked, a `MetricsPort` answers with a value and its samples, and `verdict`
decides: pass, fail or unknown. It is pure and knows nothing of where a release runs, so that a
canary, an environment and a person ask alike. No figure, too few samples and a source that does
not answer are unknown, and unknown never passes.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from kiban.plans.records import Answer
from kiban.primitives.instants import Instant, later, seconds_between
from kiban.spec.gates import BEFORE, GATEWAY, MetricGate
from kiban.spec.nouns import Environment
from kiban.spec.service import ServiceSpec

# Two shares differ when chance alone would make them differ so much once in two hundred times.
SIGNIFICANT_DEVIATIONS = 2.6
PERCENTILES = ("p50", "p90", "p95", "p99")


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose figures are wanted: a service where it runs. `workload` names a part of it, such as a
    canary's Deployment; empty means all."""

    service: str
    environment: str
    namespace: str
    cluster: str = ""
    workload: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A figure of a subject over a span. Either `indicator` or `query` says which; `count` is the
    query for the samples behind it."""

    source: str
    subject: Subject
    since: Instant
    until: Instant
    indicator: str = ""
    query: str = ""
    count: str = ""

    @property
    def seconds(self) -> float:
        return max(1.0, seconds_between(self.since, self.until))

    def filled(self, text: str) -> str:
        """A query with its words filled in, written `$service` or `${service}`."""
        about = self.subject
        words = {
            "service": about.service,
            "environment": about.environment,
            "namespace": about.namespace,
            "cluster": about.cluster,
            "workload": about.workload or about.service,
            "seconds": str(round(self.seconds)),
        }
        for word, value in words.items():
            text = text.replace(f"${{{word}}}", value).replace(f"${word}", value)
        return text


@dataclass(frozen=True, slots=True)
class Measured:
    """What a source said: the figure in base units, from how many samples (None: it did not say),
    or why there is none."""

    value: float | None
    samples: float | None = None
    fault: str = ""


class MetricsPort(Protocol):
    """Who answers questions. It never raises: a source that cannot be reached is a fault."""

    async def measure(self, question: Question) -> Measured: ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate's answer in words, with its numbers for the journal."""

    gate: str
    answer: Answer
    words: str
    measured: Mapping[str, Any] = field(default_factory=dict)


def gates_of(environment: Environment, service: ServiceSpec) -> dict[str, MetricGate]:
    """The gates of an environment that are about a service, its own objectives among them; jobs
    have none that a gateway could answer."""
    found: dict[str, MetricGate] = {}
    for name, gate in environment.gates.items():
        if gate.services and service.service not in gate.services:
            continue
        # Answered by the delivery itself (see `stuck`).
        if gate.indicator == "rollout":
            continue
        if gate.source == GATEWAY and service.kind != "web":
            continue
        found |= _objectives(name, gate, service) if gate.slo else {name: gate}
    return found


def _objectives(name: str, gate: MetricGate, service: ServiceSpec) -> dict[str, MetricGate]:
    """A gate for each objective of a service."""
    slo = service.slo
    found: dict[str, MetricGate] = {}
    if slo is None:
        return found
    if slo.availability is not None:
        most = round(1 - slo.availability / 100, 9)
        asked = {"indicator": "errors", "at_most": most, "slo": False}
        found[f"{name} errors"] = gate.model_copy(update=asked)
    for percentile in PERCENTILES:
        bound = getattr(slo.latency, percentile) if slo.latency else None
        if bound is not None:
            asked = {"indicator": percentile, "at_most": bound, "slo": False}
            found[f"{name} {percentile}"] = gate.model_copy(update=asked)
    return found


def question(gate: MetricGate, subject: Subject, since: Instant, until: Instant) -> Question:
    """What a gate asks about a span."""
    return Question(
        gate.source, subject, since, until,
        gate.indicator or "", gate.query or "", gate.count or "",
    )  # fmt: skip


def baseline_question(
    gate: MetricGate, asked: Question, *, began: Instant, namespace: str = ""
) -> Question | None:
    """What the answer is compared with: as long a span that ended when the release `began` to be
    delivered, or the same span in another environment with its `namespace`."""
    if gate.baseline is None:
        return None
    if gate.baseline == BEFORE:
        # At least the whole window, for before the delivery there was time.
        seconds = max(asked.seconds, gate.window)
        return replace(asked, since=later(began, -seconds), until=began)
    there = replace(
        asked.subject, environment=gate.baseline, namespace=namespace, cluster="", workload=""
    )
    return replace(asked, subject=there)


def verdict(
    name: str, gate: MetricGate, found: Measured, baseline: Measured | None = None
) -> Verdict:
    """Whether a figure is good, in absolute terms and beside the baseline."""
    numbers = _numbers(gate, found, baseline)
    shown = _shown(gate, found)
    if fault := _unknown(gate, found):
        return Verdict(name, "unknown", fault, numbers)
    assert found.value is not None
    if gate.at_most is not None and found.value > gate.at_most:
        bound = _figure(gate, gate.at_most)
        return Verdict(name, "fail", f"{shown} is more than {bound}", numbers)
    if gate.at_least is not None and found.value < gate.at_least:
        bound = _figure(gate, gate.at_least)
        return Verdict(name, "fail", f"{shown} is less than {bound}", numbers)
    if gate.baseline is None:
        return Verdict(name, "pass", shown, numbers)
    return _beside(name, gate, found, baseline or Measured(None))


def _beside(name: str, gate: MetricGate, found: Measured, baseline: Measured) -> Verdict:
    numbers = _numbers(gate, found, baseline)
    if fault := _unknown(gate, baseline):
        return Verdict(name, "unknown", f"the baseline is not known: {fault}", numbers)
    assert found.value is not None and baseline.value is not None
    beside = f"{_shown(gate, found)}, and {_shown(gate, baseline)} in the baseline"
    most = baseline.value * (1 + gate.worse / 100)
    if found.value > most and _differ(gate, found, baseline):
        return Verdict(name, "fail", f"{beside}: more than {gate.worse:g} % worse", numbers)
    return Verdict(name, "pass", beside, numbers)


def _unknown(gate: MetricGate, found: Measured) -> str:
    """Why a figure says nothing, or an empty string."""
    if found.fault:
        return found.fault
    if found.value is None or not math.isfinite(found.value):
        return "there is no figure"
    if found.samples is None and (gate.indicator is not None or gate.count is not None):
        return "nothing says how many samples it is from"
    if found.samples is not None and found.samples < gate.samples:
        return f"only {found.samples:g} of at least {gate.samples} samples"
    return ""


def _differ(gate: MetricGate, found: Measured, baseline: Measured) -> bool:
    """Whether shares differ by more than chance; of other figures nothing is known but them."""
    ones, others = found.samples, baseline.samples
    if gate.indicator != "errors" or not ones or not others:
        return True
    assert found.value is not None and baseline.value is not None
    share = (found.value * ones + baseline.value * others) / (ones + others)
    deviation = math.sqrt(share * (1 - share) * (1 / ones + 1 / others))
    return found.value - baseline.value > SIGNIFICANT_DEVIATIONS * deviation


def _shown(gate: MetricGate, found: Measured) -> str:
    if found.value is None:
        return "no figure"
    of = f" of {found.samples:g} samples" if found.samples is not None else ""
    return f"{_figure(gate, found.value)}{of}"


def _figure(gate: MetricGate, value: float) -> str:
    if gate.indicator == "errors":
        return f"{100 * value:.3g} % errors"
    if gate.indicator == "requests":
        return f"{value:.4g} requests/s"
    if gate.indicator is not None:
        return f"{gate.indicator} {1000 * value:.4g} ms"
    return f"{value:.6g}"


def _numbers(gate: MetricGate, found: Measured, baseline: Measured | None) -> dict[str, Any]:
    numbers = {
        "value": found.value,
        "samples": found.samples,
        "atMost": gate.at_most,
        "atLeast": gate.at_least,
        "baseline": baseline.value if baseline else None,
        "baselineSamples": baseline.samples if baseline else None,
    }
    return {name: number for name, number in numbers.items() if number is not None}
