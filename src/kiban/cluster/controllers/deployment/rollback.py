"""Return to an earlier template when an annotation asks for it, as clients of old API versions do.

The annotation names a revision, 0 the last one before the present; it is cleared in any case.
Source: pkg/controller/deployment/rollback.go.
"""

from typing import Any

from kiban.cluster.controllers.deployment.revisions import (
    NOT_COPIED,
    ROLLBACK,
    Sets,
    copied_annotations,
    plain_template,
    revision_of,
)
from kiban.cluster.controllers.writing import event, warning
from kiban.kube.objects import Manifest, annotations_of
from kiban.primitives.digits import whole_number
from kiban.reconcile.commands import Command, Update


def rollback_of(deployment: Manifest, sets: Sets) -> tuple[Command, ...]:
    """What a Deployment that is asked to go back does; nothing when it is not asked."""
    asked = annotations_of(deployment).get(ROLLBACK)
    wanted = whole_number(asked) if asked is not None else None
    if wanted is None:
        return ()
    revision = wanted or _last_revision(sets)
    if revision == 0:
        text = "Unable to find last revision."
        return (warning(deployment, "RollbackRevisionNotFound", text), _cleared(deployment))
    found = next((entry for entry in sets.all if revision_of(entry) == revision), None)
    if found is None:
        text = "Unable to find the revision to rollback to."
        return (warning(deployment, "RollbackRevisionNotFound", text), _cleared(deployment))
    name = deployment["metadata"]["name"]
    if plain_template(found) == plain_template(deployment):
        text = f'The rollback revision contains the same template as current deployment "{name}"'
        return (warning(deployment, "RollbackTemplateUnchanged", text), _cleared(deployment))
    text = f'Rolled back deployment "{name}" to revision {revision}'
    return (_returned(deployment, found), event(deployment, "RollbackDone", text))


def _last_revision(sets: Sets) -> int:
    """The second highest revision; 0 when there is none."""
    ordered = sorted((revision_of(entry) for entry in sets.all), reverse=True)
    return ordered[1] if len(ordered) > 1 else 0


def _cleared(deployment: Manifest, annotations: dict[str, str] | None = None) -> Update:
    kept = annotations if annotations is not None else annotations_of(deployment)
    metadata = dict(deployment["metadata"])
    metadata["annotations"] = {name: kept[name] for name in kept if name != ROLLBACK}
    return Update({**deployment, "metadata": metadata})


def _returned(deployment: Manifest, replica_set: Manifest) -> Command:
    """The Deployment with the set's template, and with its annotations but for our own."""
    own = annotations_of(deployment)
    annotations = {name: own[name] for name in own if name in NOT_COPIED}
    annotations |= copied_annotations(replica_set)
    spec: dict[str, Any] = {**deployment["spec"], "template": plain_template(replica_set)}
    return _cleared({**deployment, "spec": spec}, annotations)
