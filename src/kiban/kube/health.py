"""How well an object is, by the rules of its kind: what `kubectl rollout status` would wait for,
and what a person would worry about.

Sources: the rollout rules of k8s.io/kubectl/pkg/polymorphichelpers/rollout_status.go and the
conditions that the controllers of Kubernetes document.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

from kiban.kube.objects import Manifest, condition_of, get_in, group_of, is_deleting, is_true

Status = Literal["Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"]


class Health(NamedTuple):
    """A verdict with its reason as one word and as a sentence; both empty when all is well."""

    status: Status
    reason: str = ""
    message: str = ""


HEALTHY = Health("Healthy")


def health(manifest: Manifest) -> Health:
    """The health of any object; a kind without a rule is healthy when it exists."""
    if is_deleting(manifest):
        return Health("Progressing", "Terminating", "is being deleted")
    observed = get_in(manifest, "status", "observedGeneration")
    generation = manifest["metadata"].get("generation")
    if generation and observed is not None and observed < generation:
        return Health("Progressing", "NotObserved", "the controller has not seen the change yet")
    rule = _RULES.get((group_of(manifest["apiVersion"]), manifest["kind"]))
    return rule(manifest) if rule is not None else HEALTHY


def _deployment(manifest: Manifest) -> Health:
    if get_in(manifest, "spec", "paused", default=False):
        return Health("Suspended", "Paused", "is paused")
    progressing = condition_of(manifest, "Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Health("Degraded", "ProgressDeadlineExceeded", progressing.get("message", ""))
    failure = condition_of(manifest, "ReplicaFailure") or {}
    if failure.get("status") == "True":
        return Health("Degraded", failure.get("reason", ""), failure.get("message", ""))
    if "observedGeneration" not in manifest.get("status", {}):
        return Health("Progressing", "NotObserved", "the controller has not seen it yet")
    return _replicas(manifest, "availableReplicas")


def _stateful_set(manifest: Manifest) -> Health:
    if "observedGeneration" not in manifest.get("status", {}):
        return Health("Progressing", "NotObserved", "the controller has not seen it yet")
    return _replicas(manifest, "readyReplicas")


def _replicas(manifest: Manifest, good: str) -> Health:
    status = manifest.get("status", {})
    wanted = get_in(manifest, "spec", "replicas", default=1)
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    if updated < wanted:
        return Health("Progressing", "Updating", f"{updated} of {wanted} replicas are updated")
    if total > updated:
        return Health("Progressing", "Updating", f"{total - updated} old replicas are still there")
    if status.get(good, 0) < wanted:
        count = status.get(good, 0)
        return Health("Progressing", "Starting", f"{count} of {wanted} replicas are available")
    return HEALTHY


def _daemon_set(manifest: Manifest) -> Health:
    status = manifest.get("status", {})
    wanted = status.get("desiredNumberScheduled", 0)
    for field, word in (("updatedNumberScheduled", "updated"), ("numberAvailable", "available")):
        if status.get(field, 0) < wanted:
            text = f"{status.get(field, 0)} of {wanted} pods are {word}"
            return Health("Progressing", "Updating", text)
    return HEALTHY


def _job(manifest: Manifest) -> Health:
    failed = condition_of(manifest, "Failed") or {}
    if failed.get("status") == "True":
        return Health("Degraded", failed.get("reason", "Failed"), failed.get("message", ""))
    if is_true(manifest, "Complete"):
        return HEALTHY
    if is_true(manifest, "Suspended") or get_in(manifest, "spec", "suspend", default=False):
        return Health("Suspended", "Suspended", "is suspended")
    return Health("Progressing", "Running", "has not completed yet")


def _pod(manifest: Manifest) -> Health:
    phase = get_in(manifest, "status", "phase", default="Pending")
    if phase == "Succeeded" or is_true(manifest, "Ready"):
        return HEALTHY
    if phase == "Failed":
        message = get_in(manifest, "status", "message", default="has failed")
        return Health("Degraded", get_in(manifest, "status", "reason", default="Failed"), message)
    return Health("Progressing", phase, "is not ready yet")


def _volume_claim(manifest: Manifest) -> Health:
    # A pending claim may wait for its first pod: that is no reason to hold anything up.
    if get_in(manifest, "status", "phase") == "Lost":
        return Health("Degraded", "Lost", "its volume is gone")
    return HEALTHY


_RULES: dict[tuple[str, str], Callable[[Manifest], Health]] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("batch", "Job"): _job,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _volume_claim,
}
