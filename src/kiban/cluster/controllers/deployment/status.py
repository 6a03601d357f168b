"""The status of a Deployment: what its sets add up to, whether it moves, and until when it may.

Source: calculateStatus and syncRolloutStatus in pkg/controller/deployment/{sync,progress}.go.
"""

from collections.abc import Sequence
from typing import Any

from kiban.cluster.controllers.conditions import (
    Claim,
    Condition,
    condition_from,
    condition_in,
    with_condition,
    without,
)
from kiban.cluster.controllers.deployment.revisions import Sets
from kiban.cluster.controllers.deployment.wishes import (
    max_unavailable,
    progress_deadline,
    size_of,
)
from kiban.cluster.controllers.pods import instant_in
from kiban.kube.objects import Manifest, condition_of
from kiban.primitives.instants import Instant, later, seconds_between

AVAILABLE = "Available"
PROGRESSING = "Progressing"
REPLICA_FAILURE = "ReplicaFailure"
NEW_SET_AVAILABLE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
_TIMES = ("lastUpdateTime", "lastTransitionTime")

# How long after its deadline a rollout is looked at again that was looked at just before it.
LAST_LOOK_SECONDS = 0.3

Status = dict[str, Any]


def plain_status(deployment: Manifest, sets: Sets, now: Instant) -> Status:
    """The counts and the condition Available; the other conditions stay as they are."""
    present: Status = deployment.get("status") or {}
    status = _counts(sets)
    if collisions := present.get("collisionCount"):
        status["collisionCount"] = collisions
    if generation := deployment["metadata"].get("generation"):
        status["observedGeneration"] = generation
    enough = sets.available >= size_of(deployment) - max_unavailable(deployment)
    claim = _ENOUGH if enough else _TOO_FEW
    status["conditions"] = with_claim(present.get("conditions") or [], claim, now)
    return status


_ENOUGH = Claim(
    AVAILABLE, "True", "MinimumReplicasAvailable", "Deployment has minimum availability."
)
_TOO_FEW = Claim(
    AVAILABLE,
    "False",
    "MinimumReplicasUnavailable",
    "Deployment does not have minimum availability.",
)


def _counts(sets: Sets) -> Status:
    """What the sets say, added up; what is zero is left out."""
    replicas = updated = ready = 0
    terminating: int | None = 0
    for entry in sets.all:
        said: Status = entry.get("status") or {}
        replicas += said.get("replicas") or 0
        ready += said.get("readyReplicas") or 0
        if entry is sets.new:
            updated = said.get("replicas") or 0
        leaving = said.get("terminatingReplicas")
        if leaving is not None:
            terminating = None if terminating is None else terminating + leaving
        elif said.get("observedGeneration"):
            # It has not said; one that was never looked at counts as having none.
            terminating = None
    counts = {
        "replicas": replicas,
        "updatedReplicas": updated,
        "readyReplicas": ready,
        "availableReplicas": sets.available,
        "unavailableReplicas": max(0, sets.total - sets.available),
    }
    status: Status = {field: count for field, count in counts.items() if count}
    if terminating is not None:
        status["terminatingReplicas"] = terminating
    return status


def rollout_status(deployment: Manifest, sets: Sets, now: Instant) -> Status:
    """The plain status with what is to be said about progress and failure."""
    status = plain_status(deployment, sets, now)
    conditions = status["conditions"]
    if progress_deadline(deployment) is None:
        conditions = without(conditions, PROGRESSING)
    elif not _was_complete(deployment, status):
        conditions = _with_progress(deployment, sets, status, now)
    failure = _failure(sets)
    if failure is not None:
        conditions = with_condition(
            conditions,
            {**failure, "lastUpdateTime": failure.get("lastTransitionTime")},
        )
    else:
        conditions = without(conditions, REPLICA_FAILURE)
    return {**status, "conditions": conditions}


def _was_complete(deployment: Manifest, status: Status) -> bool:
    """Whether the rollout had ended before, so that what happens now is no rollout."""
    current = condition_of(deployment, PROGRESSING)
    return (
        current is not None
        and current.get("reason") == NEW_SET_AVAILABLE
        and status.get("replicas", 0) == status.get("updatedReplicas", 0)
    )


def _with_progress(
    deployment: Manifest, sets: Sets, status: Status, now: Instant
) -> list[Condition]:
    conditions: list[Condition] = status["conditions"]
    subject = f'Deployment "{deployment["metadata"]["name"]}"'
    if sets.new is not None:
        subject = f'ReplicaSet "{sets.new["metadata"]["name"]}"'
    if is_complete(deployment, status):
        text = f"{subject} has successfully progressed."
        return with_claim(conditions, Claim(PROGRESSING, "True", NEW_SET_AVAILABLE, text), now)
    if _has_progressed(deployment, status):
        text = f"{subject} is progressing."
        return _moved_on(conditions, Claim(PROGRESSING, "True", "ReplicaSetUpdated", text), now)
    if _has_timed_out(deployment, conditions, now):
        text = f"{subject} has timed out progressing."
        return with_claim(conditions, Claim(PROGRESSING, "False", TIMED_OUT, text), now)
    return conditions


def with_claim(conditions: Sequence[Condition], claim: Claim, now: Instant) -> list[Condition]:
    """The conditions with a claim, new as of now unless it was made before."""
    present = condition_in(conditions, claim.type)
    if (
        present is not None
        and present["status"] == claim.status
        and present.get("reason") == claim.reason
    ):
        return list(conditions)
    return with_condition(conditions, condition_from(claim, now, _TIMES))


def _moved_on(conditions: Sequence[Condition], claim: Claim, now: Instant) -> list[Condition]:
    """Progress renews the time from which the deadline counts, even when it was said before."""
    added = condition_from(claim, now, _TIMES)
    current = condition_in(conditions, PROGRESSING)
    if current is not None and current["status"] == "True":
        added["lastTransitionTime"] = current.get("lastTransitionTime")
    return [*without(conditions, PROGRESSING), added]


def is_complete(deployment: Manifest, status: Status) -> bool:
    """Whether every pod asked for is there, new and available, and no other."""
    counts = ("updatedReplicas", "replicas", "availableReplicas")
    observed = int(status.get("observedGeneration", 0))
    return observed >= deployment["metadata"].get("generation", 0) and all(
        status.get(field, 0) == size_of(deployment) for field in counts
    )


def _has_progressed(deployment: Manifest, status: Status) -> bool:
    before: Status = deployment.get("status") or {}

    def old(entry: Status) -> int:
        return int(entry.get("replicas", 0) - entry.get("updatedReplicas", 0))

    def rose(field: str) -> bool:
        return bool(status.get(field, 0) > before.get(field, 0))

    return (
        rose("updatedReplicas")
        or old(status) < old(before)
        or rose("readyReplicas")
        or rose("availableReplicas")
    )


def _has_timed_out(deployment: Manifest, conditions: Sequence[Condition], now: Instant) -> bool:
    current = condition_in(conditions, PROGRESSING)
    deadline = progress_deadline(deployment)
    if current is None or deadline is None or current.get("reason") == NEW_SET_AVAILABLE:
        return False
    if current.get("reason") == TIMED_OUT:
        return True
    since = instant_in(current, "lastUpdateTime")
    return since is not None and later(since, deadline) < now


def _failure(sets: Sets) -> Condition | None:
    """The failure of a set, the newest one's first."""
    newest = [sets.new] if sets.new is not None else []
    for entry in [*newest, *sets.old]:
        found = condition_of(entry, REPLICA_FAILURE)
        if found is not None:
            return found
    return None


def deadline_check(deployment: Manifest, status: Status, now: Instant) -> float | None:
    """Seconds until the deadline has to be looked at; None when it does not apply."""
    current = condition_of(deployment, PROGRESSING)
    deadline = progress_deadline(deployment)
    if current is None or deadline is None or is_complete(deployment, status):
        return None
    # Neither does a rollout that has ended time out, nor one that has timed out do so again.
    if current.get("reason") in (TIMED_OUT, NEW_SET_AVAILABLE):
        return None
    since = instant_in(current, "lastUpdateTime")
    if since is None:
        return None
    left = seconds_between(now, later(since, deadline))
    # One second late, because the condition's time has lost its fraction; but who looks in the
    # last second does so again and again.
    return left + 1 if left >= 1 else max(left, 0.0) + LAST_LOOK_SECONDS
