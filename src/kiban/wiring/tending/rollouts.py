"""Answers for the new pods of a rollout: the gates of their environment, asked about them alone.

A gate that compares with the release before is given the old pods of the same time instead, which
is the fairer comparison. An image that fails is quarantined, and so goes back in Git too.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from kiban.adapters.delivery_driver import Figures
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Measure, Measured
from kiban.operations.gates import (
    Question,
    Subject,
    Verdict,
    baseline_question,
    gates_of,
    question,
    verdict,
)
from kiban.operations.probation import Watch
from kiban.operations.rollback import quarantined_by
from kiban.plans.records import Answer
from kiban.spec.gates import BEFORE, MetricGate
from kiban.wiring.tending.house import House


@dataclass(slots=True)
class RolloutJudge:
    """One of a process. It knows nothing until there is a `house`."""

    house: House | None = field(default=None)

    def of(self, scope: Scope) -> Figures:
        """What answers for one environment on one cluster."""

        async def answer(ask: Measure) -> Measured:
            if self.house is None:
                return Measured(ask.gate, "unknown", "nobody measures yet", ask.until)
            return await _answered(self.house, scope, ask)

        return answer


async def _answered(house: House, scope: Scope, ask: Measure) -> Measured:
    platform, environment = house.platform, scope.environment
    service = platform.services_on(environment, scope.cluster).get(ask.service)
    gates = gates_of(platform.environment(environment), service) if service else {}
    found = [await _verdict(house, scope, ask, name, gate) for name, gate in gates.items()]
    answer, words = _together(found)
    tag = house.released(environment).get(ask.service, "")
    if answer == "fail" and tag:
        worst = next(one for one in found if one.answer == "fail")
        watch = Watch(environment, ask.service, tag, ask.since, ask.since)
        await house.journal.append([quarantined_by(watch, worst)], house.clock())
    measured = {one.gate: dict(one.measured) for one in found}
    return Measured(ask.gate, answer, words, ask.until, measured)


async def _verdict(
    house: House, scope: Scope, ask: Measure, name: str, gate: MetricGate
) -> Verdict:
    subject = Subject(ask.service, scope.environment, scope.namespace, scope.cluster, ask.workload)
    asked = question(gate, subject, ask.since, ask.until)
    beside = _beside(house, gate, asked)
    found = await house.metrics.measure(asked)
    baseline = await house.metrics.measure(beside) if beside is not None else None
    return verdict(name, gate, found, baseline)


def _beside(house: House, gate: MetricGate, asked: Question) -> Question | None:
    """What the new pods are compared with."""
    if gate.baseline == BEFORE and asked.subject.workload:
        return replace(asked, subject=replace(asked.subject, workload=""))
    there = gate.baseline if gate.baseline in house.platform.environments else ""
    namespace = house.platform.namespace_of(there) if there else ""
    return baseline_question(gate, asked, began=asked.since, namespace=namespace)


def _together(found: Sequence[Verdict]) -> tuple[Answer, str]:
    """All gates as one: one that fails decides, then one that does not know."""
    order: tuple[Answer, ...] = ("fail", "unknown", "pass")
    for answer in order:
        named = [one for one in found if one.answer == answer]
        if named:
            return answer, "; ".join(f"{one.gate}: {one.words}" for one in named)
    return "pass", "no gate is about it"
