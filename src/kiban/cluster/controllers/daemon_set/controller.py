"""Keeps one pod of a DaemonSet on every node that suits it, and renews them node by node.

Source: pkg/controller/daemon/{daemon_controller,update}.go.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from kiban.cluster.controllers.controller_revisions import (
    CONTROLLER_REVISION,
    REVISION_HASH,
    hash_of,
    history_of,
    outdated_revisions,
)
from kiban.cluster.controllers.daemon_set.backoff import FailureDelays
from kiban.cluster.controllers.daemon_set.keeping import Upkeep, upkeep_of
from kiban.cluster.controllers.daemon_set.looks import Looks
from kiban.cluster.controllers.daemon_set.placing import daemon_pod
from kiban.cluster.controllers.daemon_set.survey import Survey
from kiban.cluster.controllers.daemon_set.updating import renewal
from kiban.cluster.controllers.ownership import claim, controllers_of, possible_owners
from kiban.cluster.controllers.pod_changes import of_owners
from kiban.cluster.controllers.pods import is_available, is_ready
from kiban.cluster.controllers.slow_start import batch_size
from kiban.cluster.controllers.writing import event, status_update, warning
from kiban.kube.objects import (
    DAEMON_SET,
    NODE,
    POD,
    Key,
    Manifest,
    controller_of,
    is_deleting,
    key_of,
    labels_of,
    uid_of,
)
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Command, Create, Delete, Refusal
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched

# BurstReplicas of the real controller.
BURST = 250


class DaemonSetController:
    """The controller of kind DaemonSet."""

    name = "daemonset-controller"
    watches: Watched = frozenset(
        {DAEMON_SET, Only(POD, of_owners(DAEMON_SET)), NODE, CONTROLLER_REVISION}
    )

    def __init__(self) -> None:
        self._delays = FailureDelays()
        self._looks = Looks()

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == DAEMON_SET:
            if change.after is None:
                self._delays.forget(uid_of(change.object))
                self._looks.forget(change.key)
            return [change.key]
        if change.key.group_kind == NODE:
            moved = _suitability(change.before) != _suitability(change.after)
            return [key_of(entry) for entry in snapshot.list(DAEMON_SET)] if moved else []
        owners = controllers_of(DAEMON_SET, (change.before, change.after))
        after = change.after
        if change.key.group_kind == POD and _turns_ready(change):
            for owner in owners:
                self._looks.turned_ready(owner)
        if change.key.group_kind == POD and after is not None and controller_of(after) is None:
            owners += possible_owners(snapshot, after, DAEMON_SET)
        return owners

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        daemon_set = snapshot.get(key)
        if daemon_set is None or is_deleting(daemon_set):
            # Of one on its way out not even the status is kept: its history may be gone already.
            return NOTHING
        claimed = claim(snapshot, daemon_set, POD)
        revisions = claim(snapshot, daemon_set, CONTROLLER_REVISION)
        if claimed.commands or revisions.commands:
            return Outcome((*claimed.commands, *revisions.commands))
        history = history_of(daemon_set, revisions.objects)
        survey = Survey(
            daemon_set, snapshot.list(NODE), claimed.objects, hash_of(history.update), now
        )
        commands = _reports(daemon_set, snapshot.refusals)
        status = _status(survey)
        is_behind = status["numberReady"] != status.get("numberAvailable", 0)
        min_ready = survey.min_ready_seconds
        waits = [self._looks.seconds_until_next(key, min_ready, now, is_behind=is_behind)]
        upkeep = upkeep_of(survey, self._delays)
        commands += [*history.commands, *_managed(survey, upkeep, snapshot)]
        waits.append(upkeep.wait_seconds)
        commands += status_update(daemon_set, status)
        used = [
            revision["metadata"]["name"]
            for revision in history.revisions
            if any(
                labels_of(pod).get(REVISION_HASH) == hash_of(revision) for pod in claimed.objects
            )
        ]
        limit = daemon_set["spec"].get("revisionHistoryLimit")
        commands += outdated_revisions(history, used, limit)
        wake_after = min((wait for wait in waits if wait is not None), default=None)
        return Outcome(tuple(commands), wake_after)


def _turns_ready(change: Change) -> bool:
    before, after = change.before, change.after
    return before is not None and after is not None and not is_ready(before) and is_ready(after)


def _suitability(node: Manifest | None) -> tuple[Any, ...] | None:
    """What of a node decides whether daemons belong there."""
    if node is None:
        return None
    return labels_of(node), node.get("spec", {}).get("taints")


def _managed(survey: Survey, upkeep: Upkeep, snapshot: Snapshot) -> list[Command]:
    """A pod where one is missing, none where it does not belong; then the update."""
    daemon_set = survey.daemon_set
    missing, surplus = upkeep.missing, upkeep.surplus
    if not missing and not surplus:
        # The update counts on every node having its pod: it waits until that is so.
        step = renewal(daemon_set, _on_nodes(survey), survey.digest, survey.desired, survey.now)
        missing, surplus = step.create, step.delete
    commands = list(upkeep.reports)
    for pod in surplus[:BURST]:
        commands += _deletion(daemon_set, pod)
    batch = min(BURST, batch_size(survey.pods, survey.now))
    for node in missing[:batch]:
        commands += _creation(daemon_set, node, survey.digest, snapshot)
    return commands


def _on_nodes(survey: Survey) -> dict[str, list[Manifest]]:
    return {node: pods for node, pods in survey.by_node.items() if node in survey.fits}


def _creation(daemon_set: Manifest, node: str, digest: str, snapshot: Snapshot) -> list[Command]:
    pod = daemon_pod(daemon_set, node, digest, snapshot.chance)
    text = f"Created pod: {pod['metadata']['name']}"
    return [Create(pod), event(daemon_set, "SuccessfulCreate", text, after_success=True)]


def _deletion(daemon_set: Manifest, pod: Manifest) -> list[Command]:
    text = f"Deleted pod: {pod['metadata']['name']}"
    return [
        Delete(key_of(pod), uid=uid_of(pod)),
        event(daemon_set, "SuccessfulDelete", text, after_success=True),
    ]


def _reports(daemon_set: Manifest, refusals: Sequence[Refusal]) -> list[Command]:
    return [
        warning(daemon_set, "FailedCreate", f"Error creating: {refusal.message}")
        for refusal in refusals
        if isinstance(refusal.command, Create) and refusal.command.object["kind"] == POD.kind
    ]


def _status(survey: Survey) -> dict[str, Any]:
    current = misscheduled = ready = available = updated = 0
    for node, wanted in survey.fits.items():
        pods = survey.by_node.get(node, [])
        if pods and not wanted.should_run:
            misscheduled += 1
        if not pods or not wanted.should_run:
            continue
        oldest = pods[0]
        current += 1
        ready += is_ready(oldest)
        available += is_available(oldest, survey.min_ready_seconds, survey.now)
        updated += labels_of(oldest).get(REVISION_HASH) == survey.digest
    status: dict[str, Any] = {
        "currentNumberScheduled": current,
        "numberMisscheduled": misscheduled,
        "desiredNumberScheduled": survey.desired,
        "numberReady": ready,
    }
    counts = {
        "updatedNumberScheduled": updated,
        "numberAvailable": available,
        "numberUnavailable": survey.desired - available,
    }
    status |= {field: count for field, count in counts.items() if count}
    if generation := survey.daemon_set["metadata"].get("generation"):
        status["observedGeneration"] = generation
    present = survey.daemon_set.get("status") or {}
    kept = ("collisionCount", "conditions")
    return {**status, **{field: present[field] for field in kept if field in present}}
