"""Keeps the members of a StatefulSet by number: makes, removes, replaces them in order.

Source: pkg/controller/statefulset/stateful_set{,_control}.go.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from kiban.cluster.controllers.controller_revisions import (
    CONTROLLER_REVISION,
    History,
    history_of,
    outdated_revisions,
)
from kiban.cluster.controllers.ownership import claim, controllers_of, possible_owners
from kiban.cluster.controllers.pod_changes import of_owners
from kiban.cluster.controllers.pods import available_at
from kiban.cluster.controllers.stateful_set.claims import claim_updates
from kiban.cluster.controllers.stateful_set.members import (
    claim_key,
    claims_of,
    is_member,
    is_running_and_available,
    is_running_and_ready,
    revision_name_of,
)
from kiban.cluster.controllers.stateful_set.steps import Situation, next_steps
from kiban.cluster.controllers.writing import event, status_update, warning
from kiban.kube.objects import (
    POD,
    STATEFUL_SET,
    Key,
    Manifest,
    controller_of,
    get_in,
    is_deleting,
    key_of,
    uid_of,
)
from kiban.primitives.instants import Instant, seconds_between
from kiban.reconcile.commands import Command, Create, Delete, Refusal
from kiban.reconcile.controller import NOTHING, Change, Only, Outcome, Snapshot, Watched


class StatefulSetController:
    """The controller of kind StatefulSet."""

    name = "statefulset-controller"
    watches: Watched = frozenset(
        {STATEFUL_SET, Only(POD, of_owners(STATEFUL_SET)), CONTROLLER_REVISION}
    )

    def interested(self, change: Change, snapshot: Snapshot) -> Iterable[Key]:
        if change.key.group_kind == STATEFUL_SET:
            return [change.key]
        owners = controllers_of(STATEFUL_SET, (change.before, change.after))
        after = change.after
        if change.key.group_kind == POD and after is not None and controller_of(after) is None:
            owners += possible_owners(snapshot, after, STATEFUL_SET)
        return owners

    def reconcile(self, key: Key, snapshot: Snapshot, now: Instant) -> Outcome:
        stateful_set = snapshot.get(key)
        if stateful_set is None:
            return NOTHING
        claimed = claim(snapshot, stateful_set, POD)
        pods = [pod for pod in claimed.objects if is_member(stateful_set, pod)]
        revisions = claim(snapshot, stateful_set, CONTROLLER_REVISION)
        history = history_of(stateful_set, revisions.objects)
        current = history.named(get_in(stateful_set, "status", "currentRevision", default=""))
        situation = Situation(stateful_set, pods, current or history.update, history.update, now)
        commands: list[Command] = [*claimed.commands, *revisions.commands]
        commands += _reports(stateful_set, snapshot.refusals)
        if not is_deleting(stateful_set):
            # A set on its way out keeps no history, or it and the collector would never end.
            commands += history.commands
            commands += claim_updates(stateful_set, pods, snapshot)
            commands += _stepped(situation, snapshot)
        status = _status(situation, snapshot.refusals)
        commands += status_update(stateful_set, status)
        commands += _tidied(situation, history, status)
        return Outcome(tuple(commands), _next_availability(situation))


def _stepped(situation: Situation, snapshot: Snapshot) -> list[Command]:
    stateful_set = situation.stateful_set
    owner = stateful_set["metadata"]["name"]
    steps = next_steps(situation)
    commands: list[Command] = []
    for pod in steps.create:
        name = pod["metadata"]["name"]
        for claimed in claims_of(stateful_set, pod):
            if snapshot.get(claim_key(claimed)) is None:
                what = claimed["metadata"]["name"]
                text = f"Create Claim {what} Pod {name} in StatefulSet {owner} success"
                made = event(stateful_set, "SuccessfulCreate", text, after_success=True)
                commands += [Create(claimed), made]
        text = f"Create Pod {name} in StatefulSet {owner} successful"
        commands += [Create(pod), event(stateful_set, "SuccessfulCreate", text, after_success=True)]
    for pod in steps.delete:
        text = f"Delete Pod {pod['metadata']['name']} in StatefulSet {owner} successful"
        commands += [
            Delete(key_of(pod), uid=uid_of(pod)),
            event(stateful_set, "SuccessfulDelete", text, after_success=True),
        ]
    return commands


def _reports(stateful_set: Manifest, refusals: Sequence[Refusal]) -> list[Command]:
    owner = stateful_set["metadata"]["name"]
    found: list[Command] = []
    for refusal in refusals:
        command = refusal.command
        if refusal.reason == "AlreadyExists":
            # A pod of that name that is not the set's own: it is waited for in silence.
            continue
        if isinstance(command, Create) and command.object["kind"] == POD.kind:
            name = command.object["metadata"]["name"]
            text = f"create Pod {name} in StatefulSet {owner} failed error: {refusal.message}"
            found.append(warning(stateful_set, "FailedCreate", text))
    return found


def _status(situation: Situation, refusals: Sequence[Refusal]) -> dict[str, Any]:
    stateful_set, pods = situation.stateful_set, situation.pods
    current, update = (
        revision["metadata"]["name"] for revision in (situation.current, situation.update)
    )
    staying = [revision_name_of(pod) for pod in pods if not is_deleting(pod)]
    ready = sum(is_running_and_ready(pod) for pod in pods)
    available = sum(
        is_running_and_available(pod, situation.min_ready_seconds, situation.now) for pod in pods
    )
    counts = {
        "readyReplicas": ready,
        "currentReplicas": staying.count(current),
        "updatedReplicas": staying.count(update),
    }
    size = stateful_set["spec"].get("replicas", 1)
    is_whole = len(pods) == ready == counts["updatedReplicas"] == size
    if situation.strategy == "RollingUpdate" and is_whole:
        current = update
        counts["currentReplicas"] = counts["updatedReplicas"]
    present = stateful_set.get("status") or {}
    collisions = present.get("collisionCount", 0) + sum(
        isinstance(refusal.command, Create)
        and refusal.command.object["kind"] == CONTROLLER_REVISION.kind
        and refusal.reason == "AlreadyExists"
        for refusal in refusals
    )
    status: dict[str, Any] = {"replicas": len(pods), "availableReplicas": available}
    status |= {field: count for field, count in counts.items() if count}
    status |= {"currentRevision": current, "updateRevision": update}
    status |= {"collisionCount": collisions}
    if generation := stateful_set["metadata"].get("generation"):
        status["observedGeneration"] = generation
    if conditions := present.get("conditions"):
        status["conditions"] = conditions
    return status


def _tidied(situation: Situation, history: History, status: dict[str, Any]) -> tuple[Command, ...]:
    used = [
        situation.current["metadata"]["name"],
        status["currentRevision"],
        *(revision_name_of(pod) for pod in situation.pods),
    ]
    limit = situation.stateful_set["spec"].get("revisionHistoryLimit")
    return outdated_revisions(history, used, limit)


def _next_availability(situation: Situation) -> float | None:
    if not situation.min_ready_seconds:
        return None
    times = (available_at(pod, situation.min_ready_seconds) for pod in situation.pods)
    now = situation.now
    return min(
        (seconds_between(now, at) for at in times if at is not None and at > now), default=None
    )
