"""Offers volumes that somebody made, and binds claims to them that nothing is provisioned for.

Source: pkg/controller/volume/persistentvolume/{pv_controller.go,index.go}.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.controllers.storage_classes import is_provisioned_by_hand, storage_class
from kiban.cluster.controllers.writing import change, status_update
from kiban.kube.objects import (
    PERSISTENT_VOLUME_CLAIM,
    GroupKind,
    Key,
    Manifest,
    get_in,
    is_deleting,
    key_of,
    uid_of,
)
from kiban.kube.selectors import selector_from_object
from kiban.primitives.instants import Instant
from kiban.primitives.quantities import parse_quantity
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

PERSISTENT_VOLUME = GroupKind("", "PersistentVolume")
_BOUND_BY_CONTROLLER = {"pv.kubernetes.io/bound-by-controller": "yes"}
_BIND_COMPLETED = {"pv.kubernetes.io/bind-completed": "yes"}


class PersistentVolumeController:
    """The controller of volumes that are there before their claims."""

    name = "persistentvolume-controller"
    watches = frozenset({PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.after is None:
            return []
        if change.key.group_kind == PERSISTENT_VOLUME_CLAIM:
            return [change.key]
        # A free volume may be what a claim waits for.
        waiting = [key_of(claim) for claim in snapshot.list(PERSISTENT_VOLUME_CLAIM)
                   if not get_in(claim, "spec", "volumeName")]  # fmt: skip
        return [change.key, *waiting]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        found = snapshot.get(key)
        if found is None or is_deleting(found):
            return NOTHING
        if key.group_kind == PERSISTENT_VOLUME:
            return Outcome(tuple(_offered(found)))
        if get_in(found, "status", "phase") == "Bound" or not _is_static(found, snapshot):
            return NOTHING
        volume = _best(found, snapshot.list(PERSISTENT_VOLUME))
        return Outcome(tuple(_bound(found, volume))) if volume is not None else NOTHING


def _offered(volume: Manifest) -> Sequence[Command]:
    """A volume that no claim has yet is there to be had."""
    if get_in(volume, "spec", "claimRef", "uid"):
        return ()
    return status_update(volume, {**(volume.get("status") or {}), "phase": "Available"})


def _is_static(claim: Manifest, snapshot: Snapshot) -> bool:
    """Whether nobody provisions for the claim, and it need not wait for a pod."""
    name = get_in(claim, "spec", "storageClassName")
    if name is None:
        return False
    found = storage_class(name, snapshot)
    if found is None:
        return True
    waits = found.get("volumeBindingMode") == "WaitForFirstConsumer"
    return not waits and is_provisioned_by_hand(found)


def _best(claim: Manifest, volumes: Sequence[Manifest]) -> Manifest | None:
    """The volume that is meant for the claim, or the smallest that will do."""
    fitting = [volume for volume in volumes if _fits(volume, claim)]
    meant = [volume for volume in fitting if get_in(volume, "spec", "claimRef")]
    ranked = sorted(meant or fitting, key=lambda volume: (_size(volume), key_of(volume)))
    return ranked[0] if ranked else None


def _size(volume: Manifest) -> float:
    return float(parse_quantity(get_in(volume, "spec", "capacity", "storage", default="0")))


def _fits(volume: Manifest, claim: Manifest) -> bool:
    spec, wanted = volume["spec"], claim["spec"]
    if is_deleting(volume) or not _is_free_for(spec.get("claimRef"), claim):
        return False
    name = wanted.get("volumeName")
    if name and name != volume["metadata"]["name"]:
        return False
    asked = get_in(wanted, "resources", "requests", "storage", default="0")
    return (
        (spec.get("storageClassName") or "") == (wanted.get("storageClassName") or "")
        and spec.get("volumeMode") == wanted.get("volumeMode")
        and set(wanted.get("accessModes") or ()) <= set(spec.get("accessModes") or ())
        and _size(volume) >= float(parse_quantity(asked))
        and selector_from_object(wanted.get("selector") or {}).chooses(volume)
    )


def _is_free_for(reference: Manifest | None, claim: Manifest) -> bool:
    if not reference:
        return True
    named = (reference.get("namespace"), reference.get("name"))
    metadata = claim["metadata"]
    is_meant = named == (metadata.get("namespace"), metadata["name"])
    return is_meant and reference.get("uid") in (None, "", uid_of(claim))


def _bound(claim: Manifest, volume: Manifest) -> list[Command]:
    """Make claim and volume point at each other, and say so in both."""
    metadata = claim["metadata"]
    reference = {
        "kind": "PersistentVolumeClaim",
        "namespace": metadata.get("namespace", ""),
        "name": metadata["name"],
        "uid": metadata["uid"],
        "apiVersion": "v1",
        "resourceVersion": metadata["resourceVersion"],
    }
    was_meant = bool(get_in(volume, "spec", "claimRef"))
    notes = {} if was_meant else {"annotations": _BOUND_BY_CONTROLLER}
    status = {
        "phase": "Bound",
        "accessModes": volume["spec"]["accessModes"],
        "capacity": volume["spec"]["capacity"],
    }
    own = {**_BIND_COMPLETED, **({} if claim["spec"].get("volumeName") else _BOUND_BY_CONTROLLER)}
    spec = {"volumeName": volume["metadata"]["name"]}
    return [
        change(volume, {"metadata": notes, "spec": {"claimRef": reference}}),
        *status_update(volume, {**(volume.get("status") or {}), "phase": "Bound"}),
        change(claim, {"metadata": {"annotations": own}, "spec": spec}),
        *status_update(claim, {**(claim.get("status") or {}), **status}),
    ]
