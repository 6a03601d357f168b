"""Whether a custom object says its scale where its definition says it does.

Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/validator.go.
"""

from collections.abc import Mapping
from typing import Any

from kiban.kube.validation.faults import Faults, invalid

_LIMIT = 2**31 - 1
_GO_TYPES = {str: "string", bool: "bool", float: "float64", dict: "map[string]interface {}"}


def at_path(manifest: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as `.spec.replicas`; None when it is not there."""
    value: Any = manifest
    for part in path.lstrip(".").split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def scale_faults(manifest: Mapping[str, Any], scale: Mapping[str, str]) -> Faults:
    """The faults of the fields that a scale is read from."""
    faults: Faults = []
    for path in (scale.get("specReplicasPath"), scale.get("statusReplicasPath")):
        if path:
            faults += _replicas(at_path(manifest, path), path)
    path = scale.get("labelSelectorPath")
    if path:
        selector = at_path(manifest, path)
        if selector is not None and not isinstance(selector, str):
            faults.append(invalid(path, "", _not_a(selector, path, "string")))
    return faults


def _replicas(value: Any, path: str) -> Faults:
    if value is None:
        return []
    if isinstance(value, bool) or not isinstance(value, int):
        return [invalid(path, 0, _not_a(value, path, "int64"))]
    if value < 0:
        return [invalid(path, value, "should be a non-negative integer")]
    if value > _LIMIT:
        return [invalid(path, value, f"should be less than or equal to {_LIMIT}")]
    return []


def _not_a(value: Any, path: str, wanted: str) -> str:
    actual = _GO_TYPES.get(type(value), "[]interface {}")
    return f"{path} accessor error: {value} is of the type {actual}, expected {wanted}"
