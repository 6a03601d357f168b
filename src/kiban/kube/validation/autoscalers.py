"""Rules for HorizontalPodAutoscalers.

Source: k8s.io/kubernetes/pkg/apis/autoscaling/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.quantities import canonical_quantity
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    at_least,
    forbidden,
    invalid,
    required,
    unsupported,
)
from kiban.kube.validation.resources import container_resource_faults
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

_SOURCES = {
    "Object": "object",
    "External": "external",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}
_TARGETS = ("Utilization", "Value", "AverageValue")
_LONGEST_WINDOW = 3600
_LONGEST_PERIOD = 1800
_NOT_FROM_ZERO = (
    "must specify at least one Object or External metric to support scaling to zero replicas"
)


def validate_autoscaler(manifest: Manifest) -> Faults:
    """An autoscaler that is created."""
    target = (manifest.get("spec") or {}).get("scaleTargetRef") or {}
    return _autoscaler(manifest, _group_faults(target))


def validate_changed_autoscaler(manifest: Manifest) -> Faults:
    """An autoscaler that was accepted before: a target that stays is not asked for its group."""
    return _autoscaler(manifest, [])


def autoscaler_stays(old: Manifest, new: Manifest) -> Faults:
    """Another kind of target is asked for its group."""
    before, after = (
        (manifest.get("spec") or {}).get("scaleTargetRef") or {} for manifest in (old, new)
    )
    same = all(before.get(name) == after.get(name) for name in ("apiVersion", "kind"))
    return [] if same else _group_faults(after)


def _group_faults(target: Value) -> Faults:
    """Of what can be scaled, only ReplicationControllers have no group."""
    version, at = target.get("apiVersion", ""), "spec.scaleTargetRef.apiVersion"
    if version.count("/") > 1:
        return [invalid(at, version, f"unexpected GroupVersion string: {version}")]
    if version.partition("/")[0] and "/" in version:
        return []
    if target.get("kind") == "ReplicationController":
        return []
    return [invalid(at, version, "apiVersion must specify API group")]


def _autoscaler(manifest: Manifest, of_group: Faults) -> Faults:
    spec: Value = manifest.get("spec") or {}
    least, most = spec.get("minReplicas", 1), spec.get("maxReplicas", 0)
    faults = at_least("spec.minReplicas", least, 1)
    if most < 1:
        faults.append(invalid("spec.maxReplicas", most, "must be greater than 0"))
    if most < least:
        detail = "must be greater than or equal to `minReplicas`"
        faults.append(invalid("spec.maxReplicas", most, detail))
    faults += _reference(spec.get("scaleTargetRef") or {}, "spec.scaleTargetRef")
    faults += of_group
    metrics = spec.get("metrics") or ()
    for index, metric in enumerate(metrics):
        faults += _metric(metric, f"spec.metrics[{index}]")
    if least == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        faults.append(forbidden("spec.metrics", _NOT_FROM_ZERO))
    for direction in ("scaleUp", "scaleDown"):
        rules = (spec.get("behavior") or {}).get(direction)
        if rules is not None:
            faults += _scaling(rules, f"spec.behavior.{direction}")
    return faults


def _reference(reference: Value, field: str) -> Faults:
    faults: Faults = []
    for name in ("kind", "name"):
        value = reference.get(name, "")
        if not value:
            faults.append(required(f"{field}.{name}"))
        else:
            details = formats.path_segment_faults(value)
            faults += all_invalid(f"{field}.{name}", value, details)
    return faults


def _metric(metric: Value, field: str) -> Faults:
    kind = metric.get("type", "")
    faults: Faults = []
    if not kind:
        faults.append(required(f"{field}.type", "must specify a metric source type"))
    if kind not in _SOURCES:
        faults.append(unsupported(f"{field}.type", kind, sorted(_SOURCES)))
    given = [name for name in _SOURCES.values() if metric.get(name) is not None]
    if given:
        faults += _source(given[0], metric[given[0]], f"{field}.{given[0]}")
    expected = _SOURCES.get(kind)
    if expected is None:
        faults.append(unsupported(f"{field}.type", kind, sorted(_SOURCES)))
    elif expected not in given:
        detail = "must populate information for the given metric source"
        faults.append(required(f"{field}.{expected}", detail))
    if len(given) != 1:
        detail = "must populate the given metric source only"
        faults += [forbidden(f"{field}.{name}", detail) for name in given if name != expected]
    return faults


def _source(kind: str, source: Value, field: str) -> Faults:
    target, at = source.get("target") or {}, f"{field}.target"
    if kind in ("resource", "containerResource"):
        return _named_resource(kind, source, field) + _target(target, at) + _utilized(target, at)
    faults: Faults = []
    if kind == "object":
        faults += _reference(source.get("describedObject") or {}, f"{field}.describedObject")
    faults += _identifier(source.get("metric") or {}, f"{field}.metric") + _target(target, at)
    value, average = target.get("value"), target.get("averageValue")
    if kind == "pods":
        if average is None:
            detail = "must specify a positive target averageValue"
            faults.append(required(f"{at}.averageValue", detail))
    elif value is None and average is None:
        detail = "must set either a target value or averageValue"
        if kind == "external":
            detail = "must set either a target value for metric or a per-pod target"
        faults.append(required(f"{at}.averageValue", detail))
    elif kind == "external" and value is not None and average is not None:
        detail = "may not set both a target value for metric and a per-pod target"
        faults.append(forbidden(f"{at}.value", detail))
    return faults


def _named_resource(kind: str, source: Value, field: str) -> Faults:
    name, container = source.get("name", ""), source.get("container", "")
    faults: Faults = []
    if not name:
        faults.append(required(f"{field}.name", "must specify a resource name"))
    elif kind == "containerResource":
        faults += container_resource_faults(name, f"{field}.name")
    if kind == "resource":
        return faults
    if not container:
        return [*faults, required(f"{field}.container", "must specify a container")]
    details = formats.dns_label_faults(container)
    return faults + all_invalid(f"{field}.container", container, details)


def _utilized(target: Value, field: str) -> Faults:
    share, average = target.get("averageUtilization"), target.get("averageValue")
    if share is None and average is None:
        detail = "must set either a target raw value or a target utilization"
        return [required(f"{field}.averageUtilization", detail)]
    if share is not None and average is not None:
        detail = "may not set both a target raw value and a target utilization"
        return [forbidden(f"{field}.averageValue", detail)]
    return []


def _identifier(metric: Value, field: str) -> Faults:
    name = metric.get("name", "")
    if not name:
        return [required(f"{field}.name", "must specify a metric name")]
    return all_invalid(f"{field}.name", name, formats.path_segment_faults(name))


def _target(target: Value, field: str) -> Faults:
    kind = target.get("type", "")
    faults: Faults = []
    if not kind:
        faults.append(required(f"{field}.type", "must specify a metric target type"))
    if kind not in _TARGETS:
        detail = "must be either Utilization, Value, or AverageValue"
        faults.append(invalid(f"{field}.type", kind, detail))
    for name in ("value", "averageValue"):
        amount = target.get(name)
        if amount is not None and parse_quantity(amount) <= 0:
            shown = canonical_quantity(amount)
            faults.append(invalid(f"{field}.{name}", shown, "must be positive"))
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        faults.append(invalid(f"{field}.averageUtilization", share, "must be greater than 0"))
    return faults


def _scaling(rules: Value, field: str) -> Faults:
    faults: Faults = []
    window, at = rules.get("stabilizationWindowSeconds"), f"{field}.stabilizationWindowSeconds"
    if window is not None and window < 0:
        faults.append(invalid(at, window, "must be greater than or equal to zero"))
    if window is not None and window > _LONGEST_WINDOW:
        faults.append(invalid(at, window, f"must be less than or equal to {_LONGEST_WINDOW}"))
    choice = rules.get("selectPolicy")
    known = ("Disabled", "Max", "Min")
    if choice is not None and choice not in known:
        faults.append(unsupported(f"{field}.selectPolicy", choice, known))
    policies = rules.get("policies") or ()
    if not policies:
        faults.append(required(f"{field}.policies", "must specify at least one Policy"))
    for index, policy in enumerate(policies):
        faults += _policy(policy, f"{field}.policies[{index}]")
    tolerance = rules.get("tolerance")
    if tolerance is not None and parse_quantity(tolerance) < 0:
        detail = "must be greater than or equal to 0"
        faults.append(invalid(f"{field}.tolerance", tolerance, detail))
    return faults


def _policy(policy: Value, field: str) -> Faults:
    kind, value = policy.get("type", ""), policy.get("value", 0)
    period = policy.get("periodSeconds", 0)
    faults: Faults = []
    if kind not in ("Percent", "Pods"):
        faults.append(unsupported(f"{field}.type", kind, ("Percent", "Pods")))
    if value <= 0:
        faults.append(invalid(f"{field}.value", value, "must be greater than zero"))
    if period <= 0:
        faults.append(invalid(f"{field}.periodSeconds", period, "must be greater than zero"))
    if period > _LONGEST_PERIOD:
        detail = f"must be less than or equal to {_LONGEST_PERIOD}"
        faults.append(invalid(f"{field}.periodSeconds", period, detail))
    return faults
