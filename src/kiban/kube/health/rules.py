"""Which rule judges which kind, and the rules that hold for every kind."""

from collections.abc import Callable, Sequence

from kiban.kube.health import services, workloads
from kiban.kube.health.cron_jobs import cron_job_health
from kiban.kube.health.verdicts import Health, degraded, healthy, progressing
from kiban.kube.objects import (
    GroupKind,
    Manifest,
    condition_of,
    group_of,
    is_deleting,
)
from kiban.primitives.instants import Instant

Rule = Callable[[Manifest, Sequence[Manifest]], Health]

_GATEWAY = "gateway.networking.k8s.io"
_RULES: dict[GroupKind, Rule] = {
    GroupKind("", "Namespace"): services.namespace_health,
    GroupKind("", "Node"): services.node_health,
    GroupKind("", "PersistentVolumeClaim"): services.claim_health,
    GroupKind("", "Pod"): workloads.controlled_pod_health,
    GroupKind("", "ReplicationController"): workloads.replica_set_health,
    GroupKind("", "Service"): services.service_health,
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): services.definition_health,
    GroupKind("apps", "DaemonSet"): workloads.daemon_set_health,
    GroupKind("apps", "Deployment"): workloads.deployment_health,
    GroupKind("apps", "ReplicaSet"): workloads.replica_set_health,
    GroupKind("apps", "StatefulSet"): workloads.stateful_set_health,
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): services.autoscaler_health,
    GroupKind("batch", "Job"): workloads.job_health,
    GroupKind("networking.k8s.io", "Ingress"): services.ingress_health,
    GroupKind("policy", "PodDisruptionBudget"): services.budget_health,
    GroupKind(_GATEWAY, "GRPCRoute"): services.route_health,
    GroupKind(_GATEWAY, "HTTPRoute"): services.route_health,
}
_CRON_JOB = GroupKind("batch", "CronJob")


def health(
    manifest: Manifest | None, related: Sequence[Manifest] = (), now: Instant | None = None
) -> Health:
    """The verdict on an object; None, an object that ought to be there, is `missing`.

    `related` may hold pods, replica sets, endpoint slices, storage classes and events; what does
    not belong to the object is passed over. `now` is needed to notice a missed schedule.
    """
    if manifest is None:
        return Health("Missing", "NotFound", "the object does not exist")
    if is_deleting(manifest):
        return progressing("Terminating", _holding(manifest))
    kind = GroupKind(group_of(manifest["apiVersion"]), manifest["kind"])
    early = _not_seen(manifest)
    if early is not None:
        return early
    if kind == _CRON_JOB:
        return cron_job_health(manifest, now)
    rule = _RULES.get(kind)
    return rule(manifest, related) if rule is not None else _by_conditions(manifest)


def _holding(manifest: Manifest) -> str:
    finalizers = manifest["metadata"].get("finalizers") or []
    return f"waiting for {', '.join(finalizers)}" if finalizers else "being deleted"


def _not_seen(manifest: Manifest) -> Health | None:
    """Whether the controller has not looked at the last change yet. Kinds that report what they
    have seen say so from the start, so that an absent report of a new workload counts as none."""
    generation = manifest["metadata"].get("generation")
    observed = (manifest.get("status") or {}).get("observedGeneration")
    reports = observed is not None or manifest["kind"] in _REPORTING
    if generation is not None and reports and (observed or 0) < generation:
        return progressing("NotObserved", "the controller has not seen the last change yet")
    return None


_REPORTING = ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "PodDisruptionBudget")


def _by_conditions(manifest: Manifest) -> Health:
    """The conventions of conditions, for kinds without a rule: Stalled, Reconciling, Ready."""
    stalled = condition_of(manifest, "Stalled")
    if stalled is not None and stalled.get("status") == "True":
        return degraded(stalled.get("reason", "Stalled"), stalled.get("message", ""))
    reconciling = condition_of(manifest, "Reconciling")
    if reconciling is not None and reconciling.get("status") == "True":
        text = reconciling.get("message", "")
        return progressing(reconciling.get("reason", "Reconciling"), text)
    for name in ("Ready", "Available"):
        condition = condition_of(manifest, name)
        if condition is None:
            continue
        if condition.get("status") == "True":
            return healthy()
        return progressing(condition.get("reason") or "NotReady", condition.get("message", ""))
    return healthy()
