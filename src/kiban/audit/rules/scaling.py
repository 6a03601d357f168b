"""Autoscalers: whether they can work, and whether something works against them."""

from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, Verdict, rule
from kiban.audit.view import View
from kiban.kube.objects import Key, Manifest, get_in, group_of

_HPA = "HorizontalPodAutoscaler"
_WEB = "kind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec: "


def _target(key: Key, hpa: Manifest) -> Key:
    target = get_in(hpa, "spec", "scaleTargetRef", default={})
    group = group_of(target.get("apiVersion", ""))
    return Key(group, target.get("kind", ""), key.namespace, target.get("name", ""))


@rule(
    Severity.WARNING,
    why="every deploy resets the number, at peak too",
    fix="leave `replicas` out",
    example="kind: Deployment\nmetadata: {name: web}\nspec: {replicas: 3}",
    mend=Mend(remove=True, risky=True),
)
def hpa_with_fixed_replicas(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        # A live object always has the number, and nobody wrote it.
        live = workload.manifest["metadata"].get("uid")
        if workload.autoscaler is not None and "replicas" in workload.spec and not live:
            what = "`replicas` is written although an autoscaler owns it"
            yield Said(workload.key, "spec.replicas", what)


@rule(
    Severity.ERROR,
    why="nothing is scaled",
    fix="name a Deployment that is there",
    example=f"{_WEB}{{scaleTargetRef: {{name: wbe}}}}",
)
def hpa_target_exists(view: View) -> Iterator[Said]:
    for key, hpa in view.kind(_HPA):
        target = _target(key, hpa)
        if target not in view.by_key:
            known = bool(view.by_namespace.get(key.namespace))
            verdict = Verdict.FAIL if known else Verdict.UNKNOWN
            what = f"there is no {target.kind} {target.name}"
            yield Said(key, "spec.scaleTargetRef", what, verdict)


@rule(
    Severity.ERROR,
    why="the two pull the number to and fro",
    fix="put all metrics into one",
    example="apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\n"
    "metadata: {name: twin, namespace: shop}\nspec: {minReplicas: 3, maxReplicas: 9, "
    "scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}",
)
def hpa_duplicate(view: View) -> Iterator[Said]:
    first: dict[Key, Key] = {}
    for kind in (_HPA, "ScaledObject"):
        for key, hpa in view.kind(kind):
            target = _target(key, hpa)._replace(group="")
            if kind == "ScaledObject":
                target = target._replace(kind=target.kind or "Deployment")
            other = first.setdefault(target, key)
            if other != key and not _is_made_by(hpa, other):
                yield Said(key, "spec.scaleTargetRef", f"{other.name} scales it, too")


def _is_made_by(hpa: Manifest, other: Key) -> bool:
    owners = hpa["metadata"].get("ownerReferences") or ()
    return any(one.get("name") == other.name for one in owners)


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="raise the maximum",
    example=f"{_WEB}{{maxReplicas: 1}}",
)
def hpa_range(view: View) -> Iterator[Said]:
    for key, hpa in view.kind(_HPA):
        least = get_in(hpa, "spec", "minReplicas", default=1)
        most = get_in(hpa, "spec", "maxReplicas", default=0)
        if most < least:
            yield Said(key, "spec.maxReplicas", f"the maximum {most} is below the minimum {least}")


@rule(
    Severity.WARNING,
    why="at night one crash or one drain is an outage",
    fix="set minReplicas to 2 or more (`scale: {min: 2}` of a service)",
    example=f"{_WEB}{{minReplicas: 1}}",
    mend=Mend(2, field="scale.min", field_value=2),
)
def hpa_min_replicas(view: View) -> Iterator[Said]:
    wanted = view.around.settings.replicas
    for key, hpa in view.kind(_HPA):
        least = get_in(hpa, "spec", "minReplicas", default=1)
        # One instance is a choice where there is no more than that to lose: the number of a
        # service that nobody protects with a budget.
        guarded = any(
            one.key == _target(key, hpa) for _, _, covered in view.budgets() for one in covered
        )
        if guarded and least < wanted:
            yield Said(key, "spec.minReplicas", f"it may go down to {least}")


@rule(
    Severity.ERROR,
    why="a share of nothing cannot be computed, so it never scales",
    fix="set requests for what it scales by (`resources` of a service)",
    example="kind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: "
    "[{name: app, resources: {requests: {cpu: null}}}]}}}",
)
def hpa_needs_requests(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        if workload.autoscaler is None:
            continue
        for metric in get_in(workload.autoscaler, "spec", "metrics", default=[]):
            name = get_in(metric, "resource", "name")
            is_share = get_in(metric, "resource", "target", "type") == "Utilization"
            for container in workload.running if name and is_share else ():
                if container.amount("requests", name) is None:
                    what = f"it scales by {name}, of which {container.name} requests none"
                    yield Said(workload.key, f"{container.path}.resources.requests.{name}", what)


@rule(
    Severity.ERROR,
    why="at peak the last pods stay pending",
    fix="lower the maximum, or raise the quota and the number of nodes",
    example=f"{_WEB}{{maxReplicas: 900}}\n---\napiVersion: v1\nkind: ResourceQuota\n"
    "metadata: {name: quota, namespace: shop}\nspec: {hard: {pods: '50'}}",
)
def hpa_max_fits_quota(view: View) -> Iterator[Said]:
    pods = {
        key.namespace: int(str(get_in(quota, "spec", "hard", "pods")))
        for key, quota in view.kind("ResourceQuota")
        if str(get_in(quota, "spec", "hard", "pods", default="")).isdigit()
    }
    for key, hpa in view.kind(_HPA):
        most, room = get_in(hpa, "spec", "maxReplicas", default=0), pods.get(key.namespace)
        if room is not None and most > room:
            yield Said(key, "spec.maxReplicas", f"up to {most} pods, the quota allows {room}")


RULES = (
    hpa_with_fixed_replicas,
    hpa_target_exists,
    hpa_duplicate,
    hpa_range,
    hpa_min_replicas,
    hpa_needs_requests,
    hpa_max_fits_quota,
)
