"""What the node itself says: cordoned, tainted, not the one asked for.

Source: pkg/scheduler/framework/plugins/{nodeunschedulable,nodename,tainttoleration,nodeaffinity}.
"""

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.taints import is_borne, repels
from kiban.cluster.scheduler.verdict import Rejection

UNSCHEDULABLE = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}

_CORDONED = Rejection("NodeUnschedulable", ("node(s) were unschedulable",), is_final=True)
_TAINTED = Rejection("TaintToleration", ("node(s) had untolerated taint(s)",), is_final=True)
_NOT_CHOSEN = Rejection(
    "NodeAffinity", ("node(s) didn't match Pod's node affinity/selector",), is_final=True
)
_NOT_NAMED = Rejection(
    "NodeAffinity", ("node(s) didn't satisfy plugin(s) [NodeAffinity]",), is_final=True
)


def node_rejects(shape: Shape, info: NodeInfo) -> Rejection | None:
    if shape.named_nodes is not None and info.name not in shape.named_nodes:
        return _NOT_NAMED
    if info.unschedulable and not is_borne(UNSCHEDULABLE, shape.tolerations):
        return _CORDONED
    if info.taints and repels(info.taints, shape.tolerations):
        return _TAINTED
    if not shape.node_choice.matches(info.name, info.labels):
        return _NOT_CHOSEN
    return None
