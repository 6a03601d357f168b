"""What the recordings observe of each object, as facts: one per change of a relevant field."""

from collections.abc import Callable
from typing import Any

from names import Aliases, Manifest, controller_of

Fields = dict[str, Any]


def _status(manifest: Manifest, *fields: str) -> Fields:
    status = manifest.get("status") or {}
    return {field: status[field] for field in fields if field in status}


def _conditions(manifest: Manifest) -> Fields:
    conditions = (manifest.get("status") or {}).get("conditions") or []
    return {entry["type"]: f"{entry['status']}/{entry.get('reason', '')}" for entry in conditions}


def _ending(manifest: Manifest) -> Fields:
    found: Fields = {}
    if "deletionTimestamp" in manifest["metadata"]:
        found["terminating"] = True
        if finalizers := manifest["metadata"].get("finalizers"):
            found["finalizers"] = finalizers
    return found


def _annotation(manifest: Manifest, name: str) -> str | None:
    value: str | None = (manifest["metadata"].get("annotations") or {}).get(name)
    return value


def deployment(manifest: Manifest, aliases: Aliases) -> Fields:
    fields: Fields = {
        "spec_replicas": manifest["spec"].get("replicas"),
        "revision": _annotation(manifest, "deployment.kubernetes.io/revision"),
    }
    if manifest["spec"].get("paused"):
        fields["paused"] = True
    fields["status"] = _status(
        manifest, "replicas", "updatedReplicas", "readyReplicas", "availableReplicas",
        "unavailableReplicas", "terminatingReplicas",
    )  # fmt: skip
    return {**fields, "conditions": _conditions(manifest), **_ending(manifest)}


def replica_set(manifest: Manifest, aliases: Aliases) -> Fields:
    fields: Fields = {
        "spec_replicas": manifest["spec"].get("replicas"),
        "status": _status(
            manifest, "replicas", "readyReplicas", "availableReplicas", "terminatingReplicas"
        ),
    }
    for field in ("revision", "desired-replicas", "max-replicas", "revision-history"):
        value = _annotation(manifest, f"deployment.kubernetes.io/{field}")
        if value is not None:
            fields[field] = value
    if conditions := _conditions(manifest):
        fields["conditions"] = conditions
    if controller_of(manifest) is None:
        fields["orphan"] = True
    return {**fields, **_ending(manifest)}


def job(manifest: Manifest, aliases: Aliases) -> Fields:
    status = manifest.get("status") or {}
    return {
        "status": _status(
            manifest, "active", "ready", "succeeded", "failed", "terminating",
            "completedIndexes", "failedIndexes",
        ),
        "conditions": _conditions(manifest),
        "started": "startTime" in status,
        "completed": "completionTime" in status,
        "suspend": bool(manifest["spec"].get("suspend")),
        **_ending(manifest),
    }  # fmt: skip


def cron_job(manifest: Manifest, aliases: Aliases) -> Fields:
    status = manifest.get("status") or {}
    return {
        "active": len(status.get("active") or []),
        "suspend": bool(manifest["spec"].get("suspend")),
        "lastScheduleTime": "lastScheduleTime" in status,
        "lastSuccessfulTime": "lastSuccessfulTime" in status,
    }


def daemon_set(manifest: Manifest, aliases: Aliases) -> Fields:
    return {
        "status": _status(
            manifest, "desiredNumberScheduled", "currentNumberScheduled",
            "updatedNumberScheduled", "numberReady", "numberAvailable", "numberUnavailable",
            "numberMisscheduled",
        ),
        **_ending(manifest),
    }  # fmt: skip


def stateful_set(manifest: Manifest, aliases: Aliases) -> Fields:
    status = manifest.get("status") or {}
    owner = aliases.learn(manifest)
    return {
        "spec_replicas": manifest["spec"].get("replicas"),
        "status": _status(
            manifest, "replicas", "readyReplicas", "availableReplicas", "currentReplicas",
            "updatedReplicas",
        ),
        **{
            field: aliases.revision(owner, status[field]) if status.get(field) else None
            for field in ("currentRevision", "updateRevision")
        },
        **_ending(manifest),
    }  # fmt: skip


def budget(manifest: Manifest, aliases: Aliases) -> Fields:
    return {
        "status": _status(
            manifest, "expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed"
        ),
        "disrupted": len((manifest.get("status") or {}).get("disruptedPods") or {}),
        "conditions": _conditions(manifest),
    }


def autoscaler(manifest: Manifest, aliases: Aliases) -> Fields:
    return {
        "min": manifest["spec"].get("minReplicas"),
        "max": manifest["spec"].get("maxReplicas"),
        "status": _status(manifest, "currentReplicas", "desiredReplicas"),
        "current_metrics": [
            _metric(entry) for entry in (manifest.get("status") or {}).get("currentMetrics") or []
        ],
        "conditions": _conditions(manifest),
    }


def _metric(entry: Manifest) -> Fields:
    for kind in ("resource", "external", "pods", "object", "containerResource"):
        if kind in entry:
            body = entry[kind]
            name = body.get("name") or body["metric"]["name"]
            return {"name": name, **body["current"]}
    return {"name": ""}


def node(manifest: Manifest, aliases: Aliases) -> Fields:
    conditions = _conditions(manifest)
    taints = manifest["spec"].get("taints") or []
    return {
        "ready": conditions.get("Ready"),
        "taints": sorted(f"{taint['key']}:{taint['effect']}" for taint in taints),
        "unschedulable": bool(manifest["spec"].get("unschedulable")),
    }


READERS: dict[str, tuple[str, Callable[[Manifest, Aliases], Fields]]] = {
    "Deployment": ("deployment", deployment),
    "ReplicaSet": ("replicaset", replica_set),
    "StatefulSet": ("statefulset", stateful_set),
    "DaemonSet": ("daemonset", daemon_set),
    "Job": ("job", job),
    "CronJob": ("cronjob", cron_job),
    "HorizontalPodAutoscaler": ("hpa", autoscaler),
    "PodDisruptionBudget": ("pdb", budget),
    "Node": ("node", node),
}


def _true(pod: Manifest, type_: str) -> bool:
    return _conditions(pod).get(type_, "").startswith("True")


def pod_facts(before: Manifest | None, after: Manifest) -> list[tuple[str, Fields]]:
    """The steps in a pod's life between two of its states."""
    old: Manifest = before or {"metadata": {}, "spec": {}, "status": {}}
    found: list[tuple[str, Fields]] = []

    def phase(pod: Manifest) -> str:
        return str((pod.get("status") or {}).get("phase", "Pending"))

    if after["spec"].get("nodeName") and not old["spec"].get("nodeName"):
        found.append(("pod.bound", {"node": after["spec"]["nodeName"]}))
    if phase(after) != phase(old) and phase(after) in ("Running", "Succeeded", "Failed"):
        found.append((f"pod.{phase(after).lower()}", {}))
    if _true(after, "DisruptionTarget") and not _true(old, "DisruptionTarget"):
        reason = _conditions(after)["DisruptionTarget"].partition("/")[2]
        found.append(("pod.disrupted", {"reason": reason}))
    if phase(after) not in ("Succeeded", "Failed") and _true(after, "Ready") != _true(old, "Ready"):
        found.append(("pod.ready" if _true(after, "Ready") else "pod.unready", {}))
    if "deletionTimestamp" in after["metadata"] and "deletionTimestamp" not in old["metadata"]:
        grace = after["metadata"].get("deletionGracePeriodSeconds", 0)
        found.append(("pod.terminating", {"grace": grace}))
    scheduled = _conditions(after).get("PodScheduled", "")
    if scheduled.startswith("False") and _conditions(old).get("PodScheduled") != scheduled:
        found.append(("pod.unschedulable", {"reason": scheduled.partition("/")[2]}))
    nominated = (after.get("status") or {}).get("nominatedNodeName")
    if nominated and nominated != (old.get("status") or {}).get("nominatedNodeName"):
        found.append(("pod.nominated", {"node": nominated}))
    return found
