"""The status of a ReplicaSet, from its pods and from what was refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from kiban.cluster.controllers.conditions import Claim, condition_from, with_condition, without
from kiban.cluster.controllers.pod_state import state_of
from kiban.cluster.controllers.pods import is_available
from kiban.kube.objects import Manifest, get_in
from kiban.primitives.instants import Instant

REPLICA_FAILURE = "ReplicaFailure"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the set cannot have the pods it wants; `reason` is FailedCreate or FailedDelete."""

    reason: str
    message: str


def replica_set_status(
    replica_set: Manifest,
    active: Sequence[Manifest],
    terminating: Sequence[Manifest],
    now: Instant,
) -> dict[str, Any]:
    """What the pods say; conditions are kept as they are."""
    wanted_labels = get_in(replica_set, "spec", "template", "metadata", "labels", default={})
    min_ready = replica_set["spec"].get("minReadySeconds", 0)
    present = replica_set.get("status") or {}
    labelled = ready = available = 0
    for pod in active:
        state = state_of(pod)
        labelled += wanted_labels.items() <= state.labels.items()
        if state.is_ready:
            ready += 1
            available += not min_ready or is_available(pod, min_ready, now)
    counts = {
        "fullyLabeledReplicas": labelled,
        "readyReplicas": ready,
        "availableReplicas": available,
    }
    status: dict[str, Any] = {"replicas": len(active)}
    status |= {field: count for field, count in counts.items() if count}
    status["terminatingReplicas"] = len(terminating)
    if generation := replica_set["metadata"].get("generation"):
        status["observedGeneration"] = generation
    if conditions := present.get("conditions"):
        status["conditions"] = conditions
    return status


def with_failure(status: dict[str, Any], failure: Failure | None, now: Instant) -> dict[str, Any]:
    """The status with the condition ReplicaFailure as it has to be."""
    conditions = status.get("conditions") or []
    if failure is not None:
        claim = Claim(REPLICA_FAILURE, "True", failure.reason, failure.message)
        added = condition_from(claim, now, ["lastTransitionTime"])
        # The first failure is kept: its time says since when.
        if not any(entry["type"] == REPLICA_FAILURE for entry in conditions):
            return {**status, "conditions": with_condition(conditions, added)}
        return status
    kept = without(conditions, REPLICA_FAILURE)
    rest = {field: value for field, value in status.items() if field != "conditions"}
    return {**rest, "conditions": kept} if kept else rest
