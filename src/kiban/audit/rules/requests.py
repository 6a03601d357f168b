"""Requests and limits: what the scheduler and the kernel are told."""

from collections.abc import Callable, Iterable, Iterator

from kiban.audit.findings import Said, Severity, Verdict, rule
from kiban.audit.view import View, Workload
from kiban.kube.objects import get_in
from kiban.primitives.quantities import parse_quantity

_API = "kind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n"
_APP = f"{_API}      containers:\n      - name: app\n"
# What a node has for daemons before they cost more than the pods they are for.
_DAEMON_CPU, _DAEMON_MEMORY = 0.5, 1 << 30
_TOO_MUCH, _TOO_LITTLE = 4.0, 1.0


def _given_by_namespaces(view: View, part: str, resource: str) -> set[str]:
    """The namespaces whose LimitRange gives the amount to containers that say none. A default
    limit is a default request, too."""
    fields = ("default", "defaultRequest") if part == "requests" else ("default",)
    found = set()
    for key, limits in view.kind("LimitRange"):
        for one in get_in(limits, "spec", "limits", default=[]):
            of_containers = one.get("type") == "Container"
            if of_containers and any(get_in(one, name, resource) for name in fields):
                found.add(key.namespace)
    return found


def _missing(part: str, resource: str) -> Callable[[View], Iterable[Said]]:
    def look(view: View) -> Iterator[Said]:
        given = _given_by_namespaces(view, part, resource)
        for workload, container in view.each():
            by_namespace = workload.key.namespace in given
            if container.amount(part, resource) is None and not by_namespace:
                what = f"the container {container.name} has no {resource} {part[:-1]}"
                yield Said(workload.key, f"{container.path}.resources.{part}.{resource}", what)

    return look


@rule(
    Severity.ERROR,
    why="the scheduler packs such pods without end, and an autoscaler has nothing to divide by",
    fix="set resources.requests.cpu (`resources.cpu` of a service)",
    example=f"{_APP}        resources: {{requests: {{cpu: null}}}}",
)
def cpu_request(view: View) -> Iterable[Said]:
    return _missing("requests", "cpu")(view)


@rule(
    Severity.ERROR,
    why="such pods are the first to be killed when a node runs out of memory",
    fix="set resources.requests.memory (`resources.memory` of a service)",
    example=f"{_APP}        resources: {{requests: {{memory: null}}, limits: {{memory: null}}}}",
)
def memory_request(view: View) -> Iterable[Said]:
    return _missing("requests", "memory")(view)


@rule(
    Severity.WARNING,
    why="a leak takes its neighbours down before it is stopped",
    fix="limit memory to its request",
    example=f"{_APP}        resources: {{limits: {{memory: null}}}}",
)
def memory_limit(view: View) -> Iterable[Said]:
    return _missing("limits", "memory")(view)


@rule(
    Severity.WARNING,
    why="a limit throttles a service that could use idle CPU; without one, a neighbour may be "
    "slowed down: teams decide, and then all should do the same",
    fix="follow `cpuLimits` of checks.yaml",
    example=f"# checked with cpuLimits: forbid in checks.yaml\n{_APP}"
    "        resources: {limits: {cpu: 1}}",
)
def cpu_limit(view: View) -> Iterator[Said]:
    wanted = view.around.settings.cpu_limits
    for workload, container in view.each() if wanted != "allow" else ():
        has = container.amount("limits", "cpu") is not None
        if has != (wanted == "require"):
            what = f"the container {container.name} {'has a' if has else 'has no'} CPU limit"
            yield Said(workload.key, f"{container.path}.resources.limits.cpu", what)


@rule(
    Severity.ADVICE,
    why="memory above the request is promised twice: the pod is killed when others want theirs",
    fix="make the two equal (`resources.memory` of a service is both)",
    example=f"{_APP}        resources: {{limits: {{memory: 2Gi}}}}",
    optional=True,
)
def memory_request_equals_limit(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        request, limit = (container.number(part, "memory") for part in ("requests", "limits"))
        if request is not None and limit is not None and request != limit:
            what = f"the memory limit of {container.name} is not its request"
            yield Said(workload.key, f"{container.path}.resources.limits.memory", what)


@rule(
    Severity.ADVICE,
    why="one pod that writes a lot fills the node's disk, and all pods on it are evicted",
    fix="set a sizeLimit (`resources.disk` and the `size` of volumes of a service)",
    example=f"{_API}      volumes: [{{name: scratch, emptyDir: {{}}}}]",
    optional=True,
)
def ephemeral_storage(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        for volume in workload.pod.get("volumes") or ():
            empty = volume.get("emptyDir")
            if empty is not None and not empty.get("sizeLimit"):
                what = f"{volume.get('name')} may fill the disk of its node"
                yield workload.said(f"volumes[{volume.get('name')}].emptyDir.sizeLimit", what)


@rule(
    Severity.WARNING,
    why="the scheduler counts a small part of what the pods may take, and nodes run out",
    fix="raise the request or lower the limit",
    example=f"{_APP}        resources: {{limits: {{memory: 64Gi}}}}",
)
def limit_ratio(view: View) -> Iterator[Said]:
    most = view.around.settings.limit_ratio
    for workload, container in view.each():
        request, limit = (container.number(part, "memory") for part in ("requests", "limits"))
        if request and limit and limit > most * request:
            what = (
                f"the memory limit of {container.name} is {limit / request:.0f} times its request"
            )
            yield Said(workload.key, f"{container.path}.resources.limits.memory", what)


@rule(
    Severity.ERROR,
    why="the API server refuses the pod",
    fix="raise the limit",
    example=f"{_APP}        resources: {{limits: {{memory: 1Mi}}}}",
)
def limit_below_request(view: View) -> Iterator[Said]:
    for workload, container in view.each():
        requests = get_in(container.body, "resources", "requests", default={})
        limits = get_in(container.body, "resources", "limits", default={})
        for name in sorted(requests.keys() & limits.keys()):
            if parse_quantity(limits[name]) < parse_quantity(requests[name]):
                what = f"the {name} limit of {container.name} is below its request"
                yield Said(workload.key, f"{container.path}.resources.limits.{name}", what)


@rule(
    Severity.ADVICE,
    why="too much costs nodes, too little costs restarts",
    fix="bring `resources` near to what was measured",
    example=f"# checked with --usage, where api uses 50m at most\n{_APP}"
    "        resources: {requests: {cpu: 2}}",
)
def requests_vs_usage(view: View) -> Iterator[Said]:
    for workload, container in view.serving() if view.around.usage else ():
        name = f"{workload.key.namespace}/{workload.key.name}/{container.name}"
        for resource, used in sorted(view.around.usage.get(name, {}).items()):
            request, peak = container.number("requests", resource), float(parse_quantity(used))
            if not request or not peak:
                continue
            if request > _TOO_MUCH * peak or request < _TOO_LITTLE * peak:
                asked = container.amount("requests", resource)
                what = f"{container.name} asks for {asked} of {resource} and uses {used} at most"
                path = f"{container.path}.resources.requests.{resource}"
                yield Said(workload.key, path, what)


@rule(
    Severity.ADVICE,
    why="it is paid for on every node",
    fix="ask for less",
    example="apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: agent, namespace: shop}\n"
    "spec:\n  selector: {matchLabels: {app: agent}}\n  template:\n"
    "    metadata: {labels: {app: agent}}\n    spec: {containers: [{name: agent, image: "
    "'registry.example/agent:v1', resources: {requests: {cpu: 2, memory: 4Gi}}}]}",
)
def daemonset_overhead(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.kind != "DaemonSet":
            continue
        cpu, memory = (_requested(workload, name) for name in ("cpu", "memory"))
        if cpu > _DAEMON_CPU or memory > _DAEMON_MEMORY:
            what = f"every node gives it {cpu:g} CPU and {memory / (1 << 20):.0f}Mi of memory"
            yield workload.said("containers", what)


def _requested(workload: Workload, resource: str) -> float:
    return sum(one.number("requests", resource) or 0.0 for one in workload.running)


@rule(
    Severity.WARNING,
    why="what the sidecar takes is taken from the program that the pod is for",
    fix="give the sidecar requests of its own",
    example=f"{_API}      containers:\n      - name: proxy\n        image: 'envoy:v1.39'",
)
def sidecar_requests(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        containers = list(workload.running)
        asked = [bool(get_in(one.body, "resources", "requests")) for one in containers]
        for container, asks in zip(containers, asked, strict=True):
            pod = get_in(workload.pod, "resources", "requests")
            if len(containers) > 1 and any(asked) and not asks and not pod:
                what = f"{container.name} requests nothing beside those that do"
                yield Said(workload.key, f"{container.path}.resources", what)


@rule(
    Severity.ADVICE,
    why="the pod is placed as if it needed that much for as long as it lives",
    fix="ask for no more than the program itself does",
    example=f"{_API}      initContainers: [{{name: migrate, image: 'registry.example/api:v1', "
    "resources: {requests: {cpu: 4, memory: 8Gi}, limits: {memory: 8Gi}}}]",
)
def init_max(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        for resource in ("cpu", "memory"):
            own = _requested(workload, resource)
            for container in workload.containers:
                asked = container.number("requests", resource)
                if container.initial and own and asked and asked > own:
                    what = f"{container.name} asks for more {resource} than the program"
                    path = f"{container.path}.resources.requests.{resource}"
                    yield Said(workload.key, path, what)


@rule(
    Severity.ERROR,
    why="the pods stay pending for ever",
    fix="ask for less, or add larger nodes",
    example=f"# checked with nodeCpu: 16 in checks.yaml\n{_APP}"
    "        resources: {requests: {cpu: 64}}",
)
def request_bigger_than_any_node(view: View) -> Iterator[Said]:
    settings = view.around.settings
    for resource, size in (("cpu", settings.node_cpu), ("memory", settings.node_memory)):
        if size is None:
            continue
        for workload in view.workloads:
            asked = _requested(workload, resource)
            if asked > float(parse_quantity(size)):
                what = f"its pods ask for more {resource} than the {size} of the largest node"
                yield workload.said("containers", what)


@rule(
    Severity.ADVICE,
    why="when nodes are full, nobody knows which pods may wait",
    fix="name a PriorityClass",
    example=f"{_API}      priorityClassName: null",
    optional=True,
)
def priority_class(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        name = workload.pod.get("priorityClassName")
        if not name:
            yield workload.said("priorityClassName", "its pods have no priority")
        elif not str(name).startswith("system-") and not view.find(
            "scheduling.k8s.io", "PriorityClass", "", name
        ):
            what = f"the PriorityClass {name} is not among the manifests"
            yield workload.said("priorityClassName", what, Verdict.UNKNOWN)


@rule(
    Severity.ADVICE,
    why="one team's mistake can fill the cluster",
    fix="add a ResourceQuota to the namespace",
    example="kind: Namespace\nmetadata: {name: shop}",
    optional=True,
)
def ns_quota(view: View) -> Iterator[Said]:
    limited = {key.namespace for kind in ("ResourceQuota",) for key, _ in view.kind(kind)}
    for key, _ in view.kind("Namespace"):
        if key.name not in limited and not key.name.startswith("kube-"):
            yield Said(key, "metadata.name", f"nothing limits what {key.name} takes")


@rule(
    Severity.ADVICE,
    why="a container without requests gets none instead of what is usual",
    fix="add a LimitRange with defaults to the namespace",
    example="kind: Namespace\nmetadata: {name: shop}",
    optional=True,
)
def limit_range(view: View) -> Iterator[Said]:
    limited = {key.namespace for key, _ in view.kind("LimitRange")}
    for key, _ in view.kind("Namespace"):
        if key.name not in limited and not key.name.startswith("kube-"):
            yield Said(key, "metadata.name", f"{key.name} has no defaults for requests")


RULES = (
    cpu_request,
    memory_request,
    memory_limit,
    cpu_limit,
    memory_request_equals_limit,
    ephemeral_storage,
    limit_ratio,
    limit_below_request,
    requests_vs_usage,
    daemonset_overhead,
    sidecar_requests,
    init_max,
    request_bigger_than_any_node,
    priority_class,
    ns_quota,
    limit_range,
)
