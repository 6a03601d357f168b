"""Empties a namespace that is being deleted, then lets it go.

Pods go first and everything else when they are gone, so that nothing a pod relies on (its
network policy, its secret) disappears under it (KEP-5080, ordered namespace deletion). Source of
the texts: pkg/controller/namespace/deletion/{namespaced_resources_deleter,status_condition_utils}.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.controllers.conditions import Claim, condition_from, with_condition
from kiban.cluster.controllers.pod_changes import is_more_than_waiting
from kiban.cluster.controllers.writing import status_update
from kiban.kube.objects import (
    NAMESPACE,
    POD,
    GroupKind,
    Key,
    Manifest,
    get_in,
    is_deleting,
    key_of,
    uid_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Delete, Patch
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

FINALIZER = "kubernetes"
# Contents with finalizers of others are looked at again this often.
RECHECK_SECONDS = 1.0


class NamespaceController:
    """The controller of namespaces on their way out."""

    name = "namespace-controller"
    watches: Watched = frozenset({NAMESPACE, Only(POD, is_more_than_waiting)})

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == NAMESPACE:
            return [change.key] if is_deleting(change.object) else []
        if change.after is not None:
            return []
        owner = Key(*NAMESPACE, "", change.key.namespace)
        namespace = snapshot.get(owner)
        return [owner] if namespace is not None and is_deleting(namespace) else []

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        namespace = snapshot.get(key)
        if namespace is None or not is_deleting(namespace):
            return NOTHING
        contents = {
            kind: found
            for kind in snapshot.kinds()
            if (found := snapshot.list(kind, key.name)) and kind != NAMESPACE
        }
        status = status_update(namespace, _status(namespace, contents, now))
        if not contents:
            return Outcome((*status, _released(namespace)))
        due = {POD: contents[POD]} if POD in contents else contents
        deletes = [
            Delete(key_of(entry), uid=uid_of(entry), propagation="Background")
            for kind in sorted(due)
            for entry in due[kind]
            if not is_deleting(entry)
        ]
        commands: Sequence[Command] = [*deletes, *status]
        return Outcome(tuple(commands), wake_after=0 if deletes else RECHECK_SECONDS)


def _released(namespace: Manifest) -> Patch:
    finalizers = get_in(namespace, "spec", "finalizers", default=[])
    kept = [name for name in finalizers if name != FINALIZER]
    return Patch(
        key_of(namespace), {"spec": {"finalizers": kept}}, "finalize", uid=uid_of(namespace)
    )


def _status(
    namespace: Manifest, contents: dict[GroupKind, Sequence[Manifest]], now: Instant
) -> Manifest:
    status = dict(namespace.get("status") or {})
    conditions = status.get("conditions") or []
    for claim in _claims(contents):
        conditions = with_condition(conditions, condition_from(claim, now, ["lastTransitionTime"]))
    return {**status, "phase": "Terminating", "conditions": conditions}


def _claims(contents: dict[GroupKind, Sequence[Manifest]]) -> list[Claim]:
    remaining = [f"{kind} has {len(contents[kind])} resource instances" for kind in contents]
    finalizers: dict[str, int] = {}
    for kind in contents:
        for entry in contents[kind]:
            for name in entry["metadata"].get("finalizers") or ():
                finalizers[name] = finalizers.get(name, 0) + 1
    waiting = [f"{name} in {finalizers[name]} resource instances" for name in sorted(finalizers)]
    return [
        Claim(
            "NamespaceDeletionDiscoveryFailure",
            "False",
            "ResourcesDiscovered",
            "All resources successfully discovered",
        ),
        Claim(
            "NamespaceDeletionContentFailure",
            "False",
            "ContentDeleted",
            "All content successfully deleted, may be waiting on finalization",
        ),
        Claim(
            "NamespaceContentRemaining",
            "True" if remaining else "False",
            "SomeResourcesRemain" if remaining else "ContentRemoved",
            "Some resources are remaining: " + ", ".join(remaining)
            if remaining
            else "All content successfully removed",
        ),
        Claim(
            "NamespaceFinalizersRemaining",
            "True" if waiting else "False",
            "SomeFinalizersRemain" if waiting else "ContentHasNoFinalizers",
            "Some content in the namespace has finalizers remaining: " + ", ".join(waiting)
            if waiting
            else "All content-preserving finalizers finished",
        ),
    ]
