"""What counts for and against a node by its labels and taints, as raw numbers.

Source: pkg/scheduler/framework/plugins/{nodeaffinity,tainttoleration}.
"""

from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.taints import is_borne


def preference(shape: Shape, info: NodeInfo) -> int:
    """The sum of weights of the preferred terms that the node meets."""
    if not shape.preferred_nodes:
        return 0
    return sum(
        weight for weight, term in shape.preferred_nodes if term.matches(info.name, info.labels)
    )


def dislikes(shape: Shape, info: NodeInfo) -> int:
    """How many PreferNoSchedule taints of the node the pod does not tolerate."""
    if not info.taints:
        return 0
    tolerations = [
        entry
        for entry in shape.tolerations
        if entry.get("effect") in (None, "", "PreferNoSchedule")
    ]
    return sum(
        taint["effect"] == "PreferNoSchedule" and not is_borne(taint, tolerations)
        for taint in info.taints
    )
