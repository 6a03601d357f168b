"""The sizes a rolling update moves to next: the new set up, then the old ones down.

One action per pass; the passes follow each other as soon as the sets have changed. Source:
pkg/controller/deployment/rolling.go.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.cluster.controllers.deployment.revisions import Sets, available_of
from kiban.cluster.controllers.deployment.wishes import (
    is_rolling,
    max_surge,
    max_unavailable,
    size_of,
)
from kiban.kube.objects import Manifest


@dataclass(frozen=True, slots=True)
class Resize:
    """A set is to have another size."""

    replica_set: Manifest
    size: int


def new_set_size(deployment: Manifest, sets: Sets) -> int:
    """What size the newest set may have now; it need not exist yet."""
    size = size_of(deployment)
    if not is_rolling(deployment):
        return size
    present = size_of(sets.new) if sets.new is not None else 0
    room = size + max_surge(deployment) - sets.total
    return present if room <= 0 else present + min(room, size - present)


def rolling_resizes(deployment: Manifest, sets: Sets) -> list[Resize]:
    """The next step of a rolling update whose newest set exists."""
    assert sets.new is not None
    present, size = size_of(sets.new), size_of(deployment)
    if present > size:
        return [Resize(sets.new, size)]
    if present < size:
        target = new_set_size(deployment, sets)
        if target != present:
            return [Resize(sets.new, target)]
    return _old_set_resizes(deployment, sets)


def _old_set_resizes(deployment: Manifest, sets: Sets) -> list[Resize]:
    new = sets.new
    assert new is not None
    least_available = size_of(deployment) - max_unavailable(deployment)
    new_unavailable = size_of(new) - available_of(new)
    room = sets.total - least_available - new_unavailable
    if room <= 0:
        return []
    sizes = {entry["metadata"]["name"]: size_of(entry) for entry in sets.old}
    _drop_unhealthy(sets.old, sizes, room)
    _drop_healthy(sets.old, sizes, sets.staying - least_available)
    return [
        Resize(entry, sizes[entry["metadata"]["name"]])
        for entry in sets.old
        if sizes[entry["metadata"]["name"]] != size_of(entry)
    ]


def _drop_unhealthy(old: Sequence[Manifest], sizes: dict[str, int], room: int) -> None:
    """First the pods that serve nobody, so that a broken version never blocks its successor."""
    for entry in old:
        name = entry["metadata"]["name"]
        dropped = min(room, sizes[name] - available_of(entry))
        if dropped > 0:
            sizes[name] -= dropped
            room -= dropped


def _drop_healthy(old: Sequence[Manifest], sizes: dict[str, int], surplus: int) -> None:
    for entry in old:
        name = entry["metadata"]["name"]
        dropped = min(surplus, sizes[name])
        if dropped > 0:
            sizes[name] -= dropped
            surplus -= dropped
