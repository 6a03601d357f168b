"""The same object in another version of its kind: HorizontalPodAutoscaler v1 and v2, Event in the
core group and in events.k8s.io. All other kinds are served in one version only.

Source: k8s.io/kubernetes/pkg/apis/{autoscaling,events}/v1/conversion.go.
"""

import json
from typing import Any

from kiban.kube.objects import Manifest

Value = dict[str, Any]

_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"


def converted(manifest: Manifest, api_version: str) -> Manifest:
    """The manifest as its kind looks in `api_version`; itself when nothing has to change."""
    source, kind = manifest["apiVersion"], manifest["kind"]
    if source == api_version:
        return manifest
    if kind == "HorizontalPodAutoscaler":
        convert = _autoscaler_to_v2 if api_version == "autoscaling/v2" else _autoscaler_to_v1
        return {**convert(manifest), "apiVersion": api_version}
    if kind == "Event":
        names = _EVENT_FIELDS if source == "v1" else _CORE_EVENT_FIELDS
        moved = {names.get(key, key): value for key, value in manifest.items()}
        return {**moved, "apiVersion": api_version}
    return {**manifest, "apiVersion": api_version}


_EVENT_FIELDS = {
    "involvedObject": "regarding",
    "message": "note",
    "source": "deprecatedSource",
    "firstTimestamp": "deprecatedFirstTimestamp",
    "lastTimestamp": "deprecatedLastTimestamp",
    "count": "deprecatedCount",
    "reportingComponent": "reportingController",
}
_CORE_EVENT_FIELDS = {new: old for old, new in _EVENT_FIELDS.items()}


def _cpu_metric(share: int) -> Value:
    target = {"type": "Utilization", "averageUtilization": share}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _autoscaler_to_v2(manifest: Manifest) -> Manifest:
    spec, status = dict(manifest.get("spec") or {}), dict(manifest.get("status") or {})
    annotations = dict(manifest["metadata"].get("annotations") or {})
    share = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_cpu_metric(share)] if share is not None else []
    metrics = [*json.loads(annotations.pop(_METRICS, "[]")), *metrics]
    if metrics:
        spec["metrics"] = metrics
    behavior = annotations.pop(_BEHAVIOR, None)
    if behavior:
        spec["behavior"] = json.loads(behavior)
    current = status.pop("currentCPUUtilizationPercentage", None)
    status.setdefault("currentMetrics", None)
    if current is not None:
        seen = {"name": "cpu", "current": {"averageUtilization": current}}
        status["currentMetrics"] = [{"type": "Resource", "resource": seen}]
    conditions = annotations.pop(_CONDITIONS, None)
    if conditions:
        status["conditions"] = json.loads(conditions)
    return {**_annotated(manifest, annotations), "spec": spec, "status": status}


def _autoscaler_to_v1(manifest: Manifest) -> Manifest:
    """What version 1 cannot say is kept in annotations."""
    spec, status = dict(manifest.get("spec") or {}), dict(manifest.get("status") or {})
    annotations = dict(manifest["metadata"].get("annotations") or {})
    others = []
    for metric in spec.pop("metrics", None) or ():
        share = _cpu_share(metric)
        if share is not None and "targetCPUUtilizationPercentage" not in spec:
            spec["targetCPUUtilizationPercentage"] = share
        else:
            others.append(metric)
    _keep(annotations, _METRICS, others)
    _keep(annotations, _BEHAVIOR, spec.pop("behavior", None))
    for metric in status.pop("currentMetrics", None) or ():
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            current = (resource.get("current") or {}).get("averageUtilization")
            if current is not None:
                status["currentCPUUtilizationPercentage"] = current
    _keep(annotations, _CONDITIONS, status.pop("conditions", None))
    status = {"currentReplicas": 0, "desiredReplicas": 0, **status}
    return {**_annotated(manifest, annotations), "spec": spec, "status": status}


def _cpu_share(metric: Value) -> int | None:
    resource = metric.get("resource") or {}
    if metric.get("type") != "Resource" or resource.get("name") != "cpu":
        return None
    share: int | None = (resource.get("target") or {}).get("averageUtilization")
    return share


def _keep(annotations: Value, name: str, value: Any) -> None:
    if value:
        annotations[name] = json.dumps(value, separators=(",", ":"))


def _annotated(manifest: Manifest, annotations: Value) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    return {**manifest, "metadata": metadata}
