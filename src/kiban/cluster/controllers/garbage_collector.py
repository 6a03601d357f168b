"""Removes what nobody owns any more, by owner references, in all three ways of deletion.

An object goes when none of its owners is left. An owner deleted in the foreground waits for the
dependents that block it; one that is deleted with `orphan` lets its dependents go free. Source of
the rules: pkg/controller/garbagecollector/garbagecollector.go.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Literal

from kiban.cluster.controllers.writing import change, warning
from kiban.kube.objects import (
    EVENT,
    Key,
    Manifest,
    group_of,
    is_deleting,
    key_of,
    owners_of,
    uid_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Delete, Propagation
from kiban.reconcile.controller import EVERY_KIND, NOTHING, Change, Outcome, Snapshot

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"

Standing = Literal["solid", "dangling", "waiting"]
Reference = dict[str, Any]


class GarbageCollector:
    """The controller of everything that has owners or is one."""

    name = "generic-garbage-collector"
    watches = frozenset({EVERY_KIND})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if _keeps_its_owners(change) or change.key.group_kind == EVENT:
            return ()
        found: dict[Key, None] = {}
        if change.after is None:
            assert change.before is not None
            for dependent in snapshot.owned_kinds(uid_of(change.before)):
                found[key_of(dependent)] = None
        else:
            if _finalizer(change.after) or _has_lost_owner(change.after, snapshot):
                found[change.key] = None
        for owner in _waiting_owners(change, snapshot):
            found[owner] = None
        return found

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        item = snapshot.get(key)
        if item is None:
            return NOTHING
        match _finalizer(item):
            case "foregroundDeletion":
                return Outcome(tuple(_waited_for(item, snapshot)))
            case "orphan":
                return Outcome(tuple(_orphaned(item, snapshot)))
        return Outcome(tuple(_collected(item, snapshot)))


def _keeps_its_owners(change: Change) -> bool:
    """A change that is nobody's end: most are. Who loses an owner hears of it by the owner's."""
    before, after = change.before, change.after
    if before is None or after is None or is_deleting(after):
        return False
    then, now = before["metadata"].get("ownerReferences"), after["metadata"].get("ownerReferences")
    return then is now or owners_of(before) == owners_of(after)


def _finalizer(manifest: Manifest) -> str:
    """The finalizer of ours that holds an object that is being deleted."""
    if not is_deleting(manifest):
        return ""
    finalizers = manifest["metadata"].get("finalizers") or ()
    return next((name for name in (ORPHAN, FOREGROUND) if name in finalizers), "")


def _has_lost_owner(manifest: Manifest, snapshot: Snapshot) -> bool:
    return any(
        _standing(manifest, reference, snapshot) != "solid" for reference in owners_of(manifest)
    )


def _waiting_owners(change: Change, snapshot: Snapshot) -> list[Key]:
    """Owners deleted in the foreground, for which a change of a dependent may be the last."""
    found = []
    for manifest in (change.before, change.after):
        for reference in owners_of(manifest) if manifest is not None else ():
            key = snapshot.by_uid(reference["uid"])
            owner = snapshot.get(key) if key is not None else None
            if owner is not None and key is not None and _finalizer(owner) == FOREGROUND:
                found.append(key)
    return found


def _standing(item: Manifest, reference: Reference, snapshot: Snapshot) -> Standing:
    key = snapshot.by_uid(reference["uid"])
    owner = snapshot.get(key) if key is not None else None
    if owner is None or key is None or not _is_meant(item, reference, key):
        return "dangling"
    return "waiting" if _finalizer(owner) == FOREGROUND else "solid"


def _is_meant(item: Manifest, reference: Reference, key: Key) -> bool:
    """Whether the reference names this object; owners are of the same namespace or of none."""
    named = (group_of(reference["apiVersion"]), reference["kind"], reference["name"])
    return named == (key.group, key.kind, key.name) and key.namespace in (
        "",
        item["metadata"].get("namespace", ""),
    )


def _collected(item: Manifest, snapshot: Snapshot) -> Sequence[Command]:
    """What becomes of an object whose owners have changed."""
    references = owners_of(item)
    if is_deleting(item) or not references:
        return ()
    by_standing: dict[Standing, list[Reference]] = {"solid": [], "dangling": [], "waiting": []}
    for reference in references:
        by_standing[_standing(item, reference, snapshot)].append(reference)
    if by_standing["solid"]:
        if len(by_standing["solid"]) == len(references):
            return ()
        return (change(item, {"metadata": {"ownerReferences": by_standing["solid"]}}),)
    lost = _misplaced(item, by_standing["dangling"], snapshot)
    dependents = snapshot.owned_kinds(uid_of(item))
    if by_standing["waiting"] and dependents:
        return [*lost, *_unblocked(item, dependents), _deleted(item, "Foreground")]
    return [*lost, _deleted(item, _own_policy(item))]


def _misplaced(
    item: Manifest, dangling: Sequence[Reference], snapshot: Snapshot
) -> Sequence[Command]:
    """Say it when an owner exists in another namespace, where it does not count."""
    found: list[Command] = []
    for reference in dangling:
        key = snapshot.by_uid(reference["uid"])
        if key is None or key.namespace in ("", item["metadata"].get("namespace", "")):
            continue
        where = item["metadata"].get("namespace", "")
        owner = f"[{reference['apiVersion']}/{reference['kind']}, namespace: {where}, name: "
        owner += f"{reference['name']}, uid: {reference['uid']}]"
        text = f'ownerRef {owner} does not exist in namespace "{where}"'
        found.append(warning(item, "OwnerRefInvalidNamespace", text))
    return found


def _own_policy(item: Manifest) -> Propagation:
    finalizers = item["metadata"].get("finalizers") or ()
    if ORPHAN in finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in finalizers else "Background"


def _unblocked(item: Manifest, dependents: Sequence[Manifest]) -> Sequence[Command]:
    """Break a circle: an object whose dependent waits for it must not block its owners."""
    if not any(_finalizer(dependent) == FOREGROUND for dependent in dependents):
        return ()
    references = owners_of(item)
    if not any(reference.get("blockOwnerDeletion") for reference in references):
        return ()
    freed = [{**reference, "blockOwnerDeletion": False} for reference in references]
    return (change(item, {"metadata": {"ownerReferences": freed}}),)


def _deleted(item: Manifest, propagation: Propagation) -> Delete:
    return Delete(key_of(item), uid=uid_of(item), propagation=propagation)


def _waited_for(owner: Manifest, snapshot: Snapshot) -> Sequence[Command]:
    """Delete the dependents that block the owner; when there are none, let it go."""
    uid = uid_of(owner)
    blocking = [
        dependent
        for dependent in snapshot.owned_kinds(uid)
        if any(
            reference["uid"] == uid and reference.get("blockOwnerDeletion")
            for reference in owners_of(dependent)
        )
    ]
    if not blocking:
        return (_released(owner, FOREGROUND),)
    return [command for dependent in blocking for command in _collected(dependent, snapshot)]


def _orphaned(owner: Manifest, snapshot: Snapshot) -> Sequence[Command]:
    """Take the owner out of its dependents, then let it go."""
    uid = uid_of(owner)
    commands: list[Command] = []
    for dependent in snapshot.owned_kinds(uid):
        kept = [reference for reference in owners_of(dependent) if reference["uid"] != uid]
        commands.append(change(dependent, {"metadata": {"ownerReferences": kept or None}}))
    return [*commands, _released(owner, ORPHAN)]


def _released(owner: Manifest, finalizer: str) -> Command:
    present = owner["metadata"].get("finalizers") or ()
    kept = [name for name in present if name != finalizer]
    return change(owner, {"metadata": {"finalizers": kept or None}})
