"""Lets go of storage that is to be deleted once nobody uses it: claims that no pod on a node
mounts, volumes that no claim is bound to.

Source: pkg/controller/volume/{pvcprotection,pvprotection}.
"""

from collections.abc import Iterable

from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.writing import change
from kiban.kube.objects import (
    PERSISTENT_VOLUME_CLAIM,
    POD,
    GroupKind,
    Key,
    Manifest,
    get_in,
    is_deleting,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
_FINALIZERS = {
    PERSISTENT_VOLUME_CLAIM: "kubernetes.io/pvc-protection",
    PERSISTENT_VOLUME: "kubernetes.io/pv-protection",
}


class StorageProtectionController:
    """The controller of the finalizers that keep storage in use."""

    name = "storage-protection-controller"
    watches: Watched = frozenset(
        {PERSISTENT_VOLUME_CLAIM, PERSISTENT_VOLUME, Only(POD, is_more_than_waiting)}
    )

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        kind, after = change.key.group_kind, change.after
        if kind == POD:
            # A pod keeps its claims as long as there is a pod.
            return _claims_of(change.object) if after is None else ()
        if kind == PERSISTENT_VOLUME_CLAIM and after is None:
            volume = get_in(change.object, "spec", "volumeName")
            return [Key(*PERSISTENT_VOLUME, "", volume)] if volume else ()
        return [change.key] if after is not None and is_deleting(after) else ()

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        found = snapshot.get(key)
        own = _FINALIZERS[key.group_kind]
        finalizers = get_in(found, "metadata", "finalizers", default=[])
        if found is None or not is_deleting(found) or own not in finalizers:
            return NOTHING
        is_used = _is_mounted if key.group_kind == PERSISTENT_VOLUME_CLAIM else _is_bound
        if is_used(found, snapshot):
            return NOTHING
        kept = [name for name in finalizers if name != own]
        return Outcome((change(found, {"metadata": {"finalizers": kept or None}}),))


def _claims_of(pod: Manifest) -> list[Key]:
    namespace = pod["metadata"].get("namespace", "")
    return [
        Key(*PERSISTENT_VOLUME_CLAIM, namespace, volume["persistentVolumeClaim"]["claimName"])
        for volume in get_in(pod, "spec", "volumes", default=[])
        if "persistentVolumeClaim" in volume
    ]


def _is_mounted(claim: Manifest, snapshot: Snapshot) -> bool:
    namespace, name = claim["metadata"].get("namespace", ""), claim["metadata"]["name"]
    key = Key(*PERSISTENT_VOLUME_CLAIM, namespace, name)
    return any(
        pod["spec"].get("nodeName") and key in _claims_of(pod)
        for pod in snapshot.list(POD, namespace)
    )


def _is_bound(volume: Manifest, snapshot: Snapshot) -> bool:
    owner = get_in(volume, "spec", "claimRef")
    if owner is None:
        return False
    key = Key(*PERSISTENT_VOLUME_CLAIM, owner.get("namespace", ""), owner["name"])
    claim = snapshot.get(key)
    return claim is not None and claim["metadata"].get("uid") == owner.get("uid")
