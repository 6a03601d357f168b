"""Whose the storage claims of a StatefulSet's members are, which decides when they go.

Kept by default, they belong to nobody. With `whenDeleted: Delete` they belong to the set; with
`whenScaled: Delete` that of a member which is to go belongs to the member. Source:
updateClaimOwnerRefForSetAndPod in pkg/controller/statefulset/stateful_set_utils.go.
"""

from collections.abc import Iterable
from typing import Any

from kiban.cluster.controllers.stateful_set.members import claim_key, claims_of, is_in_range
from kiban.cluster.controllers.writing import change
from kiban.kube.objects import Manifest, get_in, owner_reference, owners_of, uid_of
from kiban.reconcile.commands import Command
from kiban.reconcile.controller import Snapshot


def claim_updates(
    stateful_set: Manifest, pods: Iterable[Manifest], snapshot: Snapshot
) -> list[Command]:
    """The commands that give every member's claims the owner that they should have."""
    if not stateful_set["spec"].get("volumeClaimTemplates"):
        return []
    commands: list[Command] = []
    for pod in pods:
        for wanted in claims_of(stateful_set, pod):
            claim = snapshot.get(claim_key(wanted))
            if claim is not None:
                commands += _owned(claim, stateful_set, pod)
    return commands


def _owned(claim: Manifest, stateful_set: Manifest, pod: Manifest) -> list[Command]:
    own = (uid_of(stateful_set), uid_of(pod))
    others = [owner for owner in owners_of(claim) if owner["uid"] not in own]
    if any(owner.get("controller") for owner in others):
        # Somebody else's: left alone.
        return []
    owner = _owner(stateful_set, pod)
    owners: list[dict[str, Any]] = [*others, *([owner_reference(owner)] if owner else [])]
    present = list(owners_of(claim))
    if owners == present:
        return []
    return [change(claim, {"metadata": {"ownerReferences": owners or None}})]


def _owner(stateful_set: Manifest, pod: Manifest) -> Manifest | None:
    """What a member's claims should go with."""
    if _policy(stateful_set, "whenScaled") and not is_in_range(stateful_set, pod):
        return pod
    return stateful_set if _policy(stateful_set, "whenDeleted") else None


def _policy(stateful_set: Manifest, when: str) -> bool:
    policy = get_in(stateful_set, "spec", "persistentVolumeClaimRetentionPolicy", when)
    return bool(policy == "Delete")
