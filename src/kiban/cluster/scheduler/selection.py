"""How many nodes to look at, and which of the best ones is taken.

Source: pkg/scheduler/schedule_one.go. Nodes of equal score are not drawn by lot in Kubernetes
1.36: the pick is the root of a heap of the scores, which this computes without the heap.
"""

from collections.abc import Sequence
from functools import lru_cache

# Below this many nodes all are looked at.
FEWEST_NODES = 100
FEWEST_PERCENT = 5


def nodes_to_find(count: int) -> int:
    """How many feasible nodes are enough in a cluster of this size."""
    if count < FEWEST_NODES:
        return count
    percent = max(50 - count // 125, FEWEST_PERCENT)
    return max(count * percent // 100, FEWEST_NODES)


def best_of(scores: Sequence[int]) -> int:
    """The index of the score that a heap built of these would have at its root.

    Of equal scores that is the one met first when the heap is walked parent, left, right.
    """
    top = max(scores)
    if scores[0] == top:
        return 0
    return next(index for index in _walk(len(scores)) if scores[index] == top)


@lru_cache(maxsize=64)
def _walk(size: int) -> tuple[int, ...]:
    """The indexes of a binary heap of this size: a parent, all to its left, all to its right."""
    # The turns from the root, as text, sort in just this order.
    return tuple(sorted(range(size), key=lambda index: bin(index + 1)[3:]))
