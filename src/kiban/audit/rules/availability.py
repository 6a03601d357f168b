"""Availability: how many instances there are, and the budgets that protect them without blocking
those who must drain a node."""

from collections.abc import Iterator

from kiban.audit.findings import Mend, Said, Severity, rule
from kiban.audit.view import REPLICATED, View, share_of
from kiban.kube.objects import Key, get_in


@rule(
    Severity.ADVICE,
    why="every node drain and every crash is an outage",
    fix="set replicas to 2 or more (`scale: 2` of a service)",
    example="kind: Deployment\nmetadata: {name: api}\nspec: {replicas: 1}",
    mend=Mend(2, field="scale.min", field_value=2),
)
def replicas_min(view: View) -> Iterator[Said]:
    wanted = view.around.settings.replicas
    for workload in view.workloads:
        recreated = get_in(workload.manifest, "spec", "strategy", "type") == "Recreate"
        if workload.kind not in ("Deployment", "Rollout") or recreated or workload.autoscaler:
            continue
        if 0 < workload.replicas < wanted:
            count = workload.replicas
            what = "there is only one instance" if count == 1 else f"there are only {count}"
            yield Said(workload.key, "spec.replicas", what)


@rule(
    Severity.WARNING,
    why="a node upgrade may stop all instances at once",
    fix="add a PodDisruptionBudget with maxUnavailable: 1",
    example="kind: PodDisruptionBudget\nmetadata: {name: web}\n"
    "spec: {selector: {matchLabels: {app.kubernetes.io/name: other}}}",
)
def pdb_missing(view: View) -> Iterator[Said]:
    covered = {one.key for _, _, workloads in view.budgets() for one in workloads}
    for workload in view.workloads:
        if workload.kind in REPLICATED and workload.replicas > 1 and workload.key not in covered:
            yield Said(workload.key, "spec", "no disruption budget covers its pods")


@rule(
    Severity.ERROR,
    why="no node under these pods can be drained: upgrades stop after 15 minutes and fail",
    fix="use maxUnavailable: 1",
    example="kind: PodDisruptionBudget\nmetadata: {name: api}\nspec: {maxUnavailable: 0}",
    mend=Mend(1),
)
def pdb_blocks_drain(view: View) -> Iterator[Said]:
    for key, budget, workloads in view.budgets():
        most, least = (
            get_in(budget, "spec", f"{one}") for one in ("maxUnavailable", "minAvailable")
        )
        pods = sum(workload.most for workload in workloads)
        if most is not None and share_of(most, pods or 1) == 0:
            yield Said(key, "spec.maxUnavailable", "the budget never lets a pod go")
        elif least is not None and pods and share_of(least, pods) >= pods:
            what = f"the budget wants {share_of(least, pods)} of {pods} pods, so none may go"
            # All but one, as it was written for a number of pods, may be a quorum.
            fewer = max(0, sum(workload.replicas for workload in workloads) - 1)
            yield Said(key, "spec.minAvailable", what, value=fewer)


@rule(
    Severity.ERROR,
    why="at night, when the autoscaler has taken instances away, no node can be drained",
    fix="use maxUnavailable: 1, which is right for any number",
    example="kind: PodDisruptionBudget\nmetadata: {name: web}\n"
    "spec: {maxUnavailable: null, minAvailable: 3}",
)
def pdb_vs_hpa_min(view: View) -> Iterator[Said]:
    for key, budget, workloads in view.budgets():
        least = get_in(budget, "spec", "minAvailable")
        pods = sum(one.replicas for one in workloads)
        most = sum(one.most for one in workloads)
        if least is None or not any(one.autoscaler for one in workloads):
            continue
        if pods and share_of(least, pods) >= pods and share_of(least, most) < most:
            what = f"with the autoscaler's minimum of {pods}, the budget wants all of them"
            yield Said(key, "spec.minAvailable", what)


@rule(
    Severity.ERROR,
    why="a pod under two budgets can never be evicted",
    fix="delete one of the budgets",
    example="kind: PodDisruptionBudget\nmetadata: {name: second}\n"
    "apiVersion: policy/v1\nspec:\n  maxUnavailable: 1\n"
    "  selector: {matchLabels: {app.kubernetes.io/name: web}}",
)
def pdb_overlap(view: View) -> Iterator[Said]:
    first: dict[Key, Key] = {}
    for key, _, workloads in view.budgets():
        for workload in workloads:
            other = first.setdefault(workload.key, key)
            if other != key:
                what = f"the pods of {workload.key.name} are covered by {other.name}, too"
                yield Said(key, "spec.selector", what)


@rule(
    Severity.WARNING,
    why="what it was written for is not protected",
    fix="correct its selector, or delete it",
    example="kind: PodDisruptionBudget\nmetadata: {name: api}\n"
    "spec: {selector: {matchLabels: {app.kubernetes.io/name: apj}}}",
)
def pdb_dangling(view: View) -> Iterator[Said]:
    for key, _, workloads in view.budgets():
        if not workloads:
            yield Said(key, "spec.selector", "the budget covers no pods")


@rule(
    Severity.WARNING,
    why="it covers every pod of the namespace, those of others and of jobs too",
    fix="select the labels of one workload",
    example="kind: PodDisruptionBudget\nmetadata: {name: api}\nspec: {selector: {$patch: replace}}",
)
def pdb_selector_empty(view: View) -> Iterator[Said]:
    for key, budget in view.kind("PodDisruptionBudget"):
        selector = get_in(budget, "spec", "selector")
        if selector is not None and not any(selector.values()):
            yield Said(key, "spec.selector", "the selector chooses every pod of the namespace")


@rule(
    Severity.WARNING,
    why="a pod that never becomes ready blocks the drain that would heal it",
    fix="set unhealthyPodEvictionPolicy: AlwaysAllow",
    example="kind: PodDisruptionBudget\nmetadata: {name: api}\n"
    "spec: {unhealthyPodEvictionPolicy: null}",
    mend=Mend("AlwaysAllow"),
)
def pdb_unhealthy_eviction_policy(view: View) -> Iterator[Said]:
    for key, budget in view.kind("PodDisruptionBudget"):
        if get_in(budget, "spec", "unhealthyPodEvictionPolicy") != "AlwaysAllow":
            what = "pods that are not ready may not be evicted"
            yield Said(key, "spec.unhealthyPodEvictionPolicy", what)


@rule(
    Severity.WARNING,
    why="nobody starts it again when its node goes",
    fix="make it a Deployment, or a Job if it ends",
    example="apiVersion: v1\nkind: Pod\nmetadata: {name: lonely, namespace: shop}\n"
    "spec: {containers: [{name: app, image: 'registry.example/lonely:v1'}]}",
)
def naked_pod(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        metadata = workload.manifest["metadata"]
        static = "kubernetes.io/config.mirror" in (metadata.get("annotations") or {})
        if workload.kind == "Pod" and not metadata.get("ownerReferences") and not static:
            yield Said(workload.key, "", "no controller owns the pod")


@rule(
    Severity.ERROR,
    why="the API server refuses it",
    fix="leave restartPolicy out",
    example="kind: Deployment\nmetadata: {name: api}\n"
    "spec: {template: {spec: {restartPolicy: Never}}}",
    mend=Mend(remove=True),
)
def restart_policy(view: View) -> Iterator[Said]:
    for workload in view.long_running():
        policy = workload.pod.get("restartPolicy", "Always")
        if policy != "Always":
            yield workload.said("restartPolicy", f"pods of a {workload.kind} restart always")


@rule(
    Severity.WARNING,
    why="its pods have no stable names, and clients that look for them find nobody",
    fix="add a Service with clusterIP: None of that name",
    example="kind: StatefulSet\nmetadata: {name: db}\nspec: {serviceName: dbs}",
)
def statefulset_service_name(view: View) -> Iterator[Said]:
    for key, stateful in view.kind("StatefulSet"):
        name = get_in(stateful, "spec", "serviceName", default="")
        service = view.find("", "Service", key.namespace, name)
        if service is None:
            what = f"there is no Service {name}" if name else "it names no Service"
            yield Said(key, "spec.serviceName", what)
        elif get_in(service, "spec", "clusterIP") != "None":
            yield Said(key, "spec.serviceName", f"the Service {name} is not headless")


@rule(
    Severity.ERROR,
    why="Kubernetes starts the next pod of that name before the old one has let go of its data",
    fix="leave terminationGracePeriodSeconds out, or give it time",
    example="kind: StatefulSet\nmetadata: {name: db}\n"
    "spec: {template: {spec: {terminationGracePeriodSeconds: 0}}}",
    mend=Mend(30),
)
def sts_grace_zero(view: View) -> Iterator[Said]:
    for workload in view.workloads:
        grace = workload.pod.get("terminationGracePeriodSeconds")
        if workload.kind == "StatefulSet" and grace == 0:
            yield workload.said("terminationGracePeriodSeconds", "its pods are killed at once")


RULES = (
    replicas_min,
    pdb_missing,
    pdb_blocks_drain,
    pdb_vs_hpa_min,
    pdb_overlap,
    pdb_dangling,
    pdb_selector_empty,
    pdb_unhealthy_eviction_policy,
    naked_pod,
    restart_policy,
    statefulset_service_name,
    sts_grace_zero,
)
