"""Defaults of the kinds that run pods: deployments, sets, jobs, and their autoscalers."""

from typing import Any

from kiban.kube.defaults.pods import Value, default_template
from kiban.kube.objects import Manifest

MOST_RETRIES = 2**31 - 1


def _spec_of(manifest: Manifest) -> Value:
    spec: Value = manifest.get("spec") or {}
    return spec


def _status_of(manifest: Manifest) -> Value:
    status: Value = manifest.get("status") or {}
    return status


def default_deployment(manifest: Manifest) -> Manifest:
    spec = {
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "progressDeadlineSeconds": 600,
        **_spec_of(manifest),
    }
    strategy = {"type": "RollingUpdate", **(spec.get("strategy") or {})}
    if strategy["type"] == "RollingUpdate":
        rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
        strategy["rollingUpdate"] = {**rolling, **(strategy.get("rollingUpdate") or {})}
    spec["strategy"] = strategy
    spec["template"] = default_template(spec.get("template"))
    return {**manifest, "spec": spec, "status": _status_of(manifest)}


def default_replica_set(manifest: Manifest) -> Manifest:
    spec = {"replicas": 1, **_spec_of(manifest)}
    spec["template"] = default_template(spec.get("template"))
    return {**manifest, "spec": spec, "status": {"replicas": 0, **_status_of(manifest)}}


def default_replication_controller(manifest: Manifest) -> Manifest:
    """Like a replica set; its selector and labels default to the template's labels."""
    spec = {"replicas": 1, **_spec_of(manifest)}
    spec["template"] = default_template(spec.get("template"))
    labels = spec["template"]["metadata"].get("labels")
    metadata = manifest["metadata"]
    if labels:
        spec.setdefault("selector", labels)
        metadata = {"labels": labels, **metadata}
    status = {"replicas": 0, **_status_of(manifest)}
    return {**manifest, "metadata": metadata, "spec": spec, "status": status}


def default_stateful_set(manifest: Manifest) -> Manifest:
    spec = {
        "replicas": 1,
        "serviceName": "",
        "podManagementPolicy": "OrderedReady",
        "revisionHistoryLimit": 10,
        **_spec_of(manifest),
    }
    strategy = {"type": "RollingUpdate", **(spec.get("updateStrategy") or {})}
    if strategy["type"] == "RollingUpdate":
        strategy["rollingUpdate"] = {"partition": 0, **(strategy.get("rollingUpdate") or {})}
    spec["updateStrategy"] = strategy
    retention = {"whenDeleted": "Retain", "whenScaled": "Retain"}
    spec["persistentVolumeClaimRetentionPolicy"] = {
        **retention,
        **(spec.get("persistentVolumeClaimRetentionPolicy") or {}),
    }
    spec["template"] = default_template(spec.get("template"))
    claims = spec.get("volumeClaimTemplates")
    if claims:
        spec["volumeClaimTemplates"] = [_claim_template(claim) for claim in claims]
    status = {"replicas": 0, "availableReplicas": 0, **_status_of(manifest)}
    return {**manifest, "spec": spec, "status": status}


def _claim_template(claim: Value) -> Value:
    return {"kind": "PersistentVolumeClaim", "apiVersion": "v1", **default_claim(claim)}


def default_claim(manifest: Manifest) -> Manifest:
    """A PersistentVolumeClaim."""
    spec = {"volumeMode": "Filesystem", "resources": {}, **_spec_of(manifest)}
    return {**manifest, "spec": spec, "status": {"phase": "Pending", **_status_of(manifest)}}


def default_daemon_set(manifest: Manifest) -> Manifest:
    spec = {"revisionHistoryLimit": 10, **_spec_of(manifest)}
    strategy = {"type": "RollingUpdate", **(spec.get("updateStrategy") or {})}
    if strategy["type"] == "RollingUpdate":
        rolling = {"maxUnavailable": 1, "maxSurge": 0}
        strategy["rollingUpdate"] = {**rolling, **(strategy.get("rollingUpdate") or {})}
    spec["updateStrategy"] = strategy
    spec["template"] = default_template(spec.get("template"))
    status = {
        "currentNumberScheduled": 0,
        "numberMisscheduled": 0,
        "desiredNumberScheduled": 0,
        "numberReady": 0,
        **_status_of(manifest),
    }
    return {**manifest, "spec": spec, "status": status}


def default_job(manifest: Manifest) -> Manifest:
    given = _spec_of(manifest)
    spec = {
        "parallelism": 1,
        "completionMode": "NonIndexed",
        "suspend": False,
        "manualSelector": False,
        **given,
    }
    if "completions" not in given and "parallelism" not in given:
        spec["completions"] = 1
    if "backoffLimit" not in spec:
        spec["backoffLimit"] = MOST_RETRIES if "backoffLimitPerIndex" in spec else 6
    if "podReplacementPolicy" not in spec:
        careful = "podFailurePolicy" in spec
        spec["podReplacementPolicy"] = "Failed" if careful else "TerminatingOrFailed"
    _default_failure_policy(spec)
    spec["template"] = default_template(spec.get("template"))
    return {**manifest, "spec": spec, "status": _status_of(manifest)}


def _default_failure_policy(spec: dict[str, Any]) -> None:
    if policy := spec.get("podFailurePolicy"):
        rules = [_default_failure_rule(rule) for rule in policy.get("rules") or ()]
        spec["podFailurePolicy"] = {**policy, "rules": rules}


def _default_failure_rule(rule: Manifest) -> Manifest:
    """A condition that does not say which status it must have is meant to be true."""
    if not rule.get("onPodConditions"):
        return rule
    return {**rule, "onPodConditions": [{"status": "True", **e} for e in rule["onPodConditions"]]}


def with_job_selector(manifest: Manifest) -> Manifest:
    """A job that is being created, with the selector and labels made from its uid.

    Jobs with `manualSelector` keep their own. The uid must be set already.
    """
    spec = manifest["spec"]
    if spec.get("manualSelector"):
        return manifest
    # Without a name it will be refused, but only after this.
    uid, name = manifest["metadata"]["uid"], manifest["metadata"].get("name", "")
    labels = {
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    template = spec["template"]
    inner = template.get("metadata") or {}
    outer = manifest["metadata"]
    selector = dict(spec.get("selector") or {})
    selector["matchLabels"] = {
        **(selector.get("matchLabels") or {}),
        "batch.kubernetes.io/controller-uid": uid,
    }
    metadata = {**inner, "labels": {**(inner.get("labels") or {}), **labels}}
    return {
        **manifest,
        "metadata": {**outer, "labels": {**(outer.get("labels") or {}), **labels}},
        "spec": {**spec, "selector": selector, "template": {**template, "metadata": metadata}},
    }


def default_cron_job(manifest: Manifest) -> Manifest:
    spec = {
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
        **_spec_of(manifest),
    }
    job = {"metadata": {}, **(spec.get("jobTemplate") or {})}
    job_spec = dict(job.get("spec") or {})
    _default_failure_policy(job_spec)
    job_spec["template"] = default_template(job_spec.get("template"))
    job["spec"] = job_spec
    spec["jobTemplate"] = job
    return {**manifest, "spec": spec, "status": _status_of(manifest)}


_CPU_AT_80: Value = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
}


def default_autoscaler(manifest: Manifest) -> Manifest:
    """A HorizontalPodAutoscaler of v1 or v2; without a metric the target is 80 % of CPU."""
    spec = {"minReplicas": 1, **_spec_of(manifest)}
    if manifest["apiVersion"] == "autoscaling/v1":
        status = {"currentReplicas": 0, "desiredReplicas": 0, **_status_of(manifest)}
        spec.setdefault("targetCPUUtilizationPercentage", 80)
        return {**manifest, "spec": spec, "status": status}
    if not spec.get("metrics"):
        spec["metrics"] = [_CPU_AT_80]
    if "behavior" in spec:
        spec["behavior"] = _behavior(spec["behavior"] or {})
    status = {"desiredReplicas": 0, "currentMetrics": None, **_status_of(manifest)}
    return {**manifest, "spec": spec, "status": status}


def _behavior(behavior: Value) -> Value:
    up: dict[str, Any] = {
        "stabilizationWindowSeconds": 0,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    }
    down: dict[str, Any] = {
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    }
    return {
        **behavior,
        "scaleUp": {**up, **(behavior.get("scaleUp") or {})},
        "scaleDown": {**down, **(behavior.get("scaleDown") or {})},
    }
