"""Which pods a ReplicaSet gives up first.

The first difference decides: without a node, less far in life, not ready, cheaper to delete, on a
node with more of its kin, ready for a shorter time, restarted more often, younger. Source of the
order: ActivePodsWithRanks in pkg/controller/controller_utils.go.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key

from kiban.cluster.controllers.pod_state import state_of
from kiban.cluster.controllers.pods import (
    created_at,
    is_assigned,
    is_ready,
    phase_of,
    ready_since,
    restarts_of,
)
from kiban.kube.objects import Manifest, annotations_of, get_in, uid_of
from kiban.primitives.instants import Instant

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"
_PHASES = {"Pending": 0, "Unknown": 1, "Running": 2}
_NANOSECONDS = 1000


@dataclass(frozen=True, slots=True)
class _Rank:
    """What of a pod is compared. In `stage`, as in all of it, the lesser goes first."""

    stage: tuple[bool, int, bool, int, int]
    ready_at: Instant | None
    restarts: tuple[int, int]
    created_at: Instant
    uid: str


def least_wanted(
    pods: Sequence[Manifest], kin: Sequence[Manifest], count: int, now: Instant
) -> list[Manifest]:
    """The `count` pods to delete. `kin` are the pods that should not crowd on one node."""
    if count >= len(pods):
        return list(pods)
    crowds = _crowds(kin)

    def compared(one: _Rank, other: _Rank) -> int:
        return _compared(one, other, now)

    by_rank = cmp_to_key(compared)
    return sorted(pods, key=lambda pod: by_rank(_rank(pod, crowds)))[:count]


def youngest_first(pods: Sequence[Manifest]) -> list[Manifest]:
    """The pods of a Job in the order in which it gives them up: ages to the second, no crowds and
    no costs (ActivePods in the same file)."""
    return sorted(pods, key=_plain_rank)


def _crowds(kin: Sequence[Manifest]) -> Mapping[str, int]:
    crowds: dict[str, int] = {}
    for pod in kin:
        state = state_of(pod)
        if state.is_active:
            crowds[state.node] = crowds.get(state.node, 0) + 1
    return crowds


def _rank(pod: Manifest, crowds: Mapping[str, int]) -> _Rank:
    state = state_of(pod)
    stage = (
        bool(state.node),
        _PHASES.get(state.phase, 0),
        state.is_ready,
        _deletion_cost(pod),
        -crowds.get(state.node, 0),
    )
    return _Rank(stage, state.ready_since, _restarts(pod), state.created, state.uid)


def _compared(one: _Rank, other: _Rank, now: Instant) -> int:
    """Below zero when the first goes first. Ages that differ within a bucket leave it to the uid,
    whatever else there is to compare."""
    if one.stage != other.stage:
        return -1 if one.stage < other.stage else 1
    if one.ready_at is not None and other.ready_at is not None and one.ready_at != other.ready_at:
        return _by_age(one.ready_at, other.ready_at, now) or _by_uid(one, other)
    if one.restarts != other.restarts:
        return -1 if one.restarts < other.restarts else 1
    if one.created_at != other.created_at:
        return _by_age(one.created_at, other.created_at, now) or _by_uid(one, other)
    return 0


def _by_age(one: Instant, other: Instant, now: Instant) -> int:
    return _age_bucket(one, now) - _age_bucket(other, now)


def _by_uid(one: _Rank, other: _Rank) -> int:
    return -1 if one.uid < other.uid else 1


def _restarts(pod: Manifest) -> tuple[int, int]:
    """Restarts of the containers, then of the sidecars; more go first."""
    inits = pod["spec"].get("initContainers")
    if not inits:
        return -restarts_of(pod), 0
    sidecars = {entry["name"] for entry in inits if entry.get("restartPolicy") == "Always"}
    statuses = get_in(pod, "status", "initContainerStatuses", default=[])
    counts = [entry.get("restartCount", 0) for entry in statuses if entry["name"] in sidecars]
    return -restarts_of(pod), -max(counts, default=0)


def _plain_rank(pod: Manifest) -> tuple[bool, int, bool, int, tuple[int, int], int, str]:
    return (
        is_assigned(pod),
        _PHASES.get(phase_of(pod), 0),
        is_ready(pod),
        -(ready_since(pod) or 0),
        _restarts(pod),
        -created_at(pod),
        uid_of(pod),
    )


def _age_bucket(since: Instant, now: Instant) -> int:
    """Ages are compared by powers of two, so that which of two old pods goes is left to chance."""
    age = (now - since) * _NANOSECONDS
    return int(math.log2(age)) if age > 0 else -1


def _deletion_cost(pod: Manifest) -> int:
    try:
        return int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        return 0
