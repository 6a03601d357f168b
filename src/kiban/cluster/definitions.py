"""Establishes CustomResourceDefinitions, and empties them before they go.

Source: k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,finalizer}.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.api.customs import DEFINITION
from kiban.kube.objects import GroupKind, Key, Manifest, condition_of, is_deleting, key_of
from kiban.primitives.instants import Instant, rfc3339
from kiban.reconcile.commands import Command, Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Outcome, Snapshot

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
# How soon to look again whether the last object is gone.
LOOK_AGAIN_SECONDS = 0.2


class DefinitionController:
    """Accepts names, says which versions are stored, and deletes the objects of what is deleted."""

    name = "apiextensions-controller"
    watches = frozenset({DEFINITION})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        return [change.key]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        definition = snapshot.get(key)
        if definition is None:
            return NOTHING
        if is_deleting(definition):
            return _emptied(definition, snapshot, now)
        finalizers = definition["metadata"].get("finalizers") or []
        commands: list[Command] = []
        status = _status(definition, now)
        if status != definition.get("status"):
            commands.append(Patch(key, {"status": status}, "status"))
        if CLEANUP not in finalizers:
            commands.append(Patch(key, {"metadata": {"finalizers": [*finalizers, CLEANUP]}}))
        return Outcome(tuple(commands))


def _status(definition: Manifest, now: Instant) -> Manifest:
    spec, present = definition["spec"], definition.get("status") or {}
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    kept = [name for name in present.get("storedVersions") or () if name not in stored]
    conditions = [
        _condition(definition, "NamesAccepted", ("NoConflicts", "no conflicts found"), now),
        _condition(
            definition,
            "Established",
            ("InitialNamesAccepted", "the initial names have been accepted"),
            now,
        ),
    ]
    return {
        "conditions": conditions,
        "acceptedNames": spec["names"],
        "storedVersions": [*kept, *stored],
    }


def _condition(definition: Manifest, type_: str, said: tuple[str, str], now: Instant) -> Manifest:
    present = condition_of(definition, type_)
    if present is not None and present.get("status") == "True":
        return present
    reason, message = said
    return {
        "type": type_,
        "status": "True",
        "lastTransitionTime": rfc3339(now),
        "reason": reason,
        "message": message,
    }


def terminating(definition: Manifest, now: Instant) -> Manifest:
    """The definition's status as of its deletion."""
    said = (
        "InstanceDeletionPending",
        "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    )
    status = definition.get("status") or {}
    conditions = [c for c in status.get("conditions") or () if c["type"] != "Terminating"]
    ending = _condition(definition, "Terminating", said, now)
    return {**status, "conditions": [*conditions, ending]}


def _emptied(definition: Manifest, snapshot: Snapshot, now: Instant) -> Outcome:
    """Delete what there is; with nothing left, let the definition go."""
    names = definition["spec"]["names"]
    kind = GroupKind(definition["spec"]["group"], names["kind"])
    objects: Sequence[Manifest] = snapshot.list(kind)
    if objects:
        pending = [found for found in objects if not is_deleting(found)]
        return Outcome(
            tuple(Delete(key_of(found)) for found in pending), wake_after=LOOK_AGAIN_SECONDS
        )
    finalizers = definition["metadata"].get("finalizers") or []
    rest = [name for name in finalizers if name != CLEANUP]
    if rest == finalizers:
        return NOTHING
    return Outcome((Patch(key_of(definition), {"metadata": {"finalizers": rest}}),))
