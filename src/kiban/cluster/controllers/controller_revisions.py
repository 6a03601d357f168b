"""The history of a StatefulSet's or DaemonSet's templates, as ControllerRevisions.

A template that was there before gets its old revision back, with a new number. Source:
pkg/controller/history/controller_history.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.template_hash import template_hash
from kiban.cluster.controllers.writing import change
from kiban.kube.objects import (
    GroupKind,
    Manifest,
    get_in,
    key_of,
    labels_of,
    owner_reference,
    uid_of,
)
from kiban.reconcile.commands import Command, Create, Delete

CONTROLLER_REVISION = GroupKind("apps", "ControllerRevision")
REVISION_HASH = "controller-revision-hash"
_OWN_HASH = "controller.kubernetes.io/hash"


@dataclass(frozen=True, slots=True)
class History:
    """The revisions of an owner, oldest first, the one of its present template, and what has to be
    written for that one to be there and the newest."""

    revisions: Sequence[Manifest]
    update: Manifest
    commands: Sequence[Command]

    def named(self, name: str) -> Manifest | None:
        """The revision of that name."""
        found = [*self.revisions, self.update]
        return next((entry for entry in found if entry["metadata"]["name"] == name), None)


def history_of(owner: Manifest, revisions: Sequence[Manifest]) -> History:
    """The history of an owner with its present template in it."""
    known = sorted(revisions, key=lambda entry: (entry["revision"], entry["metadata"]["name"]))
    number = known[-1]["revision"] + 1 if known else 1
    wanted = _revision(owner, number)
    equal = [entry for entry in known if entry["data"] == wanted["data"]]
    if not equal:
        return History(known, wanted, [Create(wanted)])
    if equal[-1] is known[-1]:
        return History(known, equal[-1], [])
    return History(known, equal[-1], [change(equal[-1], {"revision": number})])


def _revision(owner: Manifest, number: int) -> Manifest:
    template = owner["spec"]["template"]
    digest = template_hash(template, get_in(owner, "status", "collisionCount"))
    labels = dict(get_in(template, "metadata", "labels", default={}))
    return {
        "apiVersion": "apps/v1",
        "kind": CONTROLLER_REVISION.kind,
        "metadata": {
            "name": f"{owner['metadata']['name']}-{digest}",
            "namespace": owner["metadata"].get("namespace", ""),
            "labels": {**labels, _OWN_HASH: digest, REVISION_HASH: digest},
            "ownerReferences": [owner_reference(owner)],
        },
        "data": {"spec": {"template": {**template, "$patch": "replace"}}},
        "revision": number,
    }


def hash_of(revision: Manifest) -> str:
    """The hash in a revision's name."""
    return labels_of(revision).get(_OWN_HASH, "")


def template_of(revision: Manifest) -> Manifest:
    """The pod template that a revision keeps."""
    kept: dict[str, Any] = revision["data"]["spec"]["template"]
    return {field: value for field, value in kept.items() if field != "$patch"}


def outdated_revisions(
    history: History, used: Sequence[str], limit: int | None
) -> tuple[Command, ...]:
    """The deletion of the oldest revisions that nothing uses, beyond the limit."""
    live = {history.update["metadata"]["name"], *used}
    idle = [entry for entry in history.revisions if entry["metadata"]["name"] not in live]
    surplus = idle[: max(0, len(idle) - (10 if limit is None else limit))]
    return tuple(Delete(key_of(entry), uid=uid_of(entry)) for entry in surplus)
