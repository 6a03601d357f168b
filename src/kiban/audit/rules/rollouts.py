"""Rollouts: whether a new version can come in, and whether anybody notices when it cannot."""

from collections.abc import Iterator
from typing import Any

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import View, Workload, read_selector, share_of
from kiban.kube.objects import SERVICE, Key, get_in

# apps/v1 DeploymentSpec.
_PROGRESS_SECONDS = 600
_MAX_HISTORY = 20
_API = "kind: Deployment\nmetadata: {name: api}\nspec:\n"


def _rolling(workload: Workload, name: str) -> int:
    """maxSurge or maxUnavailable of a Deployment in pods; one is rounded up, the other down."""
    value: Any = get_in(workload.manifest, "spec", "strategy", "rollingUpdate", name, default="25%")
    return share_of(value, max(1, workload.replicas), up=name == "maxSurge")


def _deployments(view: View) -> Iterator[Workload]:
    return (one for one in view.workloads if one.kind == "Deployment")


def _strategy(workload: Workload) -> str:
    return str(get_in(workload.manifest, "spec", "strategy", "type", default="RollingUpdate"))


@rule(
    Severity.WARNING,
    why="every deploy stops all old pods before the first new one starts",
    fix="use RollingUpdate",
    example=f"{_API}  strategy: {{type: Recreate, rollingUpdate: null}}",
    mend=Mend("RollingUpdate", risky=True),
)
def rolling_update_strategy(view: View) -> Iterator[Said]:
    for workload in _deployments(view):
        # One instance with a disk of its own has no other choice.
        if _strategy(workload) == "Recreate" and workload.replicas > 1:
            yield Said(workload.key, "spec.strategy.type", "every deploy is an outage")


@rule(
    Severity.ERROR,
    why="no pod may go and none may come: the API server refuses it",
    fix="let one of the two be above 0",
    example=f"{_API}  strategy: {{rollingUpdate: {{maxSurge: 0, maxUnavailable: 0}}}}",
    mend=Mend(1),
)
def rollout_stuck(view: View) -> Iterator[Said]:
    for workload in _deployments(view):
        surge, away = (_rolling(workload, name) for name in ("maxSurge", "maxUnavailable"))
        if _strategy(workload) == "RollingUpdate" and surge == 0 and away == 0:
            explicit = get_in(workload.manifest, "spec", "strategy", "rollingUpdate", default={})
            if "maxSurge" in explicit:
                yield Said(workload.key, "spec.strategy.rollingUpdate.maxSurge", "both are 0")


@rule(
    Severity.WARNING,
    why="at peak, every deploy takes away instances that are needed",
    fix="set maxUnavailable: 0, as maxSurge brings the new one first",
    example=f"{_API}  replicas: 4\n  strategy: {{rollingUpdate: {{maxUnavailable: 50%}}}}",
    mend=Mend(0),
)
def max_unavailable_zero_ok(view: View) -> Iterator[Said]:
    for workload in _deployments(view):
        away = _rolling(workload, "maxUnavailable")
        if _strategy(workload) == "RollingUpdate" and away and away * 3 > workload.replicas > 1:
            what = f"{away} of {workload.replicas} instances may be away during a deploy"
            yield Said(workload.key, "spec.strategy.rollingUpdate.maxUnavailable", what)


@rule(
    Severity.WARNING,
    why="new pods of a rollout wait for addresses that the subnets do not have",
    fix="lower maxSurge, or give the pods further subnets",
    example=f"{_API}  replicas: 400\n  strategy: {{rollingUpdate: {{maxSurge: 400}}}}",
)
def surge_fits_subnet_ips(view: View) -> Iterator[Said]:
    subnets = view.around.settings.subnets
    if not subnets:
        return
    free = sum(one.free for one in subnets.values())
    for workload in _deployments(view):
        surge = _rolling(workload, "maxSurge")
        if _strategy(workload) == "RollingUpdate" and surge > free:
            what = f"a rollout starts {surge} pods more, the subnets have {free} addresses"
            yield Said(workload.key, "spec.strategy.rollingUpdate.maxSurge", what)


@rule(
    Severity.ADVICE,
    why="a version that crashes after a second counts as good, and the rollout goes on",
    fix="set minReadySeconds: 10",
    example=f"{_API}  minReadySeconds: 0",
    mend=Mend(10),
    optional=True,
)
def min_ready_seconds(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        if not workload.spec.get("minReadySeconds"):
            yield Said(workload.key, "spec.minReadySeconds", "a pod counts as soon as it is ready")


@rule(
    Severity.WARNING,
    why="a slow start is called a failed rollout",
    fix="make progressDeadlineSeconds longer than the slowest start",
    example=f"{_API}  progressDeadlineSeconds: 30",
)
def progress_deadline(view: View) -> Iterator[Said]:
    for workload in _deployments(view):
        deadline = workload.spec.get("progressDeadlineSeconds", _PROGRESS_SECONDS)
        slowest = max((_startup(one.body) for one in workload.running), default=0)
        if slowest >= deadline:
            what = f"pods may take {slowest}s to start, the rollout fails after {deadline}s"
            yield Said(workload.key, "spec.progressDeadlineSeconds", what)


def _startup(container: Any) -> int:
    """How long its probes let it take to start."""
    probe = container.get("startupProbe")
    if not probe:
        return 0
    period, failures = probe.get("periodSeconds", 10), probe.get("failureThreshold", 3)
    return int(probe.get("initialDelaySeconds", 0) + period * failures)


@rule(
    Severity.ADVICE,
    why="0 leaves nothing to roll back to, and hundreds of empty ReplicaSets fill the API server",
    fix="set revisionHistoryLimit: 5",
    example=f"{_API}  revisionHistoryLimit: 0",
    mend=Mend(5),
)
def revision_history_limit(view: View) -> Iterator[Said]:
    for workload in _deployments(view):
        kept = workload.spec.get("revisionHistoryLimit", 10)
        if kept == 0 or kept > _MAX_HISTORY:
            yield Said(workload.key, "spec.revisionHistoryLimit", f"{kept} revisions are kept")


@rule(
    Severity.ERROR,
    why="the new pod waits for a disk that the old one holds, and the old one waits for the new",
    fix="use strategy Recreate, a StatefulSet, or a filesystem that several pods may mount",
    example=f"{_API}  template:\n    spec:\n      volumes: [{{name: data, "
    "persistentVolumeClaim: {claimName: disk}}]\n---\napiVersion: v1\n"
    "kind: PersistentVolumeClaim\nmetadata: {name: disk, namespace: shop}\n"
    "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
)
def recreate_with_rwo(view: View) -> Iterator[Said]:
    for workload in _deployments(view):
        if _strategy(workload) == "Recreate" and workload.most <= 1:
            continue
        for volume in workload.pod.get("volumes") or ():
            name = get_in(volume, "persistentVolumeClaim", "claimName")
            claim = view.find("", "PersistentVolumeClaim", workload.key.namespace, str(name))
            modes = get_in(claim or {}, "spec", "accessModes", default=[])
            if modes and not {"ReadWriteMany", "ReadOnlyMany"} & set(modes):
                what = f"{name} can be mounted on one node at a time"
                yield workload.said(f"volumes[{volume.get('name')}]", what)


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="select labels that the template has",
    example=f"{_API}  selector: {{matchLabels: {{app.kubernetes.io/name: apj}}}}",
)
def mismatching_selector(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        selector = workload.spec.get("selector")
        if selector and not read_selector(selector).matches(workload.labels):
            yield Said(workload.key, "spec.selector", "the selector does not choose its own pods")


@rule(
    Severity.ERROR,
    why="two controllers fight over the same pods, and traffic goes to the wrong program",
    fix="give each its own value of app.kubernetes.io/name",
    example="apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: twin, namespace: shop}\n"
    "spec:\n  replicas: 2\n  selector: {matchLabels: {app.kubernetes.io/name: api}}\n"
    "  template:\n    metadata: {labels: {app.kubernetes.io/name: api}}\n"
    "    spec: {containers: [{name: app, image: 'registry.example/twin:v1'}]}",
)
def selector_collision(view: View) -> Iterator[Said]:
    seen: dict[tuple[str, str], Key] = {}
    for workload in view.long_running():
        selector = read_selector(workload.spec.get("selector"))
        chosen = {
            one.key
            for one in view.chosen_by(workload.key.namespace, selector)
            if one.kind == workload.kind and one.key != workload.key
        }
        if chosen:
            other = min(chosen)
            what = f"the selector chooses the pods of {other.name}, too"
            yield Said(workload.key, "spec.selector", what)
    for key, service in view.kind(SERVICE.kind):
        chosen_labels = get_in(service, "spec", "selector", default={})
        ports = sorted(str(one.get("port")) for one in get_in(service, "spec", "ports", default=[]))
        if not chosen_labels:
            continue
        # One for the inside and one for the outside is how pods are reached from both.
        reach = get_in(service, "spec", "type", default="ClusterIP")
        headless = get_in(service, "spec", "clusterIP") == "None"
        same = (key.namespace, f"{sorted(chosen_labels.items())} {ports} {reach} {headless}")
        other = seen.setdefault(same, key)
        if other != key:
            what = f"the Service chooses the same pods and ports as {other.name}"
            yield Said(key, "spec.selector", what)


RULES = (
    rolling_update_strategy,
    rollout_stuck,
    max_unavailable_zero_ok,
    surge_fits_subnet_ips,
    min_ready_seconds,
    progress_deadline,
    revision_history_limit,
    recreate_with_rwo,
    mismatching_selector,
    selector_collision,
)
