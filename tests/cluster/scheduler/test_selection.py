"""Which of the best nodes is taken, against a heap built the way Go's container/heap does."""

from hypothesis import given
from hypothesis import strategies as st

from kiban.cluster.scheduler.selection import best_of, nodes_to_find


def root_of_heap(scores: list[int]) -> int:
    """The index at the root after heap.Init with the larger score first."""
    heap = list(range(len(scores)))
    for start in reversed(range(len(heap) // 2)):
        at = start
        while (child := 2 * at + 1) < len(heap):
            right = child + 1
            if right < len(heap) and scores[heap[right]] > scores[heap[child]]:
                child = right
            if scores[heap[child]] <= scores[heap[at]]:
                break
            heap[at], heap[child] = heap[child], heap[at]
            at = child
    return heap[0]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=60))
def test_the_pick_is_the_root_of_the_heap(scores: list[int]) -> None:
    assert best_of(scores) == root_of_heap(scores)


def test_all_nodes_of_a_small_cluster_are_looked_at_and_fewer_of_a_large_one() -> None:
    sizes = (50, 99, 200, 500, 1000, 2500, 5000, 6000, 15000)
    assert [nodes_to_find(size) for size in sizes] == [
        50, 99, 100, 230, 420, 750, 500, 300, 750,
    ]  # fmt: skip
