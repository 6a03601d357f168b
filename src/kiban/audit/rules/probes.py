"""Probes: whether Kubernetes can tell that a pod serves, and does not kill one that only waits."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import View
from kiban.kube.objects import SERVICE, Key, get_in

PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
_HANDLERS = ("httpGet", "tcpSocket", "exec", "grpc")
# A path that says it looks at more than the process.
_DEPENDENCY = re.compile(r"(?i)ready|deep|full|depend|database|\bdb\b|redis|/health/all|actuator$")
_DEAR = re.compile(r"(?i)\b(?:curl|wget|psql|mysql|mongosh?|redis-cli|java|python3?|node|npm)\b")
# A program that asks over the network, and whom; its own pod is no dependency.
_ELSEWHERE = re.compile(
    r"(?:psql|mysql\w*|mongosh?|redis-cli)\b.*(?:\s-h\s*|--host[= ])(?!localhost|127\.|::1|\$)\w"
    r"|https?://(?!localhost|127\.|\[::1|\$)"
)
_FAST_SECONDS, _SLOW_SECONDS = 10, 60
# core/v1 Probe.
_PERIOD, _TIMEOUT, _FAILURES = 10, 1, 3
_APP = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n" \
       "      containers:\n      - name: app\n"  # fmt: skip


def _handler(probe: Mapping[str, Any]) -> dict[str, Any]:
    return {key: probe[key] for key in _HANDLERS if key in probe}


@rule(
    Severity.ERROR,
    why="requests are sent to a pod as soon as its process runs, before it can answer",
    fix="add a readinessProbe (`health: /path` of a service)",
    example=f"{_APP}        readinessProbe: null",
)
def readiness_missing(view: View) -> Iterator[Said]:
    targets = _targets(view)
    for workload in view.long_running():
        probed = any(one.body.get("readinessProbe") for one in workload.running)
        for container in workload.running:
            ports = container.body.get("ports") or ()
            if not ports or container.body.get("readinessProbe"):
                continue
            # Beside a container that is asked, such as a proxy's, only what Services send to.
            asked = {str(one.get(part)) for one in ports for part in ("name", "containerPort")}
            if not probed or asked & targets.get(workload.key, set()):
                what = f"the container {container.name} has a port and no readiness probe"
                yield Said(workload.key, f"{container.path}.readinessProbe", what)


def _targets(view: View) -> dict[Key, set[str]]:
    """The ports of each workload that Services send to, as they are named there."""
    found: dict[Key, set[str]] = {}
    for _, service in view.kind(SERVICE.kind):
        ports = get_in(service, "spec", "ports", default=[])
        names = {str(one.get("targetPort", one.get("port"))) for one in ports}
        for workload in view.behind(service):
            found.setdefault(workload.key, set()).update(names)
    return found


@rule(
    Severity.ADVICE,
    why="a process that hangs and does not end is never restarted",
    fix="add a livenessProbe of a path that asks no dependency (`health.liveness` of a service)",
    example=f"{_APP}        livenessProbe: null",
    optional=True,
)
def liveness_missing(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        if container.body.get("ports") and not container.body.get("livenessProbe"):
            what = f"the container {container.name} has no liveness probe"
            yield Said(workload.key, f"{container.path}.livenessProbe", what)


@rule(
    Severity.WARNING,
    why="a service that is slow under load is restarted instead of being left alone",
    fix="drop `health.liveness`, or ask a path that looks at nothing but the process",
    example=f"{_APP}        livenessProbe: {{httpGet: {{path: /healthz, port: 8080}}}}",
    mend=Mend(remove=True, field="health.liveness", risky=True),
)
def liveness_equals_readiness(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        ready, live = (container.body.get(f"{one}Probe") for one in ("readiness", "liveness"))
        if ready and live and _handler(ready) == _handler(live):
            what = f"liveness and readiness of {container.name} ask the same question"
            yield Said(workload.key, f"{container.path}.livenessProbe", what)


@rule(
    Severity.WARNING,
    why="when the dependency is away, every instance restarts, over and over, and helps nobody",
    fix="ask a path that looks at nothing but the process",
    example=f"{_APP}        livenessProbe: {{httpGet: {{path: /health/ready, port: 8080}}}}",
)
def liveness_hits_dependency(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        live = container.body.get("livenessProbe") or {}
        path = str(get_in(live, "httpGet", "path", default=""))
        command = " ".join(str(word) for word in get_in(live, "exec", "command", default=[]))
        asked = get_in(live, "httpGet", "host")
        if asked and asked not in ("localhost", "127.0.0.1"):
            what = f"the liveness probe of {container.name} asks {asked}"
        elif _DEPENDENCY.search(path):
            what = f"the liveness probe of {container.name} asks {path}, which looks at more"
        elif _ELSEWHERE.search(command):
            what = f"the liveness probe of {container.name} asks another program"
        else:
            continue
        yield Said(workload.key, f"{container.path}.livenessProbe", what)


@rule(
    Severity.WARNING,
    why="a slow start is taken for a dead process and restarted without end",
    fix="add a startupProbe (`health.startup`)",
    example=f"{_APP}        startupProbe: null\n"
    "        livenessProbe: {httpGet: {path: /alive, port: 8080}}",
)
def startup_missing_for_slow(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        live = container.body.get("livenessProbe")
        if not live or container.body.get("startupProbe") or live.get("initialDelaySeconds"):
            continue
        given = _given(live)
        if _FAST_SECONDS <= given < _SLOW_SECONDS:
            what = f"{container.name} is restarted when it takes longer than {given}s to start"
            yield Said(workload.key, f"{container.path}.startupProbe", what)


def _given(probe: Mapping[str, Any]) -> int:
    """Seconds after which a program is killed that has not answered yet."""
    period = int(probe.get("periodSeconds", _PERIOD))
    failures = int(probe.get("failureThreshold", _FAILURES))
    return int(probe.get("initialDelaySeconds", 0)) + period * failures


@rule(
    Severity.ERROR,
    why="the probe can never succeed",
    fix="name a port that the container declares",
    example=f"{_APP}        readinessProbe: {{httpGet: {{port: admin}}}}",
)
def probe_port_undeclared(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        ports = container.body.get("ports") or ()
        names = {one.get("name") for one in ports}
        for name in PROBES:
            for handler in ("httpGet", "tcpSocket", "grpc"):
                port = get_in(container.body, name, handler, "port")
                if isinstance(port, str) and not port.isdigit() and port not in names:
                    what = f"the {name} of {container.name} asks the port {port!r}, which it lacks"
                    yield Said(workload.key, f"{container.path}.{name}.{handler}.port", what)


@rule(
    Severity.ADVICE,
    why="a pod that hangs is found later than the period says",
    fix="make timeoutSeconds at most periodSeconds",
    example=f"{_APP}        readinessProbe: {{periodSeconds: 2, timeoutSeconds: 5}}",
)
def probe_timeout_gt_period(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        for name in ("readinessProbe", "livenessProbe"):
            probe = container.body.get(name) or {}
            timeout = int(probe.get("timeoutSeconds", _TIMEOUT))
            period = int(probe.get("periodSeconds", _PERIOD))
            # A second more is what whoever asks every second wants.
            if timeout > period + 1:
                what = f"the {name} of {container.name} waits {timeout}s and asks every {period}s"
                yield Said(workload.key, f"{container.path}.{name}.timeoutSeconds", what)


@rule(
    Severity.WARNING,
    why="a program that takes a little longer to start than it was measured never starts",
    fix="add a startupProbe with a generous failureThreshold (`health.startup: 60s`)",
    example=f"{_APP}        startupProbe: null\n"
    "        livenessProbe: {httpGet: {path: /alive, port: 8080}, initialDelaySeconds: 3,"
    " periodSeconds: 1, failureThreshold: 2}",
)
def probe_kills_before_start(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        live, startup = (container.body.get(name) for name in ("livenessProbe", "startupProbe"))
        probe, name = (startup, "startupProbe") if startup else (live, "livenessProbe")
        if not probe:
            continue
        given = _given(probe)
        if given < _FAST_SECONDS:
            what = f"{container.name} is killed when it takes longer than {given}s to start"
            yield Said(workload.key, f"{container.path}.{name}.failureThreshold", what)


@rule(
    Severity.ADVICE,
    why="a process is started in every pod every few seconds, and counts against its CPU",
    fix="use httpGet or grpc, which the kubelet asks itself",
    example=f"{_APP}        readinessProbe: {{httpGet: null, exec: {{command: "
    "[curl, -f, 'http://localhost:8080/healthz']}}",
)
def probe_exec_cost(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        for name in ("readinessProbe", "livenessProbe"):
            probe = container.body.get(name) or {}
            words = [str(word) for word in get_in(probe, "exec", "command", default=[])]
            often = int(probe.get("periodSeconds", _PERIOD)) <= _PERIOD
            if often and _DEAR.search(" ".join(words)):
                what = f"the {name} of {container.name} starts {words[0]} each time"
                yield Said(workload.key, f"{container.path}.{name}.exec", what)


RULES = (
    readiness_missing,
    liveness_missing,
    liveness_equals_readiness,
    liveness_hits_dependency,
    startup_missing_for_slow,
    probe_port_undeclared,
    probe_timeout_gt_period,
    probe_kills_before_start,
    probe_exec_cost,
)
