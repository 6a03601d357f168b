"""The health of what leads traffic to pods, of storage and of budgets."""

from collections.abc import Sequence
from typing import Any

from kiban.kube.health.verdicts import Health, degraded, healthy, progressing
from kiban.kube.objects import Manifest, condition_of, get_in

Related = Sequence[Manifest]
SERVICE_LABEL = "kubernetes.io/service-name"

# Ingress classes whose controllers publish no address: waiting for one would never end.
_SILENT_CLASSES = ("kiban",)


def service_health(manifest: Manifest, related: Related) -> Health:
    spec = manifest.get("spec") or {}
    if spec.get("type") == "LoadBalancer" and not _published(manifest):
        return progressing("NoAddress", "waiting for the load balancer's address")
    slices = [entry for entry in related if _belongs(entry, manifest)]
    if not slices or not spec.get("selector"):
        return healthy()
    ready = sum(1 for entry in slices for endpoint in _endpoints(entry) if _is_ready(endpoint))
    if not ready:
        return progressing("NoEndpoints", "no pod behind the service is ready")
    return healthy("", f"{ready} ready endpoints")


def _belongs(entry: Manifest, service: Manifest) -> bool:
    labels = entry["metadata"].get("labels") or {}
    same = entry["metadata"].get("namespace") == service["metadata"].get("namespace")
    is_slice = entry.get("kind") == "EndpointSlice" and same
    return is_slice and labels.get(SERVICE_LABEL) == service["metadata"]["name"]


def _endpoints(entry: Manifest) -> list[dict[str, Any]]:
    return entry.get("endpoints") or []


def _is_ready(endpoint: dict[str, Any]) -> bool:
    return get_in(endpoint, "conditions", "ready", default=True) is True


def _published(manifest: Manifest) -> bool:
    return bool(get_in(manifest, "status", "loadBalancer", "ingress"))


def ingress_health(manifest: Manifest, related: Related) -> Health:
    """Healthy with an address, or when its class never publishes one."""
    trouble = _warning(manifest, related)
    if trouble:
        return degraded("ControllerWarning", trouble)
    name = get_in(manifest, "spec", "ingressClassName", default="")
    if _published(manifest) or name in _SILENT_CLASSES:
        return healthy()
    return progressing("NoAddress", "waiting for the ingress controller to publish an address")


def _warning(manifest: Manifest, related: Related) -> str:
    """The last warning that a controller wrote about the object."""
    events = [
        entry
        for entry in related
        if entry.get("kind") == "Event"
        and entry.get("type") == "Warning"
        and get_in(entry, "involvedObject", "uid") == manifest["metadata"].get("uid")
    ]
    if not events:
        return ""
    last = max(events, key=lambda entry: entry.get("lastTimestamp") or "")
    return str(last.get("message", ""))


def claim_health(manifest: Manifest, related: Related) -> Health:
    phase = get_in(manifest, "status", "phase", default="Pending")
    if phase == "Bound":
        return healthy()
    if phase == "Lost":
        return degraded("Lost", "the volume behind the claim is gone")
    if _is_deferred(manifest, related):
        return healthy("WaitForFirstConsumer", "bound when the first pod uses it")
    return progressing("Pending", "waiting for a volume")


def _is_deferred(manifest: Manifest, related: Related) -> bool:
    name = get_in(manifest, "spec", "storageClassName", default="")
    classes = [entry for entry in related if entry.get("kind") == "StorageClass"]
    waits = any(
        entry["metadata"]["name"] == name
        and entry.get("volumeBindingMode") == "WaitForFirstConsumer"
        for entry in classes
    )
    return waits and not any(_uses(entry, manifest) for entry in related)


def _uses(entry: Manifest, claim: Manifest) -> bool:
    volumes = get_in(entry, "spec", "volumes", default=[]) if entry.get("kind") == "Pod" else []
    name = claim["metadata"]["name"]
    return any(get_in(volume, "persistentVolumeClaim", "claimName") == name for volume in volumes)


_BROKEN_SCALING = (
    "FailedGetScale", "FailedUpdateScale", "FailedComputeMetricsReplicas", "InvalidSelector",
    "FailedGetResourceMetric", "FailedGetPodsMetric", "FailedGetObjectMetric",
    "FailedGetExternalMetric", "InvalidMetricSourceType",
)  # fmt: skip


def autoscaler_health(manifest: Manifest, _related: Related) -> Health:
    """Degraded when it cannot measure or scale; at its maximum it is healthy, and says so."""
    for name in ("AbleToScale", "ScalingActive"):
        condition = condition_of(manifest, name)
        if condition is not None and condition.get("status") == "False":
            reason = condition.get("reason", "")
            if reason in _BROKEN_SCALING:
                return degraded(reason, condition.get("message", ""))
    limited = condition_of(manifest, "ScalingLimited")
    if limited is not None and limited.get("status") == "True":
        if limited.get("reason") == "TooManyReplicas":
            return healthy("AtMaximum", "more load would need a higher maximum")
        return healthy(limited.get("reason", ""))
    if condition_of(manifest, "AbleToScale") is None and manifest.get("status") is not None:
        return progressing("Starting", "waiting for the first measurement")
    return healthy()


def budget_health(manifest: Manifest, _related: Related) -> Health:
    status = manifest.get("status") or {}
    allowed, expected = status.get("disruptionsAllowed", 0), status.get("expectedPods", 0)
    current, desired = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
    if current < desired:
        return progressing("BelowBudget", f"{current} of {desired} pods that must be healthy are")
    if expected and not allowed:
        text = "no pod may be evicted: draining a node would wait for ever"
        return healthy("NoDisruptionAllowed", text)
    return healthy()


def definition_health(manifest: Manifest, _related: Related) -> Health:
    accepted = condition_of(manifest, "NamesAccepted")
    if accepted is not None and accepted.get("status") == "False":
        return degraded(accepted.get("reason", "NamesConflict"), accepted.get("message", ""))
    structural = condition_of(manifest, "NonStructuralSchema")
    if structural is not None and structural.get("status") == "True":
        return degraded("NonStructuralSchema", structural.get("message", ""))
    established = condition_of(manifest, "Established")
    if established is not None and established.get("status") == "True":
        return healthy()
    return progressing("Establishing", "waiting for the kind to be served")


def namespace_health(manifest: Manifest, _related: Related) -> Health:
    if get_in(manifest, "status", "phase", default="Active") == "Active":
        return healthy()
    return progressing("Terminating", "waiting for its objects to go")


def node_health(manifest: Manifest, _related: Related) -> Health:
    ready = condition_of(manifest, "Ready")
    if ready is None or ready.get("status") == "Unknown":
        return Health("Unknown", "NodeStatusUnknown", "the node does not report")
    if ready.get("status") != "True":
        return degraded(ready.get("reason", "NotReady"), ready.get("message", ""))
    cordoned = get_in(manifest, "spec", "unschedulable", default=False)
    return healthy("SchedulingDisabled") if cordoned else healthy()


def route_health(manifest: Manifest, _related: Related) -> Health:
    """A route of the Gateway API: accepted, and its references resolved, by every parent."""
    for parent in get_in(manifest, "status", "parents", default=[]):
        for condition in parent.get("conditions") or ():
            if condition.get("status") == "False":
                return degraded(condition.get("reason", ""), condition.get("message", ""))
    return healthy()
