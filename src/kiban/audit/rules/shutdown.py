"""Shutting down: whether the last requests of a pod are answered."""

import re
from collections.abc import Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import LONG_RUNNING, Container, View, Workload
from kiban.kube.objects import SERVICE, Key, annotations_of, get_in

# terminationGracePeriodSeconds when nobody says it (core/v1 PodSpec).
DEFAULT_GRACE_SECONDS = 30
_ATTRIBUTES = "alb.ingress.kubernetes.io/target-group-attributes"
_DELAY = re.compile(r"deregistration_delay\.timeout_seconds=(\d+)")
_SLEEP = re.compile(r"\bsleep\s+(\d+)")


def grace_of(workload: Workload) -> int:
    return int(workload.pod.get("terminationGracePeriodSeconds", DEFAULT_GRACE_SECONDS))


def pre_stop_seconds(container: Container) -> int | None:
    """How long the hook sleeps, where it says so; None without a hook."""
    hook = get_in(container.body, "lifecycle", "preStop")
    if hook is None:
        return None
    seconds = get_in(hook, "sleep", "seconds")
    if seconds is not None:
        return int(seconds)
    found = _SLEEP.search(" ".join(get_in(hook, "exec", "command", default=[])))
    return int(found.group(1)) if found else 0


def _pre_stop(view: View) -> Iterator[Said]:
    served = {one.key for _, ingress in view.kind("Ingress") for one in _reached(view, ingress)}
    for workload in view.workloads:
        if workload.key in served and workload.kind in LONG_RUNNING:
            hooks = [pre_stop_seconds(container) for container in workload.running]
            if all(hook is None for hook in hooks):
                what = "its pods stop while load balancers still send to them"
                yield Said(workload.key, "lifecycle.preStop", what)


def _reached(view: View, ingress: dict[str, object]) -> Iterator[Workload]:
    """The workloads behind the Services of an Ingress."""
    namespace = get_in(ingress, "metadata", "namespace", default="")
    for rule in get_in(ingress, "spec", "rules", default=[]):
        for path in get_in(rule, "http", "paths", default=[]):
            name = get_in(path, "backend", "service", "name", default="")
            service = view.by_key.get(Key(SERVICE.group, SERVICE.kind, namespace, name))
            if service is not None:
                yield from view.behind(service)


def _grace(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        grace = grace_of(workload)
        for container in workload.running:
            sleep = pre_stop_seconds(container)
            if sleep and grace <= sleep:
                what = f"preStop sleeps {sleep}s of a grace period of {grace}s"
                yield Said(workload.key, "terminationGracePeriodSeconds", what)


def _delay(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        found = _DELAY.search(annotations_of(ingress).get(_ATTRIBUTES, ""))
        if found is None:
            continue
        delay = int(found.group(1))
        for workload in _reached(view, ingress):
            if delay > grace_of(workload):
                grace = grace_of(workload)
                what = (
                    f"targets are drained for {delay}s, pods of {workload.key.name} live {grace}s"
                )
                yield Said(key, f'annotations["{_ATTRIBUTES}"]', what)


RULES = (
    Rule(
        "prestop-missing",
        Severity.WARNING,
        "every deploy answers some requests with 502",
        "say `drain: 15s`",
        _pre_stop,
    ),
    Rule(
        "grace-covers-prestop",
        Severity.ERROR,
        "the program is killed before it was even told to stop",
        "make terminationGracePeriodSeconds longer than preStop and the longest request",
        _grace,
    ),
    Rule(
        "deregistration-beyond-grace",
        Severity.WARNING,
        "the load balancer lets requests go on to a pod that is gone",
        "say `drain`, from which both follow",
        _delay,
    ),
)
