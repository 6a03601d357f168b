"""Reads the status of services and of a running plan out of what delivery knows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import is_

from kiban.delivery.judgement import WELL, Judge
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Undeliverable
from kiban.delivery.status import ObjectStatus, ServiceStatus, StepStatus
from kiban.delivery.sync import service_step
from kiban.kube.objects import Key, Manifest
from kiban.plans.run import PlanRun
from kiban.primitives.problems import Place, Problem

Watched = Mapping[str, tuple[Key, ...]]


class Reports:
    """The statuses of services. That of a service that is well is made anew only when one of its
    objects has changed."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._known: dict[str, tuple[tuple[Manifest | None, ...], ServiceStatus]] = {}

    def services(
        self, watched: Watched, waves: Mapping[str, int], run: PlanRun | None
    ) -> tuple[ServiceStatus, ...]:
        """All services, by wave and name."""
        names = sorted(watched, key=lambda name: (waves.get(name, 0), name))
        found = (self._service(name, waves.get(name, 0), watched[name]) for name in names)
        return tuple(_with_step(service, run) for service in found) if run else tuple(found)

    def _service(self, name: str, wave: int, keys: tuple[Key, ...]) -> ServiceStatus:
        seen = tuple(map(self._judge.live.get, keys))
        known = self._known.get(name)
        if known is not None and known[1].wave == wave and _are_same(known[0], seen):
            return known[1]
        found = _service(name, wave, keys, self._judge)
        if found.status in WELL:
            self._known[name] = (seen, found)
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
    return tuple(
        StepStatus(step.id, step.words, run.state_of(step.id), run.message_of(step.id))
        for step in run.plan.steps
    )


def failed_services(run: PlanRun) -> frozenset[str]:
    """The services whose own step failed."""
    return frozenset(
        step.subject
        for step in run.plan.steps
        if step.id == service_step(step.subject) and run.state_of(step.id) == "failed"
    )


def failure_problems(failure: str, scope: Scope) -> tuple[Problem, ...]:
    if not failure:
        return ()
    return (
        Problem(
            "delivery/plan-failed",
            f"The last plan failed: {failure}",
            Place(thing=scope.subject),
            why="What depends on it keeps running as it was.",
            fix="Commit a fix; it takes over at once. Otherwise it is tried again.",
        ),
    )


def refusal_text(observation: Undeliverable) -> str:
    """One line about a commit that is no good."""
    count = len(observation.problems)
    first = str(observation.problems[0]).splitlines()[0]
    more = f" (and {count - 1} more)" if count > 1 else ""
    return f"{observation.commit.short} is not delivered: {first}{more}"


def _service(name: str, wave: int, keys: Iterable[Key], judge: Judge) -> ServiceStatus:
    objects = tuple(_object(key, judge) for key in keys)
    worst = next((entry for entry in objects if entry.status not in WELL), None)
    status, message = (worst.status, worst.message) if worst else ("Healthy", "")
    return ServiceStatus(name, wave, status, message, "", objects)


def _are_same(left: Sequence[object], right: Sequence[object]) -> bool:
    """Whether these are the very same objects: what is known of one is never changed, but made
    anew."""
    return len(left) == len(right) and all(map(is_, left, right))


def _with_step(service: ServiceStatus, run: PlanRun) -> ServiceStatus:
    """The status with what the running plan does about the service, if anything."""
    id_ = service_step(service.name)
    if not run.has(id_):
        return service
    step = run.state_of(id_)
    said = run.message_of(id_) if step in ("failed", "skipped") else ""
    return replace(service, step=step, message=said or service.message)


def _object(key: Key, judge: Judge) -> ObjectStatus:
    verdict = judge(key)
    return ObjectStatus(key, verdict.status, verdict.reason, verdict.message)
