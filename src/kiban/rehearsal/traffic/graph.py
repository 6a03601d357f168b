"""The call graph as vectors: services and what they depend on, in levels of who calls whom.

Rates run down the levels and response times up. A call against that order, in a circle of
optional calls, takes its answer from the span before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.traffic.erlang import Indices
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.parameters import CallModel, Models, ServiceTraits


@dataclass(frozen=True, slots=True)
class Calls:
    """Some calls, as vectors: who, whom, how often, and how often again."""

    source: Indices
    target: Indices
    times: Vector
    retries: Indices
    optional: Vector
    waited: Vector
    most_retries: int

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, slots=True)
class CallGraph:
    """`nodes` are the services in the given order, then the dependencies. `levels` holds the
    calls of each level's callers, the first callers first; `backward` those in a circle."""

    nodes: tuple[str, ...]
    services: int
    levels: tuple[Calls, ...]
    backward: Calls

    @property
    def edges(self) -> int:
        return sum(len(level) for level in self.levels) + len(self.backward)


def call_graph(models: Models, order: Sequence[str]) -> CallGraph:
    """The graph of the services in `order`, and of the dependencies they use."""
    nodes = (*order, *sorted(models.dependencies))
    index = {name: number for number, name in enumerate(nodes)}
    calls = [
        (index[name], index[call.to], call)
        for name in order
        for call in _model(models, name).calls
        if call.to in index
    ]
    depth, back = _depths(len(nodes), calls)
    forward = [edge for number, edge in enumerate(calls) if number not in back]
    levels = [
        _vectors([edge for edge in forward if depth[edge[0]] == level])
        for level in range(max(depth, default=0) + 1)
    ]
    backward = _vectors([edge for number, edge in enumerate(calls) if number in back])
    return CallGraph(nodes, len(order), tuple(one for one in levels if len(one)), backward)


def _model(models: Models, name: str) -> ServiceTraits:
    return models.services.get(name) or ServiceTraits(name)


Edge = tuple[int, int, CallModel]


def _depths(nodes: int, calls: Sequence[Edge]) -> tuple[list[int], set[int]]:
    """How many calls lead to a node at most, and the numbers of the calls that close circles."""
    outgoing: list[list[tuple[int, int]]] = [[] for _ in range(nodes)]
    for number, (source, target, _) in enumerate(calls):
        outgoing[source].append((number, target))
    back: set[int] = set()
    finished: list[int] = []
    state = [0] * nodes
    for root in range(nodes):
        if state[root]:
            continue
        state[root] = 1
        stack = [(root, iter(outgoing[root]))]
        while stack:
            node, rest = stack[-1]
            for number, target in rest:
                if state[target] == 1:
                    back.add(number)
                elif state[target] == 0:
                    state[target] = 1
                    stack.append((target, iter(outgoing[target])))
                    break
            else:
                state[node] = 2
                finished.append(node)
                stack.pop()
    depth = [0] * nodes
    for node in reversed(finished):
        for number, target in outgoing[node]:
            if number not in back:
                depth[target] = max(depth[target], depth[node] + 1)
    return depth, back


def _vectors(edges: Sequence[Edge]) -> Calls:
    return Calls(
        np.array([edge[0] for edge in edges], dtype=np.int64),
        np.array([edge[1] for edge in edges], dtype=np.int64),
        np.array([edge[2].times for edge in edges], dtype=np.float64),
        np.array([edge[2].retries for edge in edges], dtype=np.int64),
        np.array([float(edge[2].optional) for edge in edges], dtype=np.float64),
        np.array([float(not edge[2].queued) for edge in edges], dtype=np.float64),
        max((edge[2].retries for edge in edges), default=0),
    )
