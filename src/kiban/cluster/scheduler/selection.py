"""How many nodes to look at, and which of the best ones is taken.

Source: pkg/scheduler/schedule_one.go. Nodes of equal score are not drawn by lot in Kubernetes
1.36: the pick is the root of a heap of the scores, which this computes without the heap.
"""

from collections.abc import Sequence

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
    """The index of the score that a heap built of these would have at its root."""
    top = max(scores)
    first = scores.index(top)
    if first == 0 or scores.count(top) == 1:
        return first
    tied = [index for index, score in enumerate(scores) if score == top]
    return min(tied, key=_heap_path)


def _heap_path(index: int) -> str:
    """Left (0) and right (1) turns from the root of a binary heap; a parent comes first."""
    return bin(index + 1)[3:]
