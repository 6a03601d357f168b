"""Which pods a ReplicaSet gives up first.

The first difference decides: without a node, less far in life, not ready, cheaper to delete, on a
node with more of its kin, ready for a shorter time, restarted more often, younger. Source of the
order: ActivePodsWithRanks in pkg/controller/controller_utils.go.
"""

import math
from collections.abc import Mapping, Sequence

from kiban.cluster.controllers.pods import (
    created_at,
    is_active,
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


def least_wanted(
    pods: Sequence[Manifest], kin: Sequence[Manifest], count: int, now: Instant
) -> list[Manifest]:
    """The `count` pods to delete. `kin` are the pods that should not crowd on one node."""
    if count >= len(pods):
        return list(pods)
    crowds = _crowds(kin)
    return sorted(pods, key=lambda pod: _rank(pod, crowds, now))[:count]


def _crowds(kin: Sequence[Manifest]) -> Mapping[str, int]:
    crowds: dict[str, int] = {}
    for pod in kin:
        if is_active(pod):
            node = get_in(pod, "spec", "nodeName", default="")
            crowds[node] = crowds.get(node, 0) + 1
    return crowds


def _rank(
    pod: Manifest, crowds: Mapping[str, int], now: Instant
) -> tuple[bool, int, bool, int, int, int, int, int, str]:
    node = get_in(pod, "spec", "nodeName", default="")
    ready_at = ready_since(pod)
    return (
        is_assigned(pod),
        _PHASES.get(phase_of(pod), 0),
        is_ready(pod),
        _deletion_cost(pod),
        -crowds.get(node, 0),
        _age_bucket(ready_at, now) if ready_at is not None else -1,
        -restarts_of(pod),
        _age_bucket(created_at(pod), now),
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
