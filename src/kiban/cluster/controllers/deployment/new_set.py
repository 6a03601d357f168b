"""The newest set of a Deployment: made when there is none, kept up to date when there is.

Source: getNewReplicaSet in pkg/controller/deployment/sync.go.
"""

from collections.abc import Sequence
from typing import Any

from kiban.cluster.controllers.conditions import Claim
from kiban.cluster.controllers.deployment.revisions import (
    HASH_LABEL,
    REVISION,
    Sets,
    annotations_to_set,
    copied_annotations,
    next_revision,
    plain_template,
    size_annotations,
)
from kiban.cluster.controllers.deployment.rolling import new_set_size
from kiban.cluster.controllers.deployment.status import PROGRESSING, with_claim
from kiban.cluster.controllers.deployment.wishes import progress_deadline
from kiban.cluster.controllers.template_hash import template_hash
from kiban.cluster.controllers.writing import change, event, status_update, warning
from kiban.kube.objects import (
    REPLICA_SET,
    Manifest,
    annotations_of,
    condition_of,
    get_in,
    key_of,
    owner_reference,
    uid_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Create, Patch, Refusal


def new_set(deployment: Manifest, size: int, revision: int) -> Manifest:
    """The set for the Deployment's present template."""
    template = plain_template(deployment)
    collisions = get_in(deployment, "status", "collisionCount")
    digest = template_hash(template, collisions)
    labels = {**(template["metadata"].get("labels") or {}), HASH_LABEL: digest}
    selector = dict(deployment["spec"].get("selector") or {})
    selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: digest}
    spec: dict[str, Any] = {
        "replicas": size,
        "selector": selector,
        "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
    }
    if min_ready := deployment["spec"].get("minReadySeconds"):
        spec["minReadySeconds"] = min_ready
    annotations = {
        **copied_annotations(deployment),
        REVISION: str(revision),
        **size_annotations(deployment),
    }
    metadata = {
        "name": f"{deployment['metadata']['name']}-{digest}",
        "namespace": deployment["metadata"].get("namespace", ""),
        "labels": labels,
        "annotations": annotations,
        "ownerReferences": [owner_reference(deployment)],
    }
    return {
        "apiVersion": "apps/v1",
        "kind": REPLICA_SET.kind,
        "metadata": metadata,
        "spec": spec,
    }


def creation(deployment: Manifest, sets: Sets, now: Instant) -> tuple[Command, ...]:
    """The commands that make the newest set, tell of it and start the clock of its progress."""
    revision = next_revision(sets.old)
    size = new_set_size(deployment, sets)
    made = new_set(deployment, size, revision)
    name = made["metadata"]["name"]
    commands: list[Command] = [Create(made)]
    if size > 0:
        text = f"Scaled up replica set {name} from 0 to {size}"
        commands.append(event(deployment, "ScalingReplicaSet", text, after_success=True))
    commands += revision_update(deployment, revision)
    text = f'Created new replica set "{name}"'
    claim = Claim(PROGRESSING, "True", "NewReplicaSetCreated", text)
    return (*commands, *_progress(deployment, claim, now))


def upkeep(deployment: Manifest, sets: Sets, now: Instant) -> tuple[Command, ...]:
    """What has to be written so that the newest set that exists is numbered as the newest."""
    assert sets.new is not None
    patch: dict[str, Any] = {}
    if annotations := annotations_to_set(deployment, sets):
        patch["metadata"] = {"annotations": annotations}
    min_ready = deployment["spec"].get("minReadySeconds", 0)
    if sets.new["spec"].get("minReadySeconds", 0) != min_ready:
        patch["spec"] = {"minReadySeconds": min_ready or None}
    if patch:
        return (change(sets.new, patch),)
    commands = revision_update(deployment, int(annotations_of(sets.new).get(REVISION, "0")))
    if condition_of(deployment, PROGRESSING) is None:
        text = f'Found new replica set "{sets.new["metadata"]["name"]}"'
        claim = Claim(PROGRESSING, "True", "FoundNewReplicaSet", text)
        commands += _progress(deployment, claim, now)
    return commands


def revision_update(deployment: Manifest, revision: int) -> tuple[Command, ...]:
    """The command that gives the Deployment the revision of its newest set."""
    if annotations_of(deployment).get(REVISION) == str(revision):
        return ()
    # Through the status: what the controller writes there is no new generation to observe.
    patch = {"metadata": {"annotations": {REVISION: str(revision)}}}
    return (Patch(key_of(deployment), patch, subresource="status", uid=uid_of(deployment)),)


def refused(
    deployment: Manifest, refusals: Sequence[Refusal], now: Instant
) -> tuple[Command, ...] | None:
    """What follows when the newest set could not be made; None when nothing of it was refused."""
    for refusal in refusals:
        command = refusal.command
        if not isinstance(command, Create) or "NamespaceTerminating" in refusal.causes:
            continue
        if refusal.reason == "AlreadyExists":
            count = get_in(deployment, "status", "collisionCount", default=0) + 1
            status = {**(deployment.get("status") or {}), "collisionCount": count}
            return status_update(deployment, status)
        name = command.object["metadata"]["name"]
        text = f'Failed to create new replica set "{name}": {refusal.message}'
        claim = Claim(PROGRESSING, "False", "ReplicaSetCreateError", text)
        return (
            *_progress(deployment, claim, now),
            warning(deployment, "ReplicaSetCreateError", text),
        )
    return None


def _progress(deployment: Manifest, claim: Claim, now: Instant) -> tuple[Command, ...]:
    if progress_deadline(deployment) is None:
        return ()
    status = deployment.get("status") or {}
    conditions = with_claim(status.get("conditions") or [], claim, now)
    return status_update(deployment, {**status, "conditions": conditions})
