"""What one pod shape makes of every node: verdicts and scores, renewed node by node.

A board looks again only at nodes that have changed since it was last asked. What depends on one
node alone it shares with others (`Ground`); rules that compare nodes (spread, affinity between
pods) keep sums by domain, which only pods that the rules are about can change.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kiban.cluster.scheduler.concern import Mark, concerning
from kiban.cluster.scheduler.filters.inter_pod_affinity import RequiredPods
from kiban.cluster.scheduler.filters.topology_spread import HardSpread
from kiban.cluster.scheduler.ground import LOOKS_LIMIT, Ground
from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.scores.inter_pod_affinity import PreferredPods
from kiban.cluster.scheduler.scores.normal import normalised
from kiban.cluster.scheduler.scores.topology_spread import SoftSpread
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.terms import Spread
from kiban.cluster.scheduler.verdict import Refusals, Rejection
from kiban.cluster.scheduler.view import View

# Weights of the default profile (pkg/scheduler/apis/config/v1/default_plugins.go); resources
# and images weigh 1.
TAINT_WEIGHT = 3
PREFERENCE_WEIGHT = 2
SPREAD_WEIGHT = 2
AFFINITY_WEIGHT = 2
# Numbers of looks are smaller than two to this power.
LOOK_BITS = 32
# So many changes are read in the time in which a seat is looked at.
CHANGES_A_SEAT = 50


@dataclass(frozen=True, slots=True)
class Question:
    """A shape, and the soft constraints that the system adds to it."""

    shape: Shape
    defaults: tuple[Spread, ...] = ()


class Board:
    """Verdicts and scores of one shape, by the seats of the view. Without a ground to share
    it has its own, on which images do not count."""

    def __init__(self, question: Question, view: View, ground: Ground | None = None) -> None:
        self._shape, self._view = question.shape, view
        self._defaults = question.defaults
        self.ground = ground or Ground(question.shape, (), view)
        self._version = -1
        self._position = self._nodes_read = 0
        self._marks: tuple[Mark, ...] | None = None
        self._marks_read: dict[Mark, int] = {}
        self._looks: list[int] = []
        self._numbers: dict[tuple[object, ...], int] = {}

    # Keeping up

    def refresh(self) -> None:
        """Look again at the nodes that have changed."""
        view = self._view
        self.ground.refresh()
        if self._version != view.version or len(self._numbers) > LOOKS_LIMIT or self._is_behind:
            self._renew()
        elif self._position == len(view.log.seats):
            return
        else:
            for at in dict.fromkeys(self._changed()):
                self._compare(at, view.seats[at])
        self._read_to_here()

    def _changed(self) -> Iterable[int]:
        """The seats that may compare differently, some more than once."""
        log = self._view.log
        if self._marks is None:
            return log.seats[self._position :]
        seats = log.nodes[self._nodes_read :]
        for mark, read in self._marks_read.items():
            seats += log.marked(mark)[read:]
        return seats

    def _read_to_here(self) -> None:
        log = self._view.log
        self._position, self._nodes_read = len(log.seats), len(log.nodes)
        self._marks_read = {mark: len(log.marked(mark)) for mark in self._marks or ()}

    @property
    def _is_behind(self) -> bool:
        """Whether looking at every seat is less than reading all that has changed."""
        seats, changes = self._view.seats, len(self._view.log.seats) - self._position
        return self._marks is None and changes > CHANGES_A_SEAT * len(seats)

    def _renew(self) -> None:
        shape, view = self._shape, self._view
        others = view.affine_count > 0
        spreads = shape.soft_spreads or self._defaults
        self._hard = HardSpread(shape)
        self._soft = SoftSpread(shape, spreads, own=bool(shape.soft_spreads))
        spaces = view.namespace_labels
        self._required = RequiredPods(shape, spaces, others_have_terms=others)
        self._preferred = PreferredPods(shape, spaces, others_have_terms=others)
        self._sums = [*self._hard.tallies, *self._required.tallies, *self._preferred.tallies]
        is_about_all = others or shape.has_pod_terms
        self._marks = None if is_about_all else concerning(shape, (*shape.hard_spreads, *spreads))
        self._looks, self._numbers = [0] * len(view.seats), {}
        for at, info in enumerate(view.seats):
            self._compare(at, info)
        self._version = view.version

    def update(self, at: int, info: NodeInfo) -> None:
        """Look at one node again. `info` may be a copy on which something is tried."""
        self.ground.update(at, info)
        self._compare(at, info)

    def _compare(self, at: int, info: NodeInfo) -> None:
        """Count anew what the node contributes to comparisons of nodes."""
        self._soft.update(at, info)
        for tally in self._sums:
            tally.update(at, info)
        numbers = self._numbers
        self._looks[at] = numbers.setdefault(self._soft.look(at, info), len(numbers))

    # Answering

    @property
    def verdicts(self) -> Sequence[Rejection | None]:
        """Of the rules about a node alone."""
        return self.ground.verdicts

    def refusals(self) -> Refusals | None:
        """Why no node can take the pod by the rules about a node alone, if none can. What nodes
        are to each other does not matter then, and is not looked at."""
        return self.ground.refusals()

    @property
    def compares(self) -> bool:
        """Whether a verdict depends on more than the node itself."""
        return bool(self._hard.tallies) or not self._required.is_idle

    @property
    def tries(self) -> bool:
        """Whether sums by domain have a say in verdicts at all."""
        return bool(self._hard.tallies or self._required.tallies)

    def limits(self) -> Sequence[int]:
        """What `rejection` needs to know of the spread, worked out once for all nodes."""
        return self._hard.limits()

    def rejection(self, at: int, limits: Sequence[int]) -> Rejection | None:
        """Why the node at this place cannot take the pod."""
        verdict = self.ground.verdicts[at]
        if verdict is not None:
            return verdict
        info = self._view.seats[at]
        found = self._hard.rejects(info, limits) if limits else None
        return found or (None if self._required.is_idle else self._required.rejects(info))

    def scores(self, places: Sequence[int]) -> list[int]:
        """The weighted sums of scores of the nodes at these places.

        Nodes that look alike score alike, so one of each look is scored. Where other pods are
        liked or not, any two nodes may differ.
        """
        if self._preferred.is_active:
            return self._scored(places, len(places))
        own, common = self._looks, self.ground.looks
        looks = [common[at] << LOOK_BITS | own[at] for at in places]
        ones = dict(zip(looks, places, strict=True))
        table = dict(zip(ones, self._scored(list(ones.values()), len(places)), strict=True))
        return [table[look] for look in looks]

    def _scored(self, places: Sequence[int], count: int) -> list[int]:
        """Scores of the nodes at these places, which stand for `count` nodes."""
        seats, marks = self._view.seats, self.ground.marks
        total = [marks.base[at] for at in places]
        disliked = [marks.dislikes[at] for at in places]
        if any(disliked):
            _add(total, normalised(disliked, reverse=True), TAINT_WEIGHT)
        if self._shape.preferred_nodes:
            liked = [marks.likes[at] for at in places]
            _add(total, normalised(liked), PREFERENCE_WEIGHT)
        if self._shape.soft_spreads or self._defaults:
            _add(total, self._soft.scores(places, seats, count), SPREAD_WEIGHT)
        near = self._preferred.scores(places, seats)
        if near is not None:
            _add(total, near, AFFINITY_WEIGHT)
        return total


def _add(total: list[int], scores: Sequence[int], weight: int) -> None:
    for index, score in enumerate(scores):
        total[index] += weight * score
