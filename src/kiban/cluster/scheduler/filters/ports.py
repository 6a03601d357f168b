"""Whether the ports of the node that a pod wants are free
(pkg/scheduler/framework/plugins/nodeports)."""

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.requests import Port
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.verdict import Rejection

ANY_ADDRESS = "0.0.0.0"

_TAKEN = Rejection("NodePorts", ("node(s) didn't have free ports for the requested pod ports",))


def ports_taken(shape: Shape, info: NodeInfo) -> Rejection | None:
    if not shape.ports or not info.ports:
        return None
    return _TAKEN if any(_is_taken(port, info) for port in shape.ports) else None


def _is_taken(port: Port, info: NodeInfo) -> bool:
    return any(ports_overlap(port, there) for there in info.ports)


def ports_overlap(one: Port, other: Port) -> bool:
    """Whether two pods on one node cannot both have these ports."""
    overlaps = ANY_ADDRESS in (one[0], other[0]) or one[0] == other[0]
    return one[1:] == other[1:] and overlaps
