"""The call graph seen at once: how often one request from outside ends up at every service.

It holds while nothing fails and nothing is tried again, which is nearly always; then one sum
replaces the walk over the levels.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from kiban.rehearsal.traffic.erlang import Indices
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.graph import CallGraph, Calls

# More pairs than this for each node, and walking the levels is cheaper.
MOST_PAIRS = 40

Pairs = tuple[Indices, Indices, Vector]


class Closure:
    """Sums over everything below a node. `is_usable` unless there are circles or too many pairs."""

    def __init__(self, graph: CallGraph) -> None:
        self._nodes = len(graph.nodes)
        self._services = graph.services
        asked = _reached(graph, [level.times for level in graph.levels])
        waited = _reached(graph, [level.times * level.waited for level in graph.levels])
        pairs = sum(len(below) for below in asked)
        self.is_usable = len(graph.backward) == 0 and pairs <= MOST_PAIRS * self._nodes
        self._asked, self._waited = _pairs(asked), _pairs(waited)
        self._partly = _partly(graph.levels)

    def rates(self, outside: Vector) -> Vector:
        """How often each node is asked, from what comes to the services from outside."""
        source, target, times = self._asked
        found: Vector = np.bincount(target, outside[source] * times, self._nodes).astype(
            np.float64, copy=False
        )
        found[: self._services] += outside
        return found

    def totals(self, own: Vector) -> Vector:
        """Each node's own part and those of all it waits for."""
        source, target, times = self._waited
        found: Vector = own + np.bincount(source, own[target] * times, self._nodes)
        return found

    def variances(self, own: Vector, means: Vector) -> Vector:
        """The same for variances; a call that is not always made adds one of its own."""
        if self._partly is not None:
            source, target, factor = self._partly
            mean = means[target]
            own = own + np.bincount(source, mean * mean * factor, self._nodes)
        return self.totals(own)


def _reached(graph: CallGraph, times: Sequence[Vector]) -> list[dict[int, float]]:
    """For every node what it reaches and how often."""
    found: list[dict[int, float]] = [{} for _ in graph.nodes]
    for level, often in zip(reversed(graph.levels), reversed(times), strict=True):
        for source, target, count in zip(
            level.source.tolist(), level.target.tolist(), often.tolist(), strict=True
        ):
            below = found[source]
            below[target] = below.get(target, 0.0) + count
            for further, again in found[target].items():
                below[further] = below.get(further, 0.0) + count * again
    return found


def _pairs(reached: Sequence[Mapping[int, float]]) -> Pairs:
    triples = [
        (source, target, below[target])
        for source, below in enumerate(reached)
        for target in sorted(below)
        if below[target]
    ]
    return (
        np.array([one[0] for one in triples], dtype=np.int64),
        np.array([one[1] for one in triples], dtype=np.int64),
        np.array([one[2] for one in triples], dtype=np.float64),
    )


def _partly(levels: Sequence[Calls]) -> Pairs | None:
    """The calls whose number is not whole, with the variance of that number."""
    triples = [
        (source, target, rest * (1.0 - rest))
        for level in levels
        for source, target, times in zip(
            level.source.tolist(),
            level.target.tolist(),
            (level.times * level.waited).tolist(),
            strict=True,
        )
        if (rest := times % 1.0)
    ]
    if not triples:
        return None
    return (
        np.array([one[0] for one in triples], dtype=np.int64),
        np.array([one[1] for one in triples], dtype=np.int64),
        np.array([one[2] for one in triples], dtype=np.float64),
    )
