"""Releases that do not become well at all: whose own step failed in the delivery of the newest
commit. A gate with the indicator `rollout` says how long one may take until it counts as failed.
"""

from collections.abc import Iterable, Mapping, Sequence

from kiban.delivery.releases import tag_of
from kiban.delivery.steps import service_step
from kiban.operations.gates import Verdict
from kiban.operations.probation import Watch
from kiban.plans.records import Entry, PlanOpened, StepMoved
from kiban.primitives.instants import Instant, seconds_between
from kiban.spec.gates import MetricGate
from kiban.spec.nouns import Environment
from kiban.telemetry import Deployment

ROLLOUT = "rollout"
_STEP = service_step("")


def is_kept(step: StepMoved) -> bool:
    """Whether a step says how a service's rollout ended."""
    return step.step.startswith(_STEP) and step.state in ("done", "failed")


def failed_rollouts(entries: Iterable[Entry]) -> dict[str, dict[str, str]]:
    """The services whose last rollout failed in the delivery of their newest commit, with what
    was said of it, by the subject of the delivery."""
    subjects: dict[str, str] = {}
    commits: dict[str, str] = {}
    found: dict[str, dict[str, str]] = {}
    for entry in entries:
        match entry.record:
            case PlanOpened(plan) if plan.kind == "sync":
                subjects[plan.id] = plan.subject
                commit = plan.facts.get("commit", "")
                if commits.get(plan.subject) != commit:
                    commits[plan.subject], found[plan.subject] = commit, {}
            case StepMoved() as moved if moved.plan in subjects and is_kept(moved):
                service = moved.step.removeprefix(_STEP)
                failed = found[subjects[moved.plan]]
                failed.pop(service, None)
                if moved.state == "failed":
                    failed[service] = moved.message
    return found


def rollout_gate(environment: Environment, service: str) -> tuple[str, MetricGate] | None:
    """The gate that says how long a service's release may take to become well, if any."""
    for name, gate in environment.gates.items():
        if gate.indicator == ROLLOUT and (not gate.services or service in gate.services):
            return name, gate
    return None


def stuck(
    into: tuple[str, Environment],
    deployments: Sequence[Deployment],
    failed: Mapping[str, str],
    released: Mapping[str, str],
    now: Instant,
) -> list[tuple[Watch, Verdict]]:
    """The releases of an environment that have had their time and failed; not those that ran well
    before, whose trouble comes from elsewhere."""
    if not deployments or deployments[-1].outcome != "failing":
        return []
    name, environment = into
    began = deployments[-1].began
    before = next((each.images for each in reversed(deployments) if each.images), {})
    found = []
    for service, message in sorted(failed.items()):
        gate, tag = rollout_gate(environment, service), released.get(service, "")
        is_new = tag != "" and tag_of(before.get(service, "")) != tag
        if gate is None or not is_new or seconds_between(began, now) < gate[1].window:
            continue
        words = f"it did not become well: {message}"
        watch = Watch(name, service, tag, began, began)
        found.append((watch, Verdict(gate[0], "fail", words)))
    return found
