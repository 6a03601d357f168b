"""Reads the status of services and of a running plan out of what delivery knows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from operator import is_

from kiban.delivery.advice import next_step
from kiban.delivery.judgement import TIMED_KINDS, WELL, Judge
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Undeliverable
from kiban.delivery.progressive.telling import stage_words
from kiban.delivery.status import ObjectStatus, ServiceStatus, StepStatus
from kiban.delivery.sync import service_step
from kiban.kube.objects import Key, Manifest
from kiban.plans.run import PlanRun
from kiban.primitives.problems import Place, Problem

Watched = Mapping[str, tuple[Key, ...]]


@dataclass(frozen=True, slots=True)
class _Basis:
    """What the status of a service was made of."""

    keys: tuple[Key, ...]
    objects: tuple[Manifest | None, ...]
    wave: int
    step: str
    said: str
    # Grows with every change of a pod, which say why a service is not well.
    pods: int
    # Grows when what is judged by the time is to be judged again.
    looks: int

    def is_still(self, other: "_Basis", status: str) -> bool:
        """Whether the same would be made of the other. Objects are compared by identity: what is
        known of one is never changed, but made anew."""
        return (
            self.keys == other.keys
            and all(map(is_, self.objects, other.objects))
            and (self.wave, self.step, self.said) == (other.wave, other.step, other.said)
            and self.looks == other.looks
            and (status in WELL or self.pods == other.pods)
        )


class Reports:
    """The statuses of services, each made anew only when something of it has changed."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[str, tuple[_Basis, ServiceStatus]] = {}

    def services(
        self, watched: Watched, waves: Mapping[str, int], run: PlanRun | None
    ) -> tuple[ServiceStatus, ...]:
        """All services, by wave and name."""
        names = sorted(watched, key=lambda name: (waves.get(name, 0), name))
        return tuple(self._service(name, waves.get(name, 0), watched[name], run) for name in names)

    def _service(
        self, name: str, wave: int, keys: tuple[Key, ...], run: PlanRun | None
    ) -> ServiceStatus:
        live = self._judge.live
        objects = tuple(map(live.get, keys))
        looks = self._judge.looks if any(key.group_kind in TIMED_KINDS for key in keys) else 0
        step, said = _doing(name, run)
        said = said or stage_words(live, keys)
        basis = _Basis(keys, objects, wave, step, said, live.pod_changes, looks)
        known = self._known.get(name)
        if known is not None and known[0].is_still(basis, known[1].status):
            return known[1]
        entries = tuple(_object(key, self._judge, name) for key in keys)
        worst = next((entry for entry in entries if entry.status not in WELL), None)
        status, message = (worst.status, worst.message) if worst else ("Healthy", "")
        found = ServiceStatus(name, wave, status, basis.said or message, basis.step, entries)
        self._known[name] = (basis, found)
        return found


def is_well(service: str, watched: Watched, judge: Judge) -> bool:
    """Whether nothing of a service holds up what needs it."""
    return not any(judge.holds_up(key) for key in watched.get(service, ()))


def are_starting(watched: Watched, judge: Judge) -> frozenset[str]:
    """The services that are on their way to be well."""
    return frozenset(
        service
        for service, keys in watched.items()
        if any(judge.holds_up(key) and judge(key).status == "Progressing" for key in keys)
    )


def step_statuses(run: PlanRun) -> tuple[StepStatus, ...]:
    """Every step, and every gate after the step that it judges."""
    gates = {need: gate for gate in run.plan.gates for need in gate.needs}
    found = []
    for step in run.plan.steps:
        found.append((step.id, step.words))
        if (gate := gates.get(step.id)) is not None:
            found.append((gate.id, gate.question))
    return tuple(
        StepStatus(id_, words, run.state_of(id_), run.message_of(id_)) for id_, words in found
    )


def failed_services(run: PlanRun) -> frozenset[str]:
    """The services whose own step failed."""
    return frozenset(
        step.subject
        for step in run.plan.steps
        if step.id == service_step(step.subject) and run.state_of(step.id) == "failed"
    )


def failure_problems(failure: str, scope: Scope, hooks: Iterable[Key] = ()) -> tuple[Problem, ...]:
    """What is said of a plan that failed; `hooks` are the Jobs whose failure it was."""
    if not failure:
        return ()
    again = [f"kubectl delete job {key.name} -n {key.namespace}" for key in sorted(hooks)]
    return (
        Problem(
            "delivery/plan-failed",
            f"The last plan failed: {failure}",
            Place(thing=scope.subject),
            why="What depends on it keeps running as it was.",
            fix=f"Commit a fix, or have the hook run again: {'; '.join(again)}"
            if again
            else "Commit a fix; it takes over at once. Otherwise it is tried again.",
        ),
    )


def refusal_text(observation: Undeliverable) -> str:
    """One line about a commit that is no good."""
    count = len(observation.problems)
    first = str(observation.problems[0]).splitlines()[0]
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"{observation.commit.short} is not delivered: {first}{more}"


def _doing(service: str, run: PlanRun | None) -> tuple[str, str]:
    """The state of the service's step in the running plan, if it has one, and why it failed."""
    id_ = service_step(service)
    if run is None or not run.has(id_):
        return "", ""
    step = run.state_of(id_)
    for gate in run.plan.gates:
        if gate.subject == service and run.state_of(gate.id) == "checking":
            return step, f"{gate.measure['share']}% on its new pods: {run.message_of(gate.id)}"
    return step, run.message_of(id_) if step in ("failed", "skipped") else ""


def _object(key: Key, judge: Judge, service: str) -> ObjectStatus:
    verdict = judge(key)
    next_ = next_step(key, verdict, service)
    return ObjectStatus(key, verdict.status, verdict.reason, verdict.message, next_)
