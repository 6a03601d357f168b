"""Places pods one by one on a trial, first where the last simulation put them.

A simulation that is repeated every few seconds mostly finds what it found before; remembering it
makes the cost that of the pods, not of pods times nodes. Source: simulator/scheduling of
kubernetes/autoscaler.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from kiban.cluster.autoscaling.simulation.fitting import Fitting
from kiban.cluster.scheduler.node_info import PodInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.kube.objects import Key


class Move(NamedTuple):
    """A pod and the node on which there is room for it."""

    pod: PodInfo
    node: str


class Hints:
    """Where pods were placed the last time."""

    def __init__(self, fitting: Fitting) -> None:
        self._fitting = fitting
        self._nodes: dict[Key, str] = {}
        self._next = 0

    def forget_all_but(self, keys: Iterable[Key]) -> None:
        """Drop what is remembered of pods that are gone."""
        kept = dict.fromkeys(keys)
        self._nodes = {key: node for key, node in self._nodes.items() if key in kept}

    def place(
        self,
        pods: Iterable[PodInfo],
        may_use: Callable[[str], bool],
        *,
        stops_at_failure: bool = False,
    ) -> tuple[list[Move], list[PodInfo]]:
        """Put the pods on nodes that may be used; what moved, and the pods that fit nowhere."""
        trial = self._fitting.trial
        moves: list[Move] = []
        left: list[PodInfo] = []
        hopeless: dict[Shape, None] = {}
        for pod in pods:
            node = None if pod.shape in hopeless else self._node_for(pod, may_use)
            if node is None:
                hopeless[pod.shape] = None
                left.append(pod)
                if stops_at_failure:
                    break
                continue
            trial.put_pod(pod, node)
            self._nodes[pod.key] = node
            moves.append(Move(pod, node))
        return moves, left

    def _node_for(self, pod: PodInfo, may_use: Callable[[str], bool]) -> str | None:
        trial = self._fitting.trial
        hint = self._nodes.get(pod.key)
        is_there = hint is not None and hint in trial.index and may_use(hint)
        if hint is not None and is_there and self._fitting.rejection(pod, hint) is None:
            return hint
        count = len(trial.order)
        places = [
            at % count
            for at in range(self._next, self._next + count)
            if trial.order[at % count].node is not None and may_use(trial.order[at % count].name)
        ]
        found = self._fitting.first(pod, places)
        if found is None:
            return None
        self._next = found + 1
        return trial.order[found].name
