"""Probes: whether Kubernetes can tell that a pod serves, and does not kill one that only waits."""

from collections.abc import Iterator

from kiban.audit.findings import Rule, Said, Severity
from kiban.audit.view import LONG_RUNNING, Container, View, Workload
from kiban.kube.objects import get_in

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


def _serving(view: View) -> Iterator[tuple[Workload, Container]]:
    """Containers that run long and have a port. Jobs are asked for no probes."""
    for workload in view.workloads:
        if workload.kind in LONG_RUNNING:
            for container in workload.running:
                yield workload, container


def _readiness(view: View) -> Iterator[Said]:
    for workload, container in _serving(view):
        if container.body.get("ports") and not container.body.get("readinessProbe"):
            what = f"the container {container.name} has a port and no readiness probe"
            yield Said(workload.key, f"{container.path}.readinessProbe", what)


def _same_probe(view: View) -> Iterator[Said]:
    for workload, container in _serving(view):
        ready, live = (container.body.get(f"{one}Probe") for one in ("readiness", "liveness"))
        if ready and live and _handler(ready) == _handler(live):
            what = f"liveness and readiness of {container.name} ask the same question"
            yield Said(workload.key, f"{container.path}.livenessProbe", what)


def _handler(probe: dict[str, object]) -> dict[str, object]:
    return {key: probe[key] for key in ("httpGet", "tcpSocket", "exec", "grpc") if key in probe}


def _startup(view: View) -> Iterator[Said]:
    for workload, container in _serving(view):
        live = container.body.get("livenessProbe")
        if live and not container.body.get("startupProbe") and not live.get("initialDelaySeconds"):
            what = f"the liveness probe of {container.name} begins before the program has started"
            yield Said(workload.key, f"{container.path}.startupProbe", what)


def _port(view: View) -> Iterator[Said]:
    for workload, container in _serving(view):
        names = {one.get("name") for one in container.body.get("ports") or ()}
        for name in PROBES:
            for handler in ("httpGet", "tcpSocket"):
                port = get_in(container.body, name, handler, "port")
                if isinstance(port, str) and port not in names:
                    what = f"the {name} of {container.name} asks the port {port!r}, which it lacks"
                    yield Said(workload.key, f"{container.path}.{name}.{handler}.port", what)


RULES = (
    Rule(
        "readiness-missing",
        Severity.ERROR,
        "requests are sent to a pod as soon as its process runs, before it can answer",
        "say `health: /path`",
        _readiness,
    ),
    Rule(
        "liveness-equals-readiness",
        Severity.WARNING,
        "a service that is slow under load is restarted instead of being left alone",
        "drop `health.liveness`, or ask a path that looks at nothing but the process",
        _same_probe,
    ),
    Rule(
        "startup-missing",
        Severity.WARNING,
        "a slow start is taken for a dead process and restarted without end",
        "add a startupProbe (`health.startup`)",
        _startup,
    ),
    Rule(
        "probe-port-undeclared",
        Severity.ERROR,
        "the probe can never succeed",
        "name a port that the container declares",
        _port,
    ),
)
