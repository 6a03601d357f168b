"""What a pod makes of every node by itself, other pods' labels apart: verdicts, scores and looks.

Spread constraints, affinity and the pod's own labels have no part in this, so pods of different
services that ask for the same share one `Ground`; a node that has changed is judged once for all
of them.
"""

from dataclasses import dataclass

from kiban.cluster.scheduler.filters.node import node_rejects
from kiban.cluster.scheduler.filters.ports import ports_taken
from kiban.cluster.scheduler.filters.resources import lacks_room
from kiban.cluster.scheduler.node_info import NodeInfo
from kiban.cluster.scheduler.scores.image_locality import image_locality
from kiban.cluster.scheduler.scores.node import dislikes, preference
from kiban.cluster.scheduler.scores.resources import balanced, least_allocated
from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.verdict import Refusals, Rejection
from kiban.cluster.scheduler.view import View

# Different looks of nodes remembered before they are numbered anew.
LOOKS_LIMIT = 50_000


@dataclass(frozen=True, slots=True)
class Marks:
    """By seat: points for room and images, preferred terms met, taints
    disliked."""

    base: list[int]
    likes: list[int]
    dislikes: list[int]


class Ground:
    """Verdicts and marks of one kind of pod, by the seats of the view."""

    def __init__(self, shape: Shape, images: tuple[str, ...], view: View) -> None:
        self._shape, self._images, self._view = shape, images, view
        self._version = -1
        self._position = 0
        self._numbers: dict[tuple[int, int, int], int] = {}
        self.verdicts: list[Rejection | None] = []
        self.marks = Marks([], [], [])
        self._refusals: Refusals | None = None
        self._open = 0
        self._order: list[int] = []
        # The same number for nodes between which no mark differs.
        self.looks: list[int] = []

    def refresh(self) -> None:
        """Look again at the nodes that have changed."""
        view = self._view
        if self._version != view.version or len(self._numbers) > LOOKS_LIMIT:
            self._renew()
        elif self._position != len(view.log.seats):
            for at in dict.fromkeys(view.log.seats[self._position :]):
                self.update(at, view.seats[at])
        self._position = len(view.log.seats)

    def refusals(self) -> Refusals | None:
        """Why no node can take the pod, if none can; the same until a node changes."""
        self.refresh()
        if self._open:
            return None
        order = self._view.order
        if self._refusals is None or self._order is not order:
            self._order, refusals = order, Refusals()
            for at in order:
                verdict = self.verdicts[at]
                assert verdict is not None, "none is open"
                refusals[at] = verdict
            self._refusals = refusals
        return self._refusals

    def _renew(self) -> None:
        count = len(self._view.seats)
        self._open = count
        self.verdicts = [None] * count
        self.marks = Marks([0] * count, [0] * count, [0] * count)
        self.looks, self._numbers = [0] * count, {}
        for at, info in enumerate(self._view.seats):
            self.update(at, info)
        self._version = self._view.version

    def update(self, at: int, info: NodeInfo) -> None:
        """Look at one node again. `info` may be a copy on which something is tried."""
        shape, marks = self._shape, self.marks
        self._refusals = None
        verdict = node_verdict(shape, info)
        self._open += (verdict is None) - (self.verdicts[at] is None)
        self.verdicts[at] = verdict
        if verdict is not None:
            return
        base = least_allocated(shape, info) + balanced(shape, info)
        if self._images and info.images:
            holders, count = self._view.image_holders, len(self._view.order)
            base += image_locality(self._images, info.images, holders, count)
        liked, disliked = preference(shape, info), dislikes(shape, info)
        marks.base[at], marks.likes[at], marks.dislikes[at] = base, liked, disliked
        numbers = self._numbers
        self.looks[at] = numbers.setdefault((base, liked, disliked), len(numbers))


def node_verdict(shape: Shape, info: NodeInfo) -> Rejection | None:
    """The first rule about the node alone that rejects the pod, in the order of the filters."""
    return node_rejects(shape, info) or ports_taken(shape, info) or lacks_room(shape, info)
