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

# Nobody gives up on what the platform does not run, nor on what is not waited for.
ENDLESS = 1e9


@dataclass(frozen=True, slots=True)
class Together:
    """Of some calls, those that their callers make at the same time, caller after caller: their
    places, the number of the caller of each, where each caller's begin, and the callers."""

    calls: Indices
    number: Indices
    starts: Indices
    callers: Indices


@dataclass(frozen=True, slots=True)
class Calls:
    """Some calls, as vectors: who, whom, how often, and how often again. Truths are 1 or 0."""

    source: Indices
    target: Indices
    times: Vector
    retries: Indices
    optional: Vector
    waited: Vector
    timeout: Vector
    in_turn: Vector
    most_retries: int
    together: "Together | None"

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
    def is_sequential(self) -> bool:
        """Whether everybody makes one call after the other."""
        return all(calls.together is None for calls in (*self.levels, self.backward))

    def pulled(self, from_outside: Vector) -> Vector:
        """1 for the services that take all they get from a queue, when they are there to take it;
        0 for those that are asked."""
        queued, asked = np.zeros(self.services), from_outside > 0
        for calls in (*self.levels, self.backward):
            for target, waited in zip(calls.target.tolist(), calls.waited.tolist(), strict=True):
                if target < self.services:
                    queued[target] = 1.0
                    asked[target] |= waited > 0
        found: Vector = queued * ~asked
        return found

    def least_timeouts(self, own: Vector) -> Vector:
        """The shortest time that anybody waits for each service: by its own word, or a caller's."""
        found = own.copy()
        for calls in (*self.levels, self.backward):
            inside = calls.target < self.services
            np.minimum.at(found, calls.target[inside], calls.timeout[inside])
        return found


@dataclass(frozen=True, slots=True)
class Edge:
    """One call between two nodes by their numbers."""

    source: int
    target: int
    call: CallModel
    timeout: float
    is_parallel: bool


def call_graph(models: Models, order: Sequence[str]) -> CallGraph:
    """The graph of the services in `order`, and of the dependencies they use."""
    nodes = (*order, *sorted(models.dependencies))
    index = {name: number for number, name in enumerate(nodes)}
    calls = [
        Edge(index[name], index[call.to], call, _patience(models, call), model.parallel)
        for name in order
        for model in (_model(models, name),)
        for call in model.calls
        if call.to in index
    ]
    depth, back = _depths(len(nodes), calls)
    forward = [edge for number, edge in enumerate(calls) if number not in back]
    levels = [
        _vectors([edge for edge in forward if depth[edge.source] == level])
        for level in range(max(depth, default=0) + 1)
    ]
    backward = _vectors([edge for number, edge in enumerate(calls) if number in back])
    return CallGraph(nodes, len(order), tuple(one for one in levels if len(one)), backward)


def _model(models: Models, name: str) -> ServiceTraits:
    return models.services.get(name) or ServiceTraits(name)


def _patience(models: Models, call: CallModel) -> float:
    """How long a caller waits for one attempt."""
    called = models.services.get(call.to)
    if call.queued:
        return ENDLESS
    own = ENDLESS if called is None else called.timeout
    return own if call.timeout is None else min(own, call.timeout)


def _depths(nodes: int, calls: Sequence[Edge]) -> tuple[list[int], set[int]]:
    """How many calls lead to a node at most, and the numbers of the calls that close circles."""
    outgoing: list[list[tuple[int, int]]] = [[] for _ in range(nodes)]
    for number, edge in enumerate(calls):
        outgoing[edge.source].append((number, edge.target))
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
    calls = [edge.call for edge in edges]
    return Calls(
        source=np.array([edge.source for edge in edges], dtype=np.int64),
        target=np.array([edge.target for edge in edges], dtype=np.int64),
        times=np.array([call.times for call in calls], dtype=np.float64),
        retries=np.array([call.retries for call in calls], dtype=np.int64),
        optional=np.array([float(call.optional) for call in calls], dtype=np.float64),
        waited=np.array([float(not call.queued) for call in calls], dtype=np.float64),
        timeout=np.array([edge.timeout for edge in edges], dtype=np.float64),
        in_turn=np.array([float(not edge.is_parallel) for edge in edges], dtype=np.float64),
        most_retries=max((call.retries for call in calls), default=0),
        together=_together(edges),
    )


def _together(edges: Sequence[Edge]) -> Together | None:
    chosen = sorted((edge.source, number) for number, edge in enumerate(edges) if edge.is_parallel)
    if not chosen:
        return None
    callers = sorted({source: None for source, _ in chosen})
    place = {source: number for number, source in enumerate(callers)}
    numbers = [place[source] for source, _ in chosen]
    return Together(
        calls=np.array([number for _, number in chosen], dtype=np.int64),
        number=np.array(numbers, dtype=np.int64),
        starts=np.array([numbers.index(n) for n in range(len(callers))], dtype=np.int64),
        callers=np.array(callers, dtype=np.int64),
    )
