"""Whether a pod fits on a node of a trial, by the scheduler's own filters.

Most pods are judged by the node alone. Where spread or affinity makes nodes depend on each other,
the scheduler's board for that shape of pod keeps the sums.
"""

from collections.abc import Iterable, Sequence

from kiban.cluster.autoscaling.simulation.trial import Trial
from kiban.cluster.scheduler.board import Board, Question
from kiban.cluster.scheduler.ground import node_verdict
from kiban.cluster.scheduler.node_info import PodInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.verdict import Rejection
from kiban.cluster.scheduler.volumes import (
    ELSEWHERE,
    VolumeChoice,
    is_out_of_reach,
    missing_claim,
    volume_choices,
)
from kiban.reconcile.controller import Snapshot

# Boards kept; each is as long as there are seats.
BOARDS_LIMIT = 512


class Fitting:
    """Answers for one trial. `snapshot` tells where volumes are."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        self.snapshot: Snapshot | None = None
        self._boards: dict[Shape, Board] = {}

    def kind_of(self, shape: Shape) -> object:
        """The same for shapes that every seat takes or rejects alike."""
        return shape if shape.claims or self._compares(shape) else shape.alone

    def rejection(self, pod: PodInfo, node: str) -> Rejection | None:
        """Why the node cannot take the pod; None when it can."""
        found, _ = self._first(pod, [self.trial.index[node]])
        return found

    def first(
        self, pod: PodInfo, places: Iterable[int], full: dict[int, None] | None = None
    ) -> int | None:
        """The first of these seats on which the pod fits. The seats that reject it by themselves
        are noted in `full`."""
        _, at = self._first(pod, places, full)
        return at

    def _first(
        self, pod: PodInfo, places: Iterable[int], full: dict[int, None] | None = None
    ) -> tuple[Rejection | None, int | None]:
        shape = pod.shape
        lost, volumes = self._volumes(shape)
        if lost is not None:
            return lost, None
        board = self._board(shape) if self._compares(shape) else None
        if board is not None:
            board.refresh()
        limits = board.limits() if board is not None else ()
        found: Rejection | None = None
        order = self.trial.seats
        for at in places:
            info = order[at]
            if board is not None:
                found = board.rejection(at, limits)
            else:
                found = node_verdict(shape, info)
                if found is not None and full is not None:
                    full[at] = None
            if found is None and volumes and is_out_of_reach(volumes, info):
                found = ELSEWHERE
            if found is None:
                return None, at
        return found, None

    def _compares(self, shape: Shape) -> bool:
        """Whether nodes depend on each other for this shape."""
        return bool(
            shape.hard_spreads or shape.attracted or shape.repelled or self.trial.affine_count
        )

    def _volumes(self, shape: Shape) -> tuple[Rejection | None, Sequence[VolumeChoice]]:
        if not shape.claims or self.snapshot is None:
            return None, ()
        return missing_claim(shape, self.snapshot), volume_choices(shape, self.snapshot)

    def _board(self, shape: Shape) -> Board:
        board = self._boards.get(shape)
        if board is None:
            if len(self._boards) >= BOARDS_LIMIT:
                self._boards.clear()
            board = self._boards[shape] = Board(Question(shape), self.trial)
        return board
