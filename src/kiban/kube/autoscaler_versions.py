"""HorizontalPodAutoscaler between versions 1 and 2: what version 1 has no field for is kept in
annotations, metrics in its older form and behaviour under the names of the server's own types.

Source: k8s.io/kubernetes/pkg/apis/autoscaling/{annotations.go,v1/conversion.go}.
"""

import json
from collections.abc import Callable
from typing import Any

from kiban.kube.objects import Manifest

Value = dict[str, Any]

_METRICS = "autoscaling.alpha.kubernetes.io/metrics"
_CURRENT = "autoscaling.alpha.kubernetes.io/current-metrics"
_BEHAVIOR = "autoscaling.alpha.kubernetes.io/behavior"
_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_SOURCES = ("object", "pods", "resource", "containerResource", "external")


def autoscaler_to_v2(manifest: Manifest) -> Manifest:
    spec, status = dict(manifest.get("spec") or {}), dict(manifest.get("status") or {})
    annotations = dict(manifest["metadata"].get("annotations") or {})
    share = spec.pop("targetCPUUtilizationPercentage", None)
    metrics = [_metric_to_v2(old) for old in json.loads(annotations.pop(_METRICS, "[]"))]
    if share is not None:
        target = {"type": "Utilization", "averageUtilization": share}
        metrics.append({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    if metrics:
        spec["metrics"] = metrics
    behavior = annotations.pop(_BEHAVIOR, None)
    if behavior:
        spec["behavior"] = _behavior_to_v2(json.loads(behavior))
    current = status.pop("currentCPUUtilizationPercentage", None)
    seen = [_status_to_v2(old) for old in json.loads(annotations.pop(_CURRENT, "[]"))]
    if current is not None and not seen:
        cpu = {"name": "cpu", "current": {"averageUtilization": current}}
        seen = [{"type": "Resource", "resource": cpu}]
    status["currentMetrics"] = seen or None
    conditions = annotations.pop(_CONDITIONS, None)
    if conditions:
        status["conditions"] = json.loads(conditions)
    return {**_annotated(manifest, annotations), "spec": spec, "status": status}


def autoscaler_to_v1(manifest: Manifest) -> Manifest:
    spec, status = dict(manifest.get("spec") or {}), dict(manifest.get("status") or {})
    annotations = dict(manifest["metadata"].get("annotations") or {})
    others = []
    for metric in spec.pop("metrics", None) or ():
        share = _cpu_share(metric)
        if share is None:
            others.append(_metric_to_v1(metric))
        else:
            spec["targetCPUUtilizationPercentage"] = share
    seen = status.pop("currentMetrics", None) or []
    for metric in seen:
        resource = metric.get("resource") or {}
        if resource.get("name") == "cpu":
            current = (resource.get("current") or {}).get("averageUtilization")
            if current is not None:
                status["currentCPUUtilizationPercentage"] = current
    _keep(annotations, _METRICS, others)
    _keep(annotations, _CURRENT, [_status_to_v1(metric) for metric in seen])
    _keep(annotations, _CONDITIONS, [_condition(c) for c in status.pop("conditions", None) or ()])
    behavior = spec.pop("behavior", None)
    _keep(annotations, _BEHAVIOR, _behavior_to_v1(behavior) if behavior else None)
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
        # As Go writes JSON: without blanks, and safe inside HTML.
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        for sign, code in (("<", "003c"), (">", "003e"), ("&", "0026")):
            text = text.replace(sign, f"\\u{code}")
        annotations[name] = text


def _annotated(manifest: Manifest, annotations: Value) -> Manifest:
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "annotations"}
    if annotations:
        metadata["annotations"] = annotations
    return {**manifest, "metadata": metadata}


def _said(**fields: Any) -> Value:
    """The fields that have a value, in this order."""
    return {name: value for name, value in fields.items() if value is not None}


_CONDITION = ("type", "status", "lastTransitionTime", "reason", "message")


def _condition(condition: Value) -> Value:
    return {name: condition[name] for name in _CONDITION if condition.get(name)}


# Metrics


def _metric_to_v1(metric: Value) -> Value:
    return _of_sources(metric, _SOURCES_TO_V1)


def _metric_to_v2(metric: Value) -> Value:
    return _of_sources(metric, _SOURCES_TO_V2)


def _status_to_v1(metric: Value) -> Value:
    return _of_sources(metric, _STATUSES_TO_V1)


def _status_to_v2(metric: Value) -> Value:
    return _of_sources(metric, _STATUSES_TO_V2)


def _of_sources(metric: Value, tables: dict[str, Callable[[Value], Value]]) -> Value:
    parts = {name: tables[name](metric[name]) for name in _SOURCES if metric.get(name)}
    return {"type": metric.get("type", ""), **parts}


def _reference(source: Value) -> Value:
    return {key: source[key] for key in ("kind", "name", "apiVersion") if source.get(key)}


def _object_to_v1(source: Value) -> Value:
    target, metric = source.get("target") or {}, source.get("metric") or {}
    return _said(
        target=_reference(source.get("describedObject") or {}),
        metricName=metric.get("name", ""),
        targetValue=target.get("value", "0"),
        selector=metric.get("selector"),
        averageValue=target.get("averageValue"),
    )


def _object_to_v2(old: Value) -> Value:
    if old.get("averageValue") is not None:
        target = {"type": "AverageValue", "averageValue": old["averageValue"]}
    else:
        target = {"type": "Value", "value": old.get("targetValue", "0")}
    metric = _said(name=old.get("metricName", ""), selector=old.get("selector"))
    return {"describedObject": old.get("target") or {}, "target": target, "metric": metric}


def _pods_to_v1(source: Value) -> Value:
    metric = source.get("metric") or {}
    return _said(
        metricName=metric.get("name", ""),
        targetAverageValue=(source.get("target") or {}).get("averageValue", "0"),
        selector=metric.get("selector"),
    )


def _pods_to_v2(old: Value) -> Value:
    return {
        "metric": _said(name=old.get("metricName", ""), selector=old.get("selector")),
        "target": {"type": "AverageValue", "averageValue": old.get("targetAverageValue", "0")},
    }


def _resource_to_v1(source: Value) -> Value:
    target = source.get("target") or {}
    return _said(
        name=source.get("name", ""),
        targetAverageUtilization=target.get("averageUtilization"),
        targetAverageValue=target.get("averageValue"),
        container=source.get("container"),
    )


def _resource_to_v2(old: Value) -> Value:
    share, value = old.get("targetAverageUtilization"), old.get("targetAverageValue")
    kind = "Utilization" if share is not None else "AverageValue"
    target = _said(type=kind, averageUtilization=share, averageValue=value)
    return _said(name=old.get("name", ""), target=target, container=old.get("container"))


def _external_to_v1(source: Value) -> Value:
    target, metric = source.get("target") or {}, source.get("metric") or {}
    return _said(
        metricName=metric.get("name", ""),
        metricSelector=metric.get("selector"),
        targetValue=target.get("value"),
        targetAverageValue=target.get("averageValue"),
    )


def _external_to_v2(old: Value) -> Value:
    value, average = old.get("targetValue"), old.get("targetAverageValue")
    kind = "Value" if value is not None else "AverageValue"
    return {
        "metric": _said(name=old.get("metricName", ""), selector=old.get("metricSelector")),
        "target": _said(type=kind, value=value, averageValue=average),
    }


def _object_status_to_v1(source: Value) -> Value:
    current, metric = source.get("current") or {}, source.get("metric") or {}
    return _said(
        target=_reference(source.get("describedObject") or {}),
        metricName=metric.get("name", ""),
        currentValue=current.get("value", "0"),
        selector=metric.get("selector"),
        averageValue=current.get("averageValue"),
    )


def _object_status_to_v2(old: Value) -> Value:
    return {
        "metric": _said(name=old.get("metricName", ""), selector=old.get("selector")),
        "current": _said(value=old.get("currentValue"), averageValue=old.get("averageValue")),
        "describedObject": old.get("target") or {},
    }


def _pods_status_to_v1(source: Value) -> Value:
    metric = source.get("metric") or {}
    return _said(
        metricName=metric.get("name", ""),
        currentAverageValue=(source.get("current") or {}).get("averageValue", "0"),
        selector=metric.get("selector"),
    )


def _pods_status_to_v2(old: Value) -> Value:
    return {
        "metric": _said(name=old.get("metricName", ""), selector=old.get("selector")),
        "current": {"averageValue": old.get("currentAverageValue", "0")},
    }


def _resource_status_to_v1(source: Value) -> Value:
    current = source.get("current") or {}
    return _said(
        name=source.get("name", ""),
        currentAverageUtilization=current.get("averageUtilization"),
        currentAverageValue=current.get("averageValue", "0"),
        container=source.get("container"),
    )


def _resource_status_to_v2(old: Value) -> Value:
    share, value = old.get("currentAverageUtilization"), old.get("currentAverageValue")
    current = _said(averageValue=value, averageUtilization=share)
    return _said(name=old.get("name", ""), current=current, container=old.get("container"))


def _external_status_to_v1(source: Value) -> Value:
    current, metric = source.get("current") or {}, source.get("metric") or {}
    return _said(
        metricName=metric.get("name", ""),
        metricSelector=metric.get("selector"),
        currentValue=current.get("value", "0"),
        currentAverageValue=current.get("averageValue"),
    )


def _external_status_to_v2(old: Value) -> Value:
    value, average = old.get("currentValue"), old.get("currentAverageValue")
    return {
        "metric": _said(name=old.get("metricName", ""), selector=old.get("metricSelector")),
        "current": _said(value=value, averageValue=average),
    }


def _table(*steps: Callable[[Value], Value]) -> dict[str, Callable[[Value], Value]]:
    thing, pods, resource, external = steps
    found = (thing, pods, resource, resource, external)
    return dict(zip(_SOURCES, found, strict=True))


_SOURCES_TO_V1 = _table(_object_to_v1, _pods_to_v1, _resource_to_v1, _external_to_v1)
_SOURCES_TO_V2 = _table(_object_to_v2, _pods_to_v2, _resource_to_v2, _external_to_v2)
_STATUSES_TO_V1 = _table(
    _object_status_to_v1, _pods_status_to_v1, _resource_status_to_v1, _external_status_to_v1
)
_STATUSES_TO_V2 = _table(
    _object_status_to_v2, _pods_status_to_v2, _resource_status_to_v2, _external_status_to_v2
)


# Behaviour: written without field tags, so every field is there, capitalised.

_RULES = ("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")
_POLICY = ("type", "value", "periodSeconds")


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]


def _behavior_to_v1(behavior: Value) -> Value:
    return {_capital(way): _rules_to_v1(behavior.get(way)) for way in ("scaleUp", "scaleDown")}


def _rules_to_v1(rules: Value | None) -> Value | None:
    if rules is None:
        return None
    told = {_capital(name): rules.get(name) for name in _RULES}
    policies = rules.get("policies")
    if policies is not None:
        told["Policies"] = [{_capital(n): policy.get(n) for n in _POLICY} for policy in policies]
    return told


def _behavior_to_v2(told: Any) -> Any:
    """Names are read whatever their case, as the server reads them."""
    if isinstance(told, dict):
        read = {name[:1].lower() + name[1:]: _behavior_to_v2(part) for name, part in told.items()}
        return {name: part for name, part in read.items() if part is not None}
    if isinstance(told, list):
        return [_behavior_to_v2(part) for part in told]
    return told
