"""The health of the kinds that run pods."""

from collections.abc import Sequence
from typing import Any

from kiban.kube.health.pods import pod_health, starting_fault
from kiban.kube.health.verdicts import Health, degraded, healthy, progressing
from kiban.kube.objects import Manifest, condition_of, controller_of, get_in, is_true, uid_of
from kiban.primitives.digits import whole_number

Related = Sequence[Manifest]
HASH_LABEL = "pod-template-hash"
REVISION_LABEL = "controller-revision-hash"


def deployment_health(manifest: Manifest, related: Related) -> Health:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    if spec.get("paused"):
        return Health("Suspended", "Paused", "the rollout is paused")
    deadline = condition_of(manifest, "Progressing")
    if deadline is not None and deadline.get("reason") == "ProgressDeadlineExceeded":
        cause = _first_fault(_new_pods(manifest, related))
        text = cause.message if cause else deadline.get("message", "the rollout takes too long")
        return degraded("ProgressDeadlineExceeded", text)
    failure = condition_of(manifest, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        text = failure.get("message", "pods cannot be created")
        return degraded(failure.get("reason") or "ReplicaFailure", text)
    wanted = spec.get("replicas", 1)
    waiting = _rollout(wanted, status)
    if waiting is None:
        return healthy("ScaledToZero") if wanted == 0 else healthy()
    cause = _first_fault(_new_pods(manifest, related))
    return progressing(cause.reason, cause.message) if cause else waiting


def _rollout(wanted: int, status: dict[str, Any]) -> Health | None:
    """What a rollout still waits for; None when it is done."""
    updated, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if updated < wanted:
        text = f"{updated} of {wanted} pods are of the new version"
        return progressing("RollingOut", text)
    if total > updated:
        return progressing("RollingOut", f"{total - updated} old pods have still to end")
    if available < updated:
        text = f"{available} of {updated} pods are available"
        return progressing("RollingOut", text)
    return None


def _new_pods(manifest: Manifest, related: Related) -> list[Manifest]:
    """Pods of the newest replica set among the related objects, or all pods if none is told."""
    sets = [
        entry
        for entry in related
        if entry.get("kind") == "ReplicaSet" and _is_owned(entry, manifest)
    ]
    pods = [entry for entry in related if entry.get("kind") == "Pod"]
    if not sets:
        return pods
    newest = max(sets, key=_revision)
    return [pod for pod in pods if _is_owned(pod, newest)]


_REVISION = "deployment.kubernetes.io/revision"


def _revision(manifest: Manifest) -> int:
    text = get_in(manifest, "metadata", "annotations", _REVISION, default="0")
    return whole_number(str(text)) or 0


def _is_owned(manifest: Manifest, owner: Manifest) -> bool:
    reference = controller_of(manifest)
    return reference is not None and reference.get("uid") == uid_of(owner)


def _first_fault(pods: Sequence[Manifest]) -> Health | None:
    ordered = sorted(pods, key=lambda pod: pod["metadata"].get("name", ""))
    faults = (starting_fault(pod) for pod in ordered)
    return next((fault for fault in faults if fault is not None), None)


def replica_set_health(manifest: Manifest, related: Related) -> Health:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    failure = condition_of(manifest, "ReplicaFailure")
    if failure is not None and failure.get("status") == "True":
        text = failure.get("message", "pods cannot be created")
        return degraded(failure.get("reason") or "ReplicaFailure", text)
    wanted, available = spec.get("replicas", 1), status.get("availableReplicas", 0)
    if available < wanted:
        text = f"{available} of {wanted} pods are available"
        return _first_fault(_pods(manifest, related)) or progressing("Starting", text)
    return healthy()


def _pods(manifest: Manifest, related: Related) -> list[Manifest]:
    return [entry for entry in related if entry.get("kind") == "Pod" and _is_owned(entry, manifest)]


def stateful_set_health(manifest: Manifest, related: Related) -> Health:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    wanted, ready = spec.get("replicas", 1), status.get("readyReplicas", 0)
    fault = _first_fault(_pods(manifest, related))
    if ready < wanted:
        if fault is not None:
            return degraded(fault.reason, _stuck(fault.message))
        return progressing("Starting", f"{ready} of {wanted} pods are ready")
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return healthy()
    partition = get_in(strategy, "rollingUpdate", "partition", default=0)
    updated = status.get("updatedReplicas", 0)
    if partition:
        due = max(0, wanted - partition)
        if updated < due:
            return progressing("RollingOut", f"{updated} of {due} pods are of the new version")
        return healthy("Partitioned", f"{partition} pods stay at the old version by partition")
    if status.get("currentRevision") != status.get("updateRevision"):
        text = f"{updated} of {wanted} pods are of the new version"
        return progressing("RollingOut", text)
    return healthy()


def _stuck(message: str) -> str:
    return f"{message}; a broken pod of a stateful set may have to be deleted by hand"


def daemon_set_health(manifest: Manifest, related: Related) -> Health:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0)
    updated = status.get("updatedNumberScheduled", 0)
    on_delete = get_in(spec, "updateStrategy", "type") == "OnDelete"
    fault = _first_fault(_pods(manifest, related))
    if updated < wanted and not on_delete:
        text = f"{updated} of {wanted} pods are of the new version"
        return fault or progressing("RollingOut", text)
    available = status.get("numberAvailable", 0)
    if available < wanted:
        return fault or progressing("Starting", f"{available} of {wanted} pods are available")
    return healthy()


def job_health(manifest: Manifest, related: Related) -> Health:
    failed = condition_of(manifest, "Failed")
    if failed is not None and failed.get("status") == "True":
        return degraded(failed.get("reason") or "Failed", failed.get("message") or "the job failed")
    if is_true(manifest, "Complete"):
        return healthy("Completed")
    if is_true(manifest, "FailureTarget"):
        return progressing("Failing", "the job has failed and its pods are being ended")
    if is_true(manifest, "Suspended") or get_in(manifest, "spec", "suspend", default=False):
        return Health("Suspended", "Suspended", "the job is suspended")
    fault = _first_fault(_pods(manifest, related))
    return progressing(fault.reason, fault.message) if fault else progressing("Running", "running")


def controlled_pod_health(manifest: Manifest, _related: Related) -> Health:
    return pod_health(manifest)
