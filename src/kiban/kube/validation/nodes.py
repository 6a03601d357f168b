"""Rules for Nodes, Namespaces and the other kinds of the cluster's own housekeeping.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.addresses import network_faults
from kiban.kube.validation.faults import (
    Fault,
    Faults,
    all_invalid,
    forbidden,
    invalid,
    one_of,
    required,
    shown,
)
from kiban.kube.validation.resources import amount_faults

Value = dict[str, Any]

_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def validate_node(manifest: Manifest) -> Faults:
    spec, status = manifest.get("spec") or {}, manifest.get("status") or {}
    # Kubernetes says where taints are as if they were metadata.
    faults = _taints(spec.get("taints") or (), "metadata.taints")
    for part in ("capacity", "allocatable"):
        for name in sorted(status.get(part) or ()):
            faults += amount_faults(name, status[part][name], f"status.{part}.{name}")
    networks = spec.get("podCIDRs") or ()
    for index, text in enumerate(networks):
        faults += network_faults(text, f"spec.podCIDRs[{index}]")
    return faults


def _taints(taints: Any, field: str) -> Faults:
    faults: Faults = []
    seen: set[tuple[str, str]] = set()
    for index, taint in enumerate(taints):
        at = f"{field}[{index}]"
        key, effect = taint.get("key", ""), taint.get("effect", "")
        value = taint.get("value", "")
        faults += all_invalid(f"{at}.key", key, formats.label_key_faults(key))
        details = formats.label_value_faults(value)
        if details:
            faults.append(invalid(f"{at}.value", value, ";".join(details)))
        if effect:
            faults += one_of(f"{at}.effect", effect, _EFFECTS)
        else:
            faults.append(required(f"{at}.effect"))
        if (key, effect) in seen:
            own = {"Key": key, "Value": value, "Effect": effect, "TimeAdded": None}
            text = f"Duplicate value: {shown(own)}: taints must be unique by key and effect pair"
            faults.append(Fault("FieldValueDuplicate", at, text))
        seen.add((key, effect))
    return faults


def node_stays(old: Manifest, new: Manifest) -> Faults:
    """What a node was given once stays."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    faults: Faults = []
    for name in ("podCIDRs", "providerID"):
        called = "podCIDR" if name == "podCIDRs" else name
        if before.get(name) and before[name] != after.get(name):
            detail = f'node updates may not change {called} except from "" to valid'
            faults.append(forbidden(f"spec.{name}", detail))
    return faults


def validate_namespace(manifest: Manifest) -> Faults:
    faults: Faults = []
    for name in (manifest.get("spec") or {}).get("finalizers") or ():
        details = formats.label_key_faults(name)
        faults += all_invalid("spec.finalizers", name, details)
        if "/" not in name and name not in ("kubernetes", "orphan", "foregroundDeletion"):
            detail = "name is neither a standard finalizer name nor is it fully qualified"
            faults.append(invalid("spec.finalizers", name, detail))
    return faults
