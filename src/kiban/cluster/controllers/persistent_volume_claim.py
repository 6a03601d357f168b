"""Gives every claim a volume: a directory of this machine, whatever class it asks for.

The storage of a class that exists on EKS only (gp3, efs) is stood in for by a directory, so that
the same manifests run unchanged. As with a class of mode WaitForFirstConsumer, a claim is bound
when its first pod has a node; a class of mode Immediate is bound at once.
"""

from collections.abc import Iterable
from typing import Any

from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.storage_classes import is_provisioned_by_hand, storage_class
from kiban.cluster.controllers.writing import change, event, status_update
from kiban.kube.objects import (
    PERSISTENT_VOLUME_CLAIM,
    POD,
    GroupKind,
    Key,
    Manifest,
    get_in,
    is_deleting,
    uid_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Create, Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
PROVISIONER = "kiban.dev/local"
# Claims that name no class get this one.
DEFAULT_CLASS = "local"


class PersistentVolumeClaimController:
    """The controller of claims and of the volumes made for them."""

    name = "persistentvolume-binder"
    watches: Watched = frozenset(
        {PERSISTENT_VOLUME_CLAIM, PERSISTENT_VOLUME, Only(POD, is_more_than_waiting)}
    )

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        kind = change.key.group_kind
        if kind == PERSISTENT_VOLUME_CLAIM:
            return [change.key]
        if kind == PERSISTENT_VOLUME:
            owner = get_in(change.object, "spec", "claimRef", default={})
            if not owner:
                return []
            return [Key(*PERSISTENT_VOLUME_CLAIM, owner.get("namespace", ""), owner["name"])]
        before, after = change.before, change.after
        if before is not None and after is not None and before["spec"] is after["spec"]:
            return []
        if _node(before) == _node(after):
            return []
        return [
            Key(*PERSISTENT_VOLUME_CLAIM, change.key.namespace, name)
            for name in _claim_names(change.object)
        ]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        claim = snapshot.get(key)
        if claim is None:
            return Outcome(tuple(_given_back(key, snapshot)))
        if is_deleting(claim) or get_in(claim, "spec", "storageClassName") == "":
            return NOTHING
        name = claim["spec"].get("volumeName") or f"pvc-{uid_of(claim)}"
        volume = snapshot.get(Key(*PERSISTENT_VOLUME, "", name))
        if volume is None:
            if not _is_wanted(claim, snapshot):
                return NOTHING
            text = f"Successfully provisioned volume {name}"
            made = Create(_volume(name, claim, snapshot))
            done = event(claim, "ProvisioningSucceeded", text, after_success=True)
            return Outcome((made, done), wake_after=0)
        return Outcome(tuple(_bound(claim, volume)))


def _node(pod: Manifest | None) -> str:
    node: str = get_in(pod, "spec", "nodeName", default="")
    return node


def _claim_names(pod: Manifest) -> list[str]:
    volumes = get_in(pod, "spec", "volumes", default=[])
    return [
        volume["persistentVolumeClaim"]["claimName"]
        for volume in volumes
        if "persistentVolumeClaim" in volume
    ]


def _class(claim: Manifest, snapshot: Snapshot) -> Manifest:
    return storage_class(claim["spec"].get("storageClassName") or DEFAULT_CLASS, snapshot) or {}


def _is_wanted(claim: Manifest, snapshot: Snapshot) -> bool:
    """Whether it is time to make the volume."""
    if claim["spec"].get("volumeName"):
        return False
    asked = _class(claim, snapshot)
    if is_provisioned_by_hand(asked):
        return False
    if asked.get("volumeBindingMode") == "Immediate":
        return True
    namespace, name = claim["metadata"].get("namespace", ""), claim["metadata"]["name"]
    return any(name in _claim_names(pod) and _node(pod) for pod in snapshot.list(POD, namespace))


def _volume(name: str, claim: Manifest, snapshot: Snapshot) -> Manifest:
    namespace, claim_name = claim["metadata"].get("namespace", ""), claim["metadata"]["name"]
    policy = _class(claim, snapshot).get("reclaimPolicy", "Delete")
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {
            "name": name,
            "annotations": {"pv.kubernetes.io/provisioned-by": PROVISIONER},
        },
        "spec": {
            "capacity": {"storage": get_in(claim, "spec", "resources", "requests", "storage")},
            "accessModes": claim["spec"].get("accessModes") or ["ReadWriteOnce"],
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": namespace,
                "name": claim_name,
                "uid": uid_of(claim),
            },
            "persistentVolumeReclaimPolicy": policy,
            "storageClassName": claim["spec"].get("storageClassName") or DEFAULT_CLASS,
            "hostPath": {"path": f"/claims/{namespace}/{claim_name}"},
        },
    }


def _bound(claim: Manifest, volume: Manifest) -> list[Command]:
    """Make claim and volume point at each other, and say so in both."""
    commands: list[Command] = []
    owner = get_in(volume, "spec", "claimRef", default={})
    if owner.get("uid") not in (None, uid_of(claim)):
        return commands
    name = volume["metadata"]["name"]
    if claim["spec"].get("volumeName") != name:
        notes = {"pv.kubernetes.io/bind-completed": "yes"}
        patch: dict[str, Any] = {
            "metadata": {"annotations": notes},
            "spec": {"volumeName": name},
        }
        commands.append(change(claim, patch))
    status = {
        "phase": "Bound",
        "accessModes": volume["spec"]["accessModes"],
        "capacity": volume["spec"]["capacity"],
    }
    commands += status_update(claim, {**(claim.get("status") or {}), **status})
    commands += status_update(volume, {**(volume.get("status") or {}), "phase": "Bound"})
    return commands


def _given_back(key: Key, snapshot: Snapshot) -> list[Command]:
    """The claim is gone: its volume goes too, or is kept as released."""
    commands: list[Command] = []
    for volume in snapshot.list(PERSISTENT_VOLUME):
        owner = get_in(volume, "spec", "claimRef", default={})
        if (owner.get("namespace"), owner.get("name")) != (key.namespace, key.name):
            continue
        name = Key(*PERSISTENT_VOLUME, "", volume["metadata"]["name"])
        if volume["spec"].get("persistentVolumeReclaimPolicy") == "Delete":
            commands.append(Delete(name, uid=uid_of(volume)))
        elif get_in(volume, "status", "phase") != "Released":
            released = {"status": {"phase": "Released"}}
            commands.append(Patch(name, released, "status", uid_of(volume)))
    return commands
