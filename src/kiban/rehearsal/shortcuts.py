"""What becomes of the objects that trusted controllers change most, without the long way.

The long way fills in defaults, carries metadata over, asks admissions and counts generations. A
workload that gets another size, a slice that gets other endpoints and a pod that gets a node keep
their defaults, and their admissions have no say: only the generation is left to count. Whatever is
not one of these goes the long way, which gives None here.
"""

from typing import Any

from kiban.cluster.admission.matching import ADMISSION
from kiban.cluster.api.binding import place_of, scheduled
from kiban.cluster.quotas import RESOURCE_QUOTA
from kiban.cluster.store import Store
from kiban.kube.objects import (
    DEPLOYMENT,
    ENDPOINT_SLICE,
    REPLICA_SET,
    STATEFUL_SET,
    GroupKind,
    Key,
    Manifest,
    labels_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Bind, Patch

_SIZED = frozenset({DEPLOYMENT, REPLICA_SET, STATEFUL_SET})
# By these, people may have a say in any write.
_RULES = (
    RESOURCE_QUOTA,
    GroupKind(ADMISSION, "MutatingAdmissionPolicyBinding"),
    GroupKind(ADMISSION, "ValidatingAdmissionPolicyBinding"),
)


def is_ruled(store: Store) -> bool:
    """Whether there are rules of people's own, which the long way asks."""
    return any(store.list(kind) for kind in _RULES)


def patched(live: Manifest, command: Patch) -> Manifest | None:
    """The object with the patch merged in; the very object when it says so already."""
    if "deletionTimestamp" in live["metadata"]:
        return None
    kind, patch = command.key.group_kind, command.patch
    if kind == ENDPOINT_SLICE and patch.keys() == {"endpoints"}:
        return _with_endpoints(live, patch["endpoints"])
    if kind in _SIZED and patch.keys() <= {"metadata", "spec"}:
        return _resized(live, patch, counts_annotations=kind == DEPLOYMENT)
    return None


def _with_endpoints(live: Manifest, endpoints: list[Any] | None) -> Manifest:
    endpoints = endpoints or None
    if endpoints == live.get("endpoints"):
        return live
    return {**live, "metadata": _counted(live["metadata"]), "endpoints": endpoints}


def _resized(live: Manifest, patch: Manifest, *, counts_annotations: bool) -> Manifest | None:
    spec, metadata = patch.get("spec") or {}, patch.get("metadata") or {}
    annotations = metadata.get("annotations") or {}
    if (
        not spec.keys() <= {"replicas"}
        or not metadata.keys() <= {"annotations"}
        or None in spec.values()
        or None in annotations.values()
    ):
        return None
    present = live["metadata"].get("annotations") or {}
    is_renamed = any(present.get(name) != value for name, value in annotations.items())
    is_resized = bool(spec) and spec["replicas"] != live["spec"]["replicas"]
    if not is_renamed and not is_resized:
        return live
    new = dict(live["metadata"])
    if is_resized or counts_annotations:
        new = _counted(new)
    if is_renamed:
        new["annotations"] = {**present, **annotations}
    changed = {**live, "metadata": new}
    if is_resized:
        changed["spec"] = {**live["spec"], **spec}
    return changed


def _counted(metadata: Manifest) -> Manifest:
    return {**metadata, "generation": metadata.get("generation", 0) + 1}


def bound(store: Store, live: Manifest, command: Bind, now: Instant) -> Manifest | None:
    """The pod on its node."""
    metadata = live["metadata"]
    if "deletionTimestamp" in metadata or live["spec"].get("nodeName") or not command.node:
        return None
    if command.uid and command.uid != metadata["uid"]:
        return None
    place = place_of(store, command.node)
    if place:
        metadata = {**metadata, "labels": {**labels_of(live), **place}}
    return {
        **live,
        "metadata": metadata,
        "spec": {**live["spec"], "nodeName": command.node},
        "status": scheduled(live.get("status") or {}, now),
    }


def goes(store: Store, key: Key, pod: Manifest) -> bool:
    """Whether a pod is there that was asked to go, and nothing holds it back but its machine."""
    live = store.get(key)
    if live is None or live["metadata"]["uid"] != pod["metadata"]["uid"]:
        return False
    is_held = bool(live["metadata"].get("finalizers"))
    return "deletionTimestamp" in live["metadata"] and not is_held and not is_ruled(store)
