"""Rules for PersistentVolumeClaims, on their own and as templates.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest, get_in
from kiban.kube.validation.differences import difference
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    forbidden,
    immutable,
    invalid,
    required,
    unsupported,
)
from kiban.kube.validation.metadata import validate_annotations, validate_labels
from kiban.kube.validation.selectors import validate_selector
from kiban.primitives.quantities import parse_quantity

Value = dict[str, Any]

ACCESS = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
MODES = ("Block", "Filesystem")
_ONE_POD = "ReadWriteOncePod"


def access_faults(modes: Any, field: str) -> Faults:
    faults: Faults = [unsupported(field, mode, ACCESS) for mode in modes if mode not in ACCESS]
    known = [mode for mode in modes if mode in ACCESS]
    if _ONE_POD in known and any(mode != _ONE_POD for mode in known):
        detail = "may not use ReadWriteOncePod with other access modes"
        faults.append(forbidden(field, detail))
    return faults


def class_name_faults(name: Any, field: str) -> Faults:
    return all_invalid(field, name, formats.dns_subdomain_faults(name)) if name else []


def validate_claim(manifest: Manifest) -> Faults:
    return validate_claim_spec(manifest.get("spec") or {}, "spec")


def validate_claim_template(template: Value, field: str) -> Faults:
    """A claim that is made for each pod; of its metadata only labels and annotations count."""
    metadata = template.get("metadata") or {}
    at = f"{field}.metadata"
    faults = validate_annotations(metadata.get("annotations"), f"{at}.annotations")
    faults += validate_labels(metadata.get("labels"), f"{at}.labels")
    for name in sorted(metadata):
        if name not in ("annotations", "labels", "creationTimestamp") and metadata[name]:
            faults.append(forbidden(f"{at}.{name}", "cannot be set"))
    return faults + validate_claim_spec(template.get("spec") or {}, f"{field}.spec")


def validate_claim_spec(spec: Value, field: str) -> Faults:
    modes = spec.get("accessModes") or []
    faults: Faults = []
    if not modes:
        faults.append(required(f"{field}.accessModes", "at least 1 access mode is required"))
    faults += validate_selector(spec.get("selector"), f"{field}.selector")
    faults += access_faults(modes, f"{field}.accessModes")
    at = f"{field}.resources[storage]"
    storage = get_in(spec, "resources", "requests", "storage")
    if storage is None:
        faults.append(required(at))
    elif parse_quantity(storage) <= 0:
        faults.append(invalid(at, str(storage), "must be greater than zero"))
    faults += class_name_faults(spec.get("storageClassName"), f"{field}.storageClassName")
    mode = spec.get("volumeMode")
    if mode is not None and mode not in MODES:
        faults.append(unsupported(f"{field}.volumeMode", mode, MODES))
    for name in ("dataSource", "dataSourceRef"):
        if spec.get(name) is not None:
            faults += _source(spec[name], f"{field}.{name}")
    at = f"{field}.volumeAttributesClassName"
    return faults + class_name_faults(spec.get("volumeAttributesClassName"), at)


def _source(source: Value, field: str) -> Faults:
    faults: Faults = [required(f"{field}.{name}") for name in ("name", "kind") if
                      not source.get(name)]  # fmt: skip
    group = source.get("apiGroup") or ""
    if not group and source.get("kind") != "PersistentVolumeClaim":
        detail = "must be 'PersistentVolumeClaim' when referencing the default apiGroup"
        faults.append(invalid(field, source.get("kind", ""), detail))
    faults += all_invalid(f"{field}.apiGroup", group, formats.dns_subdomain_faults(group)
                          if group else [])  # fmt: skip
    return faults


def claim_stays(old: Manifest, new: Manifest) -> Faults:
    """Of a bound claim only size and class may change; its volume is set once."""
    before, after = dict(old.get("spec") or {}), dict(new.get("spec") or {})
    if not before.get("volumeName"):
        _follow("volumeName", before, after)
    if before.get("storageClassName") is None and after.get("storageClassName") is not None:
        after.pop("storageClassName")
    if get_in(new, "status", "phase") == "Bound":
        _follow("volumeAttributesClassName", after, before)
        after["resources"] = before.get("resources")
    faults: Faults = []
    if before != after:
        detail = (
            "spec is immutable after creation except resources.requests and "
            f"volumeAttributesClassName for bound claims\n{difference(before, after)}"
        )
        faults.append(forbidden("spec", detail))
    faults += _shrunk(old, new)
    modes = ((manifest.get("spec") or {}).get("volumeMode") for manifest in (old, new))
    return faults + immutable("volumeMode", *modes)


def _follow(name: str, one: Value, other: Value) -> None:
    """Let one have what the other has."""
    if name in other:
        one[name] = other[name]
    else:
        one.pop(name, None)


def _shrunk(old: Manifest, new: Manifest) -> Faults:
    path = ("spec", "resources", "requests", "storage")
    was, now = (parse_quantity(get_in(manifest, *path, default="0")) for manifest in (old, new))
    there = parse_quantity(get_in(old, "status", "capacity", "storage", default="0"))
    if now < was and now <= there:
        detail = "field can not be less than status.capacity"
        return [forbidden("spec.resources.requests.storage", detail)]
    return []
