"""Prefer nodes with room to spare, and with cpu and memory used alike.

Source: pkg/scheduler/framework/plugins/noderesources/{least_allocated,balanced_allocation}.go.
"""

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape

TOP_SCORE = 100


def least_allocated(shape: Shape, info: NodeInfo) -> int:
    total = count = 0
    for name, used in (
        ("cpu", info.scored_cpu + shape.scored_cpu),
        ("memory", info.scored_memory + shape.scored_memory),
    ):
        size = info.allocatable.get(name, 0)
        if size:
            count += 1
            total += (size - used) * TOP_SCORE // size if used <= size else 0
    return total // count if count else 0


def balanced(shape: Shape, info: NodeInfo) -> int:
    """0 for every node when the pod asks for nothing."""
    if shape.is_best_effort:
        return 0
    wanted: dict[str, int] = {"cpu": 0, "memory": 0}
    for name, amount in shape.requests:
        wanted[name] = amount
    fractions = []
    for name in ("cpu", "memory"):
        size = info.allocatable.get(name, 0)
        if size:
            used = info.requested.get(name, 0) + wanted[name]
            fractions.append(used / size if used < size else 1.0)
    deviation = abs(fractions[0] - fractions[1]) / 2 if len(fractions) == 2 else 0.0
    return int((1 - deviation) * TOP_SCORE)
