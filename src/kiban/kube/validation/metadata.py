"""Rules for names, labels, annotations, owners and finalizers, and for changing them.

Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go.
"""

from collections.abc import Callable
from typing import Any

from kiban.kube import formats
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Fault,
    Faults,
    all_invalid,
    forbidden,
    immutable,
    invalid,
    required,
    too_long,
)

MOST_ANNOTATION_BYTES = 256 * 1024

_NAME_RULES: dict[str, Callable[[str], list[str]]] = {
    "APIService": formats.path_segment_faults,
    "Namespace": formats.dns_label_faults,
    "Service": formats.dns_1035_faults,
    "Role": formats.path_segment_faults,
    "RoleBinding": formats.path_segment_faults,
    "ClusterRole": formats.path_segment_faults,
    "ClusterRoleBinding": formats.path_segment_faults,
}


def validate_metadata(manifest: Manifest, info: KindInfo) -> Faults:
    """The metadata of an object that is created."""
    metadata = manifest.get("metadata") or {}
    faults: Faults = []
    prefix = metadata.get("generateName", "")
    rule = _NAME_RULES.get(info.kind, formats.dns_subdomain_faults)
    if prefix:
        faults += all_invalid("metadata.generateName", prefix, rule(_masked(prefix)))
    name = metadata.get("name", "")
    if not name:
        faults.append(required("metadata.name", "name or generateName is required"))
    else:
        faults += all_invalid("metadata.name", name, rule(name))
    if info.namespaced and "namespace" in metadata:
        namespace = metadata["namespace"]
        details = formats.dns_label_faults(namespace)
        faults += all_invalid("metadata.namespace", namespace, details)
    return faults + _attached(metadata) + _bare_finalizers(metadata, info)


def _masked(prefix: str) -> str:
    """A prefix may end with a dash, since letters follow."""
    return prefix[:-1] + "a" if prefix.endswith("-") and len(prefix) > 1 else prefix


def _attached(metadata: Manifest) -> Faults:
    return [
        *validate_labels(metadata.get("labels"), "metadata.labels"),
        *validate_annotations(metadata.get("annotations"), "metadata.annotations"),
        *_validate_owners(metadata.get("ownerReferences") or []),
        *_validate_finalizers(metadata.get("finalizers") or []),
    ]


def validate_labels(labels: Any, field: str) -> Faults:
    faults: Faults = []
    for key in sorted(labels or {}):
        faults += all_invalid(field, key, formats.label_key_faults(key))
        faults += all_invalid(field, labels[key], formats.label_value_faults(labels[key]))
    return faults


def validate_annotations(annotations: Any, field: str) -> Faults:
    faults: Faults = []
    size = 0
    for key in sorted(annotations or {}):
        faults += all_invalid(field, key, formats.label_key_faults(key.lower()))
        size += len(key.encode()) + len(annotations[key].encode())
    if size > MOST_ANNOTATION_BYTES:
        faults.append(too_long(field, MOST_ANNOTATION_BYTES))
    return faults


def _validate_owners(owners: list[Any]) -> Faults:
    faults: Faults = []
    for index, owner in enumerate(owners):
        field = f"metadata.ownerReferences[{index}]"
        for key, value in (("apiVersion", "version"), ("kind", "kind"), ("name", "name")):
            if not owner.get(key):
                faults.append(invalid(f"{field}.{key}", "", f"{value} must not be empty"))
        if not owner.get("uid"):
            faults.append(invalid(f"{field}.uid", "", "uid must not be empty"))
        if owner.get("apiVersion") == "v1" and owner.get("kind") == "Event":
            faults.append(invalid(field, "v1, Kind=Event", "is disallowed from being an owner"))
    controllers = [owner for owner in owners if owner.get("controller")]
    if len(controllers) > 1:
        first, second = controllers[0], controllers[1]
        detail = (
            "Only one reference can have Controller set to true. Found "
            f'"true" in references for {first.get("kind")}/{first.get("name")} and '
            f"{second.get('kind')}/{second.get('name')}"
        )
        faults.append(invalid("metadata.ownerReferences", controllers, detail))
    return faults


_OWN_FINALIZERS = ("orphan", "foregroundDeletion", "kubernetes")


def _validate_finalizers(finalizers: list[str]) -> Faults:
    faults: Faults = []
    for name in finalizers:
        faults += all_invalid("metadata.finalizers", name, formats.label_key_faults(name))
    if "orphan" in finalizers and "foregroundDeletion" in finalizers:
        detail = "finalizer orphan and foregroundDeletion cannot be both set"
        faults.append(invalid("metadata.finalizers", finalizers, detail))
    return faults


def _bare_finalizers(metadata: Manifest, info: KindInfo) -> Faults:
    """Built-in kinds take no finalizers without a domain but the server's own."""
    if not info.type_name or info.group == "apiextensions.k8s.io":
        return []
    detail = "name is neither a standard finalizer name nor is it fully qualified"
    return [
        invalid(f"metadata.finalizers[{index}]", name, detail)
        for index, name in enumerate(metadata.get("finalizers") or ())
        if "/" not in name and name not in _OWN_FINALIZERS
    ]


def validate_metadata_update(old: Manifest, new: Manifest, info: KindInfo) -> Faults:
    """What may not change in metadata, and the rules for what may."""
    before, after = old.get("metadata") or {}, new.get("metadata") or {}
    faults: Faults = []
    for key in ("name", "namespace", "uid", "creationTimestamp"):
        faults += immutable(f"metadata.{key}", before.get(key), after.get(key))
    for key in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        faults += immutable(f"metadata.{key}", before.get(key), after.get(key))
    faults += _added_finalizers(before, after)
    if all(before.get(key) == after.get(key) for key in _ATTACHED):
        # These were accepted before.
        return faults
    return faults + _attached(after) + _bare_finalizers(after, info)


_ATTACHED = ("labels", "annotations", "ownerReferences", "finalizers")


def _added_finalizers(before: Manifest, after: Manifest) -> list[Fault]:
    if "deletionTimestamp" not in before:
        return []
    had = before.get("finalizers") or []
    extra = [name for name in after.get("finalizers") or [] if name not in had]
    if not extra:
        return []
    listed = ", ".join(f'"{name}"' for name in extra)
    detail = (
        "no new finalizers can be added if the object is being deleted, "
        f"found new finalizers []string{{{listed}}}"
    )
    return [forbidden("metadata.finalizers", detail)]
