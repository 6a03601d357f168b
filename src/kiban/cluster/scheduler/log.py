"""Which seats have changed since anybody last looked, and on account of which pods.

Readers keep how far they have read; a view that cuts its log tells them by its version to begin
anew.
"""

from collections.abc import Sequence

from kiban.cluster.scheduler.concern import Mark, marks_of
from kiban.cluster.scheduler.shape import Shape


class Log:
    """`seats` are all that changed, some more than once; `nodes` those whose node changed."""

    def __init__(self) -> None:
        self.seats: list[int] = []
        self.nodes: list[int] = []
        self._marked: dict[Mark, list[int]] = {}
        self._marks: dict[Shape, tuple[Mark, ...]] = {}

    def note(self, at: int, pod: Shape | None) -> None:
        """Something changed on a seat: a pod of that shape came or went, or the node itself
        changed."""
        self.seats.append(at)
        if pod is None:
            self.nodes.append(at)
            return
        marks = self._marks.get(pod)
        if marks is None:
            marks = self._marks[pod] = marks_of(pod)
        for mark in marks:
            self._marked.setdefault(mark, []).append(at)

    def marked(self, mark: Mark) -> Sequence[int]:
        """The seats to which pods with that label came, or which they left."""
        return self._marked.get(mark, ())
