"""The sizes of a Deployment's sets after its own size changed, in proportion to what they have.

Source: `scale` in pkg/controller/deployment/sync.go, GetReplicaSetProportion in its util.
"""

from collections.abc import Sequence

from kiban.cluster.controllers.deployment.revisions import (
    DESIRED_REPLICAS,
    MAX_REPLICAS,
    Sets,
    available_of,
)
from kiban.cluster.controllers.deployment.rolling import Resize
from kiban.cluster.controllers.deployment.wishes import is_rolling, max_surge, size_of
from kiban.cluster.controllers.pods import created_at
from kiban.kube.objects import Manifest, annotations_of, get_in


def is_scaling_event(deployment: Manifest, sets: Sets) -> bool:
    """Whether a set was last sized for another size of the Deployment."""
    return bool(_sized_otherwise(deployment, sets))


def _sized_otherwise(deployment: Manifest, sets: Sets) -> list[Manifest]:
    size = str(size_of(deployment))
    return [
        entry for entry in sets.active if annotations_of(entry).get(DESIRED_REPLICAS, size) != size
    ]


def scaling_resizes(deployment: Manifest, sets: Sets) -> list[Resize]:
    """The sizes the sets should have; a set of unchanged size appears when its annotations are
    to be renewed.

    Where no size changes, the annotations do: a set that happens to have the new size already
    would count as sized otherwise for ever, and no rollout would begin any more.
    """
    found = _new_sizes(deployment, sets)
    return found or [Resize(entry, size_of(entry)) for entry in _sized_otherwise(deployment, sets)]


def _new_sizes(deployment: Manifest, sets: Sets) -> list[Resize]:
    size = size_of(deployment)
    only = _active_or_latest(sets)
    if only is not None:
        return [Resize(only, size)] if size_of(only) != size else []
    if not sets.active:
        return []
    if sets.new is not None and _is_saturated(deployment, sets.new):
        return [Resize(entry, 0) for entry in sets.old if size_of(entry) > 0]
    return _in_proportion(deployment, sets) if is_rolling(deployment) else []


def _active_or_latest(sets: Sets) -> Manifest | None:
    active = sets.active
    if not active:
        return sets.new or (sets.old[-1] if sets.old else None)
    return active[0] if len(active) == 1 else None


def _is_saturated(deployment: Manifest, new: Manifest) -> bool:
    size = size_of(deployment)
    desired = annotations_of(new).get(DESIRED_REPLICAS)
    return desired == str(size) and size_of(new) == size == available_of(new)


def _in_proportion(deployment: Manifest, sets: Sets) -> list[Resize]:
    size = size_of(deployment)
    allowed = size + max_surge(deployment) if size > 0 else 0
    to_add = allowed - sets.total
    active = _in_order(sets.active, growing=to_add > 0)
    if to_add == 0:
        return [Resize(entry, size_of(entry)) for entry in active]
    targets: list[int] = []
    added = 0
    for entry in active:
        share = _share(deployment, entry, left=to_add - added)
        targets.append(size_of(entry) + share)
        added += share
    # What rounding left over goes to the largest set.
    targets[0] = max(0, targets[0] + to_add - added)
    return [Resize(entry, target) for entry, target in zip(active, targets, strict=True)]


def _in_order(active: Sequence[Manifest], *, growing: bool) -> list[Manifest]:
    """Largest first; among equals the newer grows and the older shrinks first."""
    sign = -1 if growing else 1
    return sorted(
        active,
        key=lambda entry: (-size_of(entry), sign * created_at(entry), entry["metadata"]["name"]),
    )


def _share(deployment: Manifest, replica_set: Manifest, *, left: int) -> int:
    if left == 0:
        return 0
    fraction = _fraction(deployment, replica_set)
    return min(fraction, left) if left > 0 else max(fraction, left)


def _fraction(deployment: Manifest, replica_set: Manifest) -> int:
    size = size_of(deployment)
    if size == 0:
        return -size_of(replica_set)
    before = _max_before(deployment, replica_set)
    if before == 0:
        return 0
    exact = size_of(replica_set) * (size + max_surge(deployment)) / before
    return _rounded(exact) - size_of(replica_set)


def _max_before(deployment: Manifest, replica_set: Manifest) -> int:
    """The most pods there could be when the set was last sized."""
    try:
        before = int(annotations_of(replica_set).get(MAX_REPLICAS, "0"))
    except ValueError:
        before = 0
    return before or get_in(deployment, "status", "replicas", default=0)


def _rounded(value: float) -> int:
    """Halves away from zero, as RoundToInt32 does."""
    return int(value - 0.5) if value < 0 else int(value + 0.5)
