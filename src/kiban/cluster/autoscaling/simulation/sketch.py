"""What is left of nodes when pods are put on them in thought only.

Most waiting pods are judged by each node alone. For them numbers of what is free are enough, and
nothing needs to be taken back: a scan that looks at hundreds of pods changes no trial.
"""

from kiban.cluster.autoscaling.simulation.trial import Trial
from kiban.cluster.scheduler.filters.node import node_rejects
from kiban.cluster.scheduler.shape import Shape


def is_plain(shape: Shape) -> bool:
    """Whether a node takes or rejects such a pod by what it says and how much of it is free."""
    return not (shape.hard_spreads or shape.has_pod_terms or shape.claims or shape.ports)


class Sketch:
    """What is free on the nodes of a trial, and what plain pods take of it."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._free: dict[str, dict[str, int]] = {}

    def takes(self, shape: Shape, node: str) -> bool:
        """Whether the node is there and has room for one more."""
        at = self._trial.index.get(node)
        if at is None:
            return False
        free = self._free.get(node)
        if free is None:
            free = self._free[node] = self._free_at(at)
        if free["pods"] < 1:
            return False
        for name, amount in shape.requests:
            if amount > free.get(name, 0):
                return False
        return node_rejects(shape, self._trial.seats[at]) is None

    def put(self, shape: Shape, node: str) -> None:
        """One that the node takes counts there from now on."""
        free = self._free[node]
        free["pods"] -= 1
        for name, amount in shape.requests:
            free[name] -= amount

    def _free_at(self, at: int) -> dict[str, int]:
        info = self._trial.seats[at]
        asked = info.requested
        free = {name: size - asked.get(name, 0) for name, size in info.allocatable.items()}
        free["pods"] = info.allocatable.get("pods", 0) - len(info.pods)
        return free
