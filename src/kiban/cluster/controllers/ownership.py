"""Which objects a controller may call its own: adoption of orphans, release of strays.

An object that matches the selector and has no controller is adopted; one that is owned and no
longer matches is released. Source of the rule: pkg/controller/controller_ref_manager.go.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kiban.kube.objects import (
    GroupKind,
    Key,
    Manifest,
    controller_of,
    is_deleting,
    key_of,
    owner_reference,
    owners_of,
    uid_of,
)
from kiban.kube.selectors import LabelSelector, selector_from_object
from kiban.reconcile.commands import Command, Patch
from kiban.reconcile.controller import Snapshot


@dataclass(slots=True)
class Claimed:
    """The objects that belong to an owner, and what has to be written for it to be so."""

    objects: Sequence[Manifest]
    commands: Sequence[Command] = ()


def claim(snapshot: Snapshot, owner: Manifest, kind: GroupKind) -> Claimed:
    """The objects of a kind that the owner's selector gives it."""
    selector = selector_from_object(owner["spec"].get("selector"))
    namespace = owner["metadata"].get("namespace", "")
    owned = snapshot.owned(uid_of(owner), kind)
    chosen = snapshot.selected(kind, namespace, selector.exact)
    if selector.is_exact and owned == chosen and all(map(_has_one_master, owned)):
        # As it nearly always is: what is owned is what is chosen, and nobody else's.
        return Claimed(owned)
    mine: list[Manifest] = []
    commands: list[Command] = []
    for candidate in _with_orphans(owned, chosen):
        if is_controlled_by(candidate, owner):
            if selector.chooses(candidate):
                mine.append(candidate)
            elif not is_deleting(owner):
                commands.append(_release(owner, candidate))
        elif (
            controller_of(candidate) is None
            and selector.chooses(candidate)
            and _may_adopt(owner, candidate)
        ):
            mine.append(candidate)
            commands.append(_adopt(owner, candidate))
    return Claimed(mine, commands)


def candidates(
    snapshot: Snapshot, owner: Manifest, kind: GroupKind, selector: LabelSelector
) -> Sequence[Manifest]:
    """What the owner has, and the orphans it might have, sorted by name."""
    namespace = owner["metadata"].get("namespace", "")
    owned = snapshot.owned(uid_of(owner), kind)
    return _with_orphans(owned, snapshot.selected(kind, namespace, selector.exact))


def _with_orphans(owned: Sequence[Manifest], chosen: Sequence[Manifest]) -> Sequence[Manifest]:
    if owned == chosen:
        return owned
    orphans = [entry for entry in chosen if controller_of(entry) is None]
    if not orphans:
        return owned
    found = {key_of(entry): entry for entry in (*owned, *orphans)}
    return [found[key] for key in sorted(found)]


def _has_one_master(owned: Manifest) -> bool:
    """Whether the only owner of an object that has one is its controller."""
    references = owned["metadata"]["ownerReferences"]
    return len(references) == 1 and bool(references[0].get("controller"))


def _may_adopt(owner: Manifest, candidate: Manifest) -> bool:
    return not is_deleting(owner) and not is_deleting(candidate)


def is_controlled_by(manifest: Manifest, owner: Manifest) -> bool:
    """Whether the owner is the object's controller."""
    reference = controller_of(manifest)
    return reference is not None and reference["uid"] == uid_of(owner)


def controllers_of(kind: GroupKind, manifests: Iterable[Manifest | None]) -> list[Key]:
    """The keys of the controllers of that kind that these objects name."""
    keys: dict[Key, None] = {}
    seen: object = None
    for manifest in manifests:
        references = manifest["metadata"].get("ownerReferences") if manifest is not None else None
        if manifest is None or not references or references is seen:
            continue
        seen = references
        for reference in references:
            if reference.get("controller"):
                if reference["kind"] == kind.kind:
                    namespace = manifest["metadata"].get("namespace", "")
                    keys[Key(kind.group, kind.kind, namespace, reference["name"])] = None
                break
    return list(keys)


def possible_owners(snapshot: Snapshot, orphan: Manifest, kind: GroupKind) -> list[Key]:
    """The objects of a kind whose selector chooses an orphan."""
    namespace = orphan["metadata"].get("namespace", "")
    return [
        key_of(entry)
        for entry in snapshot.list(kind, namespace)
        if selector_from_object(entry["spec"].get("selector")).chooses(orphan)
    ]


def _adopt(owner: Manifest, orphan: Manifest) -> Patch:
    return _set_owners(orphan, [*owners_of(orphan), owner_reference(owner)])


def _release(owner: Manifest, stray: Manifest) -> Patch:
    kept = [entry for entry in owners_of(stray) if entry["uid"] != uid_of(owner)]
    return _set_owners(stray, kept)


def _set_owners(manifest: Manifest, owners: list[dict[str, Any]]) -> Patch:
    patch = {"metadata": {"ownerReferences": owners or None}}
    return Patch(key_of(manifest), patch, uid=uid_of(manifest))
