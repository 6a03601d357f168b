"""Establishes CustomResourceDefinitions, and empties them before they go.

Source: k8s.io/apiextensions-apiserver/pkg/controller/{status,establish,finalizer}.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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
        """A definition that goes may have held names that others wait for."""
        if change.after is not None:
            return [change.key]
        return [change.key, *(key_of(other) for other in snapshot.list(DEFINITION))]

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        definition = snapshot.get(key)
        if definition is None:
            return NOTHING
        if is_deleting(definition):
            return _emptied(definition, snapshot, now)
        commands: list[Command] = []
        status = _status(definition, _taken(definition, snapshot), now)
        if status != definition.get("status"):
            commands.append(Patch(key, {"status": status}, "status"))
        return Outcome(tuple(commands))


@dataclass(frozen=True, slots=True)
class _Taken:
    """The names that other definitions of the group hold: of resources, and of kinds."""

    resources: frozenset[str]
    kinds: frozenset[str]


def _taken(definition: Manifest, snapshot: Snapshot) -> _Taken:
    held = [
        (other.get("status") or {}).get("acceptedNames") or {}
        for other in snapshot.list(DEFINITION)
        if other["spec"]["group"] == definition["spec"]["group"]
        and key_of(other) != key_of(definition)
    ]
    resources = {name for names in held for name in _resources(names)}
    kinds = {names[key] for names in held for key in ("kind", "listKind") if names.get(key)}
    return _Taken(frozenset(resources), frozenset(kinds))


def _resources(names: Manifest) -> list[str]:
    found = [names[key] for key in ("plural", "singular") if names.get(key)]
    return [*found, *(names.get("shortNames") or ())]


def _accepted(definition: Manifest, taken: _Taken) -> tuple[Manifest, tuple[str, str] | None]:
    """The names that a definition may have, and the last conflict there was about one. What was
    accepted before stays when its successor is not free."""
    wanted = definition["spec"]["names"]
    names = dict((definition.get("status") or {}).get("acceptedNames") or {})
    conflict = None
    for key in ("plural", "singular", "shortNames", "kind", "listKind"):
        held = taken.kinds if key.lower().endswith("kind") else taken.resources
        asked = wanted.get(key) or ()
        clashes = [name for name in ([asked] if isinstance(asked, str) else asked) if name in held]
        if clashes:
            quoted = ", ".join(f'"{name}" is already in use' for name in clashes)
            said = quoted if len(clashes) == 1 else f"[{quoted}]"
            conflict = (f"{key[0].upper()}{key[1:]}Conflict", said)
        elif asked:
            names[key] = asked
        else:
            names.pop(key, None)
    if wanted.get("categories"):
        names["categories"] = wanted["categories"]
    # What is empty is said too: the server's own type has these without omitempty.
    return {"plural": "", "kind": "", **names}, conflict


def _status(definition: Manifest, taken: _Taken, now: Instant) -> Manifest:
    spec, present = definition["spec"], definition.get("status") or {}
    stored = [version["name"] for version in spec["versions"] if version.get("storage")]
    kept = [name for name in present.get("storedVersions") or () if name not in stored]
    names, conflict = _accepted(definition, taken)
    if conflict is None:
        conditions = [
            _condition(definition, "NamesAccepted", ("NoConflicts", "no conflicts found"), now),
            _condition(definition, "Established", _ESTABLISHED, now),
        ]
    else:
        refused = _condition(definition, "NamesAccepted", conflict, now, "False")
        established = condition_of(definition, "Established")
        if established is None or established["status"] != "True":
            unaccepted = ("NotAccepted", "not all names are accepted")
            established = _condition(definition, "Established", unaccepted, now, "False")
        conditions = [refused, established]
    return {"conditions": conditions, "acceptedNames": names, "storedVersions": [*kept, *stored]}


_ESTABLISHED = ("InitialNamesAccepted", "the initial names have been accepted")


def _condition(
    definition: Manifest, type_: str, said: tuple[str, str], now: Instant, status: str = "True"
) -> Manifest:
    present = condition_of(definition, type_)
    reason, message = said
    if present is not None and present.get("status") == status:
        same = (present.get("reason"), present.get("message")) == said
        if status == "True" or same:
            return present
    return {
        "type": type_,
        "status": status,
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
