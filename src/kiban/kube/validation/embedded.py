"""Whether resources inside a custom object say what they are.

Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta/validation.go.
"""

from collections.abc import Mapping
from typing import Any

from kiban.kube import formats
from kiban.kube.schema.structural import EMBEDDED
from kiban.kube.validation.faults import Faults, all_invalid, invalid, required
from kiban.kube.validation.metadata import validate_annotations, validate_labels

Schema = Mapping[str, Any]


def embedded_faults(value: Any, schema: Schema, path: str = "") -> Faults:
    """The faults of all resources inside a value; its own head is not looked at."""
    faults: Faults = []
    if isinstance(value, dict):
        properties = schema.get("properties") or {}
        others = schema.get("additionalProperties")
        for key, child in value.items():
            declared = properties.get(key, others)
            if isinstance(declared, Mapping):
                at = f"{path}.{key}" if path else key
                faults += _inner_faults(child, declared, at)
    elif isinstance(value, list) and isinstance(schema.get("items"), Mapping):
        for index, child in enumerate(value):
            faults += _inner_faults(child, schema["items"], f"{path}[{index}]")
    return faults


def _inner_faults(value: Any, schema: Schema, path: str) -> Faults:
    own = _head_faults(value, path) if schema.get(EMBEDDED) and isinstance(value, dict) else []
    return [*own, *embedded_faults(value, schema, path)]


def _head_faults(resource: Mapping[str, Any], path: str) -> Faults:
    faults: Faults = []
    for name in ("apiVersion", "kind"):
        at, said = f"{path}.{name}", resource.get(name)
        if name not in resource:
            faults.append(required(at, "must not be empty"))
        elif not isinstance(said, str):
            faults.append(invalid(at, said, "must be a string"))
        elif not said:
            faults.append(invalid(at, said, "must not be empty"))
        elif name == "kind":
            faults += all_invalid(at, said, formats.dns_1035_faults(said.lower()))
    metadata = resource.get("metadata")
    if isinstance(metadata, dict):
        faults += validate_annotations(metadata.get("annotations"), f"{path}.metadata.annotations")
        faults += validate_labels(metadata.get("labels"), f"{path}.metadata.labels")
    return faults
