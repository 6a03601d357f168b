"""Reads the status of services and of a running plan out of what delivery knows."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kiban.delivery.judgement import WELL, Judge
from kiban.delivery.marks import Scope
from kiban.delivery.messages import Undeliverable
from kiban.delivery.status import ObjectStatus, ServiceStatus, StepStatus
from kiban.delivery.sync import service_step
from kiban.kube.objects import Key
from kiban.plans.run import PlanRun
from kiban.primitives.problems import Place, Problem

Watched = Mapping[str, tuple[Key, ...]]


def service_statuses(
    watched: Watched, waves: Mapping[str, int], judge: Judge, run: PlanRun | None
) -> tuple[ServiceStatus, ...]:
    """All services, by wave and name."""
    names = sorted(watched, key=lambda name: (waves.get(name, 0), name))
    found = (_service(name, waves.get(name, 0), watched[name], judge) for name in names)
    return tuple(_with_step(service, run) for service in found) if run else tuple(found)


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
