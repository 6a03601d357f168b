"""Rules for PersistentVolumes and StorageClasses.

Source: k8s.io/kubernetes/pkg/apis/{core,storage}/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.primitives.quantities import parse_quantity

_ACCESS = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")
_RECLAIM = ("Delete", "Recycle", "Retain")
_BINDING = ("Immediate", "WaitForFirstConsumer")
# What a volume's spec holds besides its source.
_NOT_SOURCES = frozenset(
    (
        "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity",
        "persistentVolumeReclaimPolicy", "storageClassName", "volumeAttributesClassName",
        "volumeMode",
    )
)  # fmt: skip


def validate_volume(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults: Faults = []
    modes = spec.get("accessModes") or []
    if not modes:
        faults.append(required("spec.accessModes"))
    for mode in modes:
        faults += one_of("spec.accessModes", mode, _ACCESS)
    faults += _capacity(spec.get("capacity") or {})
    policy = spec.get("persistentVolumeReclaimPolicy")
    if policy:
        faults += one_of("spec.persistentVolumeReclaimPolicy", policy, _RECLAIM)
    sources = sorted(name for name in spec if name not in _NOT_SOURCES)
    if not sources:
        faults.append(required("spec", "must specify a volume type"))
    for extra in sources[1:]:
        faults.append(forbidden(f"spec.{extra}", "may not specify more than 1 volume type"))
    path = (spec.get("hostPath") or {}).get("path")
    if "hostPath" in spec and not path:
        faults.append(required("spec.hostPath.path"))
    if "local" in spec and not spec.get("nodeAffinity"):
        faults.append(required("spec.nodeAffinity", "Local volume requires node affinity"))
    return faults


def _capacity(capacity: dict[str, Any]) -> Faults:
    if not capacity:
        return [required("spec.capacity")]
    faults: Faults = []
    if "storage" not in capacity or len(capacity) > 1:
        faults.append(unsupported("spec.capacity", capacity, ("storage",)))
    for name in sorted(capacity):
        if parse_quantity(capacity[name]) <= 0:
            detail = "must be greater than zero"
            faults.append(invalid(f"spec.capacity[{name}]", str(capacity[name]), detail))
    return faults


def volume_stays(old: Manifest, new: Manifest) -> Faults:
    before, after = (manifest.get("spec") or {} for manifest in (old, new))
    source = {key: value for key, value in before.items() if key not in _NOT_SOURCES}
    if source != {key: value for key, value in after.items() if key not in _NOT_SOURCES}:
        detail = "spec.persistentvolumesource is immutable after creation"
        return [forbidden("spec.persistentvolumesource", detail)]
    if before.get("volumeMode") != after.get("volumeMode"):
        return [invalid("volumeMode", after.get("volumeMode"), "field is immutable")]
    return []


def validate_class(manifest: Manifest) -> Faults:
    provisioner = manifest.get("provisioner") or ""
    faults: Faults = [] if provisioner else [required("provisioner")]
    if provisioner:
        details = formats.label_key_faults(provisioner.lower())
        faults += all_invalid("provisioner", provisioner, details)
    if "" in (manifest.get("parameters") or ()):
        faults.append(invalid("parameters", "", "field can not be empty."))
    policy, binding = manifest.get("reclaimPolicy"), manifest.get("volumeBindingMode")
    if policy:
        faults += one_of("reclaimPolicy", policy, ("Delete", "Retain"))
    if binding:
        faults += one_of("volumeBindingMode", binding, _BINDING)
    for index, term in enumerate(manifest.get("allowedTopologies") or ()):
        faults += _topology(term, f"allowedTopologies[{index}].matchLabelExpressions")
    return faults


def _topology(term: dict[str, Any], at: str) -> Faults:
    faults: Faults = []
    keys: set[str] = set()
    for index, expression in enumerate(term.get("matchLabelExpressions") or ()):
        place, key, values = f"{at}[{index}]", expression.get("key", ""), expression.get("values")
        if not values:
            faults.append(required(f"{place}.values"))
        for position, value in enumerate(values or ()):
            if value in values[:position]:
                faults.append(duplicate(f"{place}.values[{position}]", value))
        faults += all_invalid(f"{place}.key", key, formats.label_key_faults(key))
        if key in keys:
            faults.append(duplicate(f"{place}.key", key))
        keys.add(key)
    return faults


def class_stays(old: Manifest, new: Manifest) -> Faults:
    faults: Faults = []
    if (old.get("parameters") or {}) != (new.get("parameters") or {}):
        faults.append(forbidden("parameters", "updates to parameters are forbidden."))
    if old.get("provisioner") != new.get("provisioner"):
        faults.append(forbidden("provisioner", "updates to provisioner are forbidden."))
    if old.get("reclaimPolicy") != new.get("reclaimPolicy"):
        faults.append(forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden."))
    if old.get("volumeBindingMode") != new.get("volumeBindingMode"):
        value = new.get("volumeBindingMode")
        faults.append(invalid("volumeBindingMode", value, "field is immutable"))
    return faults
