"""Places pods one by one on a trial, first where the last simulation put them.

A simulation that is repeated every few seconds mostly finds what it found before; remembering it
makes the cost that of the pods, not of pods times nodes. Source: simulator/scheduling of
kubernetes/autoscaler.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import NamedTuple

from kiban.cluster.autoscaling.simulation.fitting import Fitting
from kiban.cluster.autoscaling.simulation.sketch import Sketch, is_plain
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
        hopeless: dict[object, None] = {}
        # Seats only fill up from here: what rejects a kind of pod once rejects it again.
        refusing: dict[object, dict[int, None]] = {}
        for pod in pods:
            kind = self._fitting.kind_of(pod.shape)
            full = refusing.setdefault(kind, {})
            node = None if kind in hopeless else self._node_for(pod, may_use, full)
            if node is None:
                hopeless[kind] = None
                left.append(pod)
                if stops_at_failure:
                    break
                continue
            trial.put_pod(pod, node)
            self._nodes[pod.key] = node
            moves.append(Move(pod, node))
        return moves, left

    def left_over(self, pods: Sequence[PodInfo]) -> list[PodInfo]:
        """The pods for which there is no room, wherever the others go. The trial stays as it is."""
        trial = self._fitting.trial
        if trial.affine_count or not all(is_plain(pod.shape) for pod in pods):
            trial.fork()
            _, left = self.place(pods, lambda name: True)
            trial.revert()
            return left
        return self._left_over_alone(pods)

    def _left_over_alone(self, pods: Sequence[PodInfo]) -> list[PodInfo]:
        """The same for pods that each node judges by its room: as `place`, on a sketch."""
        sketch = Sketch(self._fitting.trial)
        left: list[PodInfo] = []
        hopeless: dict[object, None] = {}
        refusing: dict[object, dict[int, None]] = {}
        for pod in pods:
            shape = pod.shape
            kind = shape.alone
            node = None
            if kind not in hopeless:
                node = self._nodes.get(pod.key)
                if node is None or not sketch.takes(shape, node):
                    node = self._searched(shape, sketch, refusing.setdefault(kind, {}))
            if node is None:
                hopeless[kind] = None
                left.append(pod)
                continue
            sketch.put(shape, node)
            self._nodes[pod.key] = node
        return left

    def _searched(self, shape: Shape, sketch: Sketch, full: dict[int, None]) -> str | None:
        order = self._fitting.trial.seats
        count = len(order)
        start = self._next % count if count else 0
        for at in chain(range(start, count), range(start)):
            if at in full or order[at].node is None:
                continue
            if sketch.takes(shape, order[at].name):
                self._next = at + 1
                return order[at].name
            full[at] = None
        return None

    def _node_for(
        self, pod: PodInfo, may_use: Callable[[str], bool], full: dict[int, None]
    ) -> str | None:
        trial = self._fitting.trial
        hint = self._nodes.get(pod.key)
        is_there = hint is not None and hint in trial.index and may_use(hint)
        if hint is not None and is_there and self._fitting.rejection(pod, hint) is None:
            return hint
        order, count = trial.seats, len(trial.seats)
        start = self._next % count if count else 0
        places = (
            at
            for at in chain(range(start, count), range(start))
            if at not in full and order[at].node is not None and may_use(order[at].name)
        )
        found = self._fitting.first(pod, places, full)
        if found is None:
            return None
        self._next = found + 1
        return order[found].name
