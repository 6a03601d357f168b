"""Whether a node has room for a pod (pkg/scheduler/framework/plugins/noderesources/fit.go)."""

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.verdict import Rejection


def lacks_room(shape: Shape, info: NodeInfo) -> Rejection | None:
    """All that is short; final when even an empty node of this size would not do."""
    reasons: list[str] = []
    is_final = False
    if len(info.pods) + 1 > info.allocatable.get("pods", 0):
        reasons.append("Too many pods")
    for name, amount in shape.requests:
        size = info.allocatable.get(name, 0)
        if amount > size - info.requested.get(name, 0):
            reasons.append(f"Insufficient {name}")
            is_final = is_final or amount > size
    return Rejection("NodeResourcesFit", tuple(reasons), is_final) if reasons else None
