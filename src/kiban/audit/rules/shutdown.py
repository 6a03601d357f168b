"""Shutting down: whether the last requests of a pod are answered."""

import re
from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import LONG_RUNNING, Container, View, Workload
from kiban.kube.objects import Key, annotations_of, get_in, labels_of

# terminationGracePeriodSeconds when nobody says it (core/v1 PodSpec).
DEFAULT_GRACE_SECONDS = 30
GATE = "elbv2.k8s.aws/pod-readiness-gate-inject"
# lifecycle.preStop.sleep: on by default from 1.30.
_SLEEP_VERSION = (1, 30)
_TARGET_TYPE = "alb.ingress.kubernetes.io/target-type"
_ATTRIBUTES = "alb.ingress.kubernetes.io/target-group-attributes"
_DELAY = re.compile(r"deregistration_delay\.timeout_seconds=(\d+)")
_SLEEP = re.compile(r"\bsleep\s+(\d+)")
_SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash", "sleep", "/bin/sleep")
_NO_SHELL = re.compile(r"distroless|chainguard|/scratch|\bpause\b")
_APP = "kind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n"


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
    found = _SLEEP.search(" ".join(_pre_stop_command(container)))
    return int(found.group(1)) if found else 0


def _pre_stop_command(container: Container) -> list[str]:
    words = get_in(container.body, "lifecycle", "preStop", "exec", "command", default=[])
    return [str(word) for word in words]


def _served(view: View) -> set[Key]:
    """The workloads that load balancers send to."""
    found = {one.key for _, ingress in view.kind("Ingress") for one in view.reached(ingress)}
    for _, service in view.kind("Service"):
        if get_in(service, "spec", "type") == "LoadBalancer":
            found |= {one.key for one in view.behind(service)}
    for _, route in view.kind("HTTPRoute"):
        namespace = route["metadata"].get("namespace", "")
        for each in get_in(route, "spec", "rules", default=[]):
            for backend in each.get("backendRefs") or ():
                known = view.find("", "Service", namespace, backend.get("name", ""))
                found |= {one.key for one in view.behind(known)} if known else set()
    return found


@rule(
    Severity.WARNING,
    why="every deploy answers some requests with 502",
    fix="add a preStop that sleeps while load balancers learn of it (`drain: 15s` of a service)",
    example=f"{_APP}      containers: [{{name: app, lifecycle: null}}]",
)
def prestop_missing(view: View) -> Iterator[Said]:
    served = _served(view)
    for workload in view.workloads:
        if workload.key in served and workload.kind in LONG_RUNNING:
            hooks = [pre_stop_seconds(container) for container in workload.running]
            if all(hook is None for hook in hooks):
                what = "its pods stop while load balancers still send to them"
                first = next(iter(workload.running), None)
                path = f"{first.path}.lifecycle.preStop" if first else ""
                yield Said(workload.key, path, what)


@rule(
    Severity.ERROR,
    why="the program is killed before it was even told to stop",
    fix="make terminationGracePeriodSeconds longer than preStop and the longest request",
    example=f"{_APP}      terminationGracePeriodSeconds: 15",
)
def grace_covers_drain(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        grace = grace_of(workload)
        for container in workload.running:
            sleep = pre_stop_seconds(container)
            if sleep and grace <= sleep:
                what = f"preStop sleeps {sleep}s of a grace period of {grace}s"
                yield workload.said("terminationGracePeriodSeconds", what)


@rule(
    Severity.WARNING,
    why="the load balancer lets requests go on to a pod that is gone",
    fix="make the delay shorter than the grace (`drain` of a service gives both)",
    example="kind: Ingress\nmetadata:\n  name: web\n  annotations:\n"
    f"    {_ATTRIBUTES}: deregistration_delay.timeout_seconds=300",
)
def deregistration_beyond_grace(view: View) -> Iterator[Said]:
    for key, ingress in view.kind("Ingress"):
        found = _DELAY.search(annotations_of(ingress).get(_ATTRIBUTES, ""))
        if found is None:
            continue
        delay = int(found.group(1))
        for workload in {one.key: one for one in view.reached(ingress)}.values():
            grace = grace_of(workload)
            if delay > grace:
                name = workload.key.name
                what = f"targets are drained for {delay}s, pods of {name} live {grace}s"
                yield Said(key, f'metadata.annotations["{_ATTRIBUTES}"]', what)


@rule(
    Severity.WARNING,
    why="a rollout goes on when new pods are ready for Kubernetes, long before the load balancer "
    "sends to them; seconds of errors at every deploy",
    fix=f"label the namespace {GATE}: enabled",
    example=f"kind: Namespace\nmetadata: {{name: shop, labels: {{{GATE}: null}}}}",
    mend=Mend("enabled"),
)
def readiness_gate(view: View) -> Iterator[Said]:
    seen = set()
    for key, ingress in view.kind("Ingress"):
        by_address = annotations_of(ingress).get(_TARGET_TYPE) == "ip"
        if not by_address or key.namespace in seen:
            continue
        seen.add(key.namespace)
        namespace = view.find("", "Namespace", "", key.namespace)
        gated = any(one.pod.get("readinessGates") for one in view.reached(ingress))
        path = f'metadata.labels["{GATE}"]'
        if gated or (namespace and labels_of(namespace).get(GATE) == "enabled"):
            continue
        if namespace is None:
            what = "whether its namespace asks for readiness gates is not among the manifests"
            yield Said(key, "metadata.namespace", what, Verdict.UNKNOWN)
        else:
            what = "new pods count as ready before the load balancer sends to them"
            yield Said(Key("", "Namespace", "", key.namespace), path, what)


@rule(
    Severity.ERROR,
    why="an older API server drops the hook without a word, and pods stop at once",
    fix="use exec with sleep, or a newer Kubernetes",
    example="kind: Deployment\nmetadata: {name: web}\n"
    "# checked with --kubernetes-version 1.28\nspec: {template: {spec: {containers: "
    "[{name: app, lifecycle: {preStop: {sleep: {seconds: 15}}}}]}}}",
)
def sleep_action_version(view: View) -> Iterator[Said]:
    version = view.around.version
    if version is None or version >= _SLEEP_VERSION:
        return
    for workload, container in view.each():
        if get_in(container.body, "lifecycle", "preStop", "sleep") is not None:
            what = f"preStop.sleep needs 1.30, this is for {version[0]}.{version[1]}"
            yield Said(workload.key, f"{container.path}.lifecycle.preStop.sleep", what)


@rule(
    Severity.ERROR,
    why="the hook fails at once, and pods stop while requests still come",
    fix="use preStop.sleep, which needs no program in the image",
    example=f"{_APP}      containers:\n      - name: app\n        image: "
    "gcr.io/distroless/static@sha256:00\n"
    "        lifecycle: {preStop: {sleep: null, exec: {command: [sh, -c, sleep 15]}}}",
)
def shell_less_image_with_exec_prestop(view: View) -> Iterator[Said]:
    for workload, container in view.serving():
        words = _pre_stop_command(container)
        if words and words[0] in _SHELLS and _NO_SHELL.search(container.image):
            what = f"the image of {container.name} has no {words[0]}"
            yield Said(workload.key, f"{container.path}.lifecycle.preStop.exec", what)


RULES = (
    prestop_missing,
    grace_covers_drain,
    deregistration_beyond_grace,
    readiness_gate,
    sleep_action_version,
    shell_less_image_with_exec_prestop,
)
