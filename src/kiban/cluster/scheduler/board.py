"""What one pod shape makes of every node: verdicts and scores, renewed node by node.

A board looks again only at nodes that have changed since it was last asked. Rules that depend on
one node alone are kept as one verdict and one score per node; those that compare nodes (spread,
affinity between pods) keep sums by domain.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kiban.cluster.scheduler.filters.inter_pod_affinity import RequiredPods
from kiban.cluster.scheduler.filters.node import node_rejects
from kiban.cluster.scheduler.filters.ports import ports_taken
from kiban.cluster.scheduler.filters.resources import lacks_room
from kiban.cluster.scheduler.filters.topology_spread import HardSpread
from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.scores.image_locality import image_locality
from kiban.cluster.scheduler.scores.inter_pod_affinity import PreferredPods
from kiban.cluster.scheduler.scores.node import dislikes, preference
from kiban.cluster.scheduler.scores.normal import normalised
from kiban.cluster.scheduler.scores.resources import balanced, least_allocated
from kiban.cluster.scheduler.scores.topology_spread import SoftSpread
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.terms import Spread
from kiban.cluster.scheduler.verdict import Rejection
from kiban.cluster.scheduler.view import View

# Weights of the default profile (pkg/scheduler/apis/config/v1/default_plugins.go); resources
# and images weigh 1.
TAINT_WEIGHT = 3
PREFERENCE_WEIGHT = 2
SPREAD_WEIGHT = 2
AFFINITY_WEIGHT = 2
# Different looks of nodes remembered before they are numbered anew.
LOOKS_LIMIT = 50_000


@dataclass(frozen=True, slots=True)
class Question:
    """A shape, the soft constraints that the system adds to it, and the pod's images when it
    matters where they are."""

    shape: Shape
    defaults: tuple[Spread, ...] = ()
    images: tuple[str, ...] = ()


class Board:
    """Verdicts and scores of one shape, by place in the view's order."""

    def __init__(self, question: Question, view: View) -> None:
        self._shape, self._view = question.shape, view
        self._defaults = question.defaults
        self._images = question.images
        self._version = -1
        self._position = 0
        self.verdicts: list[Rejection | None] = []
        self._base: list[int] = []
        self._likes: list[int] = []
        self._dislikes: list[int] = []
        self._looks: list[int] = []
        self._numbers: dict[tuple[object, ...], int] = {}

    # Keeping up

    def refresh(self) -> None:
        """Look again at the nodes that have changed."""
        view = self._view
        if self._version != view.version or len(self._numbers) > LOOKS_LIMIT:
            self._renew()
        elif self._position != view.position:
            for at in dict.fromkeys(view.changed_since(self._position)):
                self.update(at, view.order[at])
        self._position = view.position

    def _renew(self) -> None:
        shape, view = self._shape, self._view
        others = view.affine_count > 0
        self._hard = HardSpread(shape)
        self._soft = SoftSpread(
            shape, shape.soft_spreads or self._defaults, own=bool(shape.soft_spreads)
        )
        spaces = view.namespace_labels
        self._required = RequiredPods(shape, spaces, others_have_terms=others)
        self._preferred = PreferredPods(shape, spaces, others_have_terms=others)
        self._sums = [*self._hard.tallies, *self._required.tallies, *self._preferred.tallies]
        count = len(view.order)
        self.verdicts = [None] * count
        self._base, self._likes, self._dislikes = [0] * count, [0] * count, [0] * count
        self._looks, self._numbers = [0] * count, {}
        for at, info in enumerate(view.order):
            self.update(at, info)
        self._version = view.version

    def update(self, at: int, info: NodeInfo) -> None:
        """Look at one node again. `info` may be a copy on which something is tried."""
        shape = self._shape
        verdict = self.verdicts[at] = node_verdict(shape, info)
        if verdict is None:
            self._base[at] = least_allocated(shape, info) + balanced(shape, info)
            if self._images and info.images:
                holders, count = self._view.image_holders, len(self._view.order)
                self._base[at] += image_locality(self._images, info.images, holders, count)
            self._likes[at] = preference(shape, info)
            self._dislikes[at] = dislikes(shape, info)
        self._soft.update(at, info)
        for tally in self._sums:
            tally.update(at, info)
        self._looks[at] = self._look(at, info)

    # Answering

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
        verdict = self.verdicts[at]
        if verdict is not None:
            return verdict
        info = self._view.order[at]
        found = self._hard.rejects(info, limits) if limits else None
        return found or (None if self._required.is_idle else self._required.rejects(info))

    def scores(self, places: Sequence[int]) -> list[int]:
        """The weighted sums of scores of the nodes at these places.

        Nodes that look alike score alike, so one of each look is scored. Where other pods are
        liked or not, any two nodes may differ.
        """
        if self._preferred.is_active:
            return self._scored(places, len(places))
        looks = [self._looks[at] for at in places]
        ones = dict(zip(looks, places, strict=True))
        table = dict(zip(ones, self._scored(list(ones.values()), len(places)), strict=True))
        return [table[look] for look in looks]

    def _scored(self, places: Sequence[int], count: int) -> list[int]:
        """Scores of the nodes at these places, which stand for `count` nodes."""
        order, base = self._view.order, self._base
        total = [base[at] for at in places]
        disliked = [self._dislikes[at] for at in places]
        if any(disliked):
            _add(total, normalised(disliked, reverse=True), TAINT_WEIGHT)
        if self._shape.preferred_nodes:
            liked = [self._likes[at] for at in places]
            _add(total, normalised(liked), PREFERENCE_WEIGHT)
        if self._shape.soft_spreads or self._defaults:
            _add(total, self._soft.scores(places, order, count), SPREAD_WEIGHT)
        near = self._preferred.scores(places, order)
        if near is not None:
            _add(total, near, AFFINITY_WEIGHT)
        return total

    def _look(self, at: int, info: NodeInfo) -> int:
        """A number that is the same for nodes between which no score differs."""
        what = (self._base[at], self._likes[at], self._dislikes[at], *self._soft.look(at, info))
        return self._numbers.setdefault(what, len(self._numbers))


def node_verdict(shape: Shape, info: NodeInfo) -> Rejection | None:
    """The first rule about the node alone that rejects the pod, in the order of the filters."""
    return node_rejects(shape, info) or ports_taken(shape, info) or lacks_room(shape, info)


def _add(total: list[int], scores: Sequence[int], weight: int) -> None:
    for index, score in enumerate(scores):
        total[index] += weight * score
