"""Requests and limits: what the scheduler and the kernel are told."""

from collections.abc import Callable, Iterable, Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import View
from kiban.kube.objects import get_in
from kiban.primitives.quantities import parse_quantity


def _missing(part: str, resource: str) -> Callable[[View], Iterable[Said]]:
    def look(view: View) -> Iterator[Said]:
        for workload in view.workloads:
            for container in workload.containers:
                found = get_in(container.body, "resources", part, resource)
                # A limit without a request is a request, too.
                found = found or get_in(container.body, "resources", "limits", resource)
                if found is None:
                    what = f"the container {container.name} has no {resource} {part[:-1]}"
                    yield Said(workload.key, f"{container.path}.resources.{part}.{resource}", what)

    return look


def _limit_below_request(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for container in workload.containers:
            requests = get_in(container.body, "resources", "requests", default={})
            limits = get_in(container.body, "resources", "limits", default={})
            for name in sorted(requests.keys() & limits.keys()):
                if parse_quantity(limits[name]) < parse_quantity(requests[name]):
                    what = f"the {name} limit of {container.name} is below its request"
                    yield Said(workload.key, f"{container.path}.resources.limits.{name}", what)


RULES = (
    Rule(
        "cpu-request",
        Severity.ERROR,
        "the scheduler packs such pods without end, and an autoscaler has nothing to divide by",
        "say `resources.cpu`",
        _missing("requests", "cpu"),
    ),
    Rule(
        "memory-request",
        Severity.ERROR,
        "such pods are the first to be killed when a node runs out of memory",
        "say `resources.memory`",
        _missing("requests", "memory"),
    ),
    Rule(
        "memory-limit",
        Severity.WARNING,
        "a leak takes its neighbours down before it is stopped",
        "limit memory to its request",
        _missing("limits", "memory"),
    ),
    Rule(
        "limit-below-request",
        Severity.ERROR,
        "the API server refuses the pod",
        "raise the limit",
        _limit_below_request,
    ),
)
