"""Which pods that come to a node or leave it matter to a shape's comparisons of nodes."""

from collections.abc import Sequence

from kiban.cluster.scheduler.shape import Shape
from kiban.cluster.scheduler.terms import Spread


class Concern(dict[Shape | None, bool]):
    """By the shape of the pod, worked out when first asked. Nothing for a pod's shape is a change
    of the node itself, which always matters; so does `everything` where affinity is at work."""

    def __init__(self, shape: Shape, spreads: Sequence[Spread], *, everything: bool) -> None:
        super().__init__()
        self._shape, self._spreads, self._everything = shape, spreads, everything

    def __missing__(self, pod: Shape | None) -> bool:
        found = self[pod] = pod is None or self._everything or self._is_counted(pod)
        return found

    def _is_counted(self, pod: Shape) -> bool:
        return pod.namespace == self._shape.namespace and any(
            spread.selector.matches(pod.labels) for spread in self._spreads
        )
