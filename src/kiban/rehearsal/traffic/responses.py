"""Rates down the call graph, response times and failures up it."""

from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.traffic.erlang import Indices
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.graph import CallGraph, Calls


@dataclass(slots=True)
class Responses:
    """How each node answers, its own calls included: mean and variance of the time of what is
    answered, the share of single attempts that fail, and that of those which let their caller
    wait until it gives up."""

    mean: Vector
    variance: Vector
    failing: Vector
    hanging: Vector


def attempts(calls: Calls, failing: Vector) -> Vector:
    """How often each call is really made, with what is tried again."""
    found = calls.times
    if calls.most_retries == 0:
        return found
    chance = failing[calls.target]
    again = np.ones_like(chance)
    total = np.ones_like(chance)
    for attempt in range(1, calls.most_retries + 1):
        again = again * chance * (calls.retries >= attempt)
        total = total + again
    return found * total


@dataclass(frozen=True, slots=True)
class Reach:
    """Of what comes to a node, the `share` that reaches an instance that serves; the rate `more`
    that waits from before, and the rate `most` that the instances can do."""

    share: Vector
    more: Vector
    most: Vector

    def begun(self, rate: Vector) -> Vector:
        """The rate at which a node works, given the rate at which it is asked."""
        return np.minimum(rate * self.share + self.more, self.most)


def offered(
    graph: CallGraph, outside: Vector, reach: Reach, before: Responses, began: Vector
) -> Vector:
    """The rate of requests that each node gets; `began` is what each worked at before."""
    nodes = len(graph.nodes)
    rate: Vector = np.zeros(nodes, dtype=np.float64)
    rate[: graph.services] = outside
    fails = bool(before.failing.any())
    if len(graph.backward):
        calls = graph.backward
        _add(rate, calls, began[calls.source] * attempts(calls, before.failing))
    for calls in graph.levels:
        begun = reach.begun(rate)[calls.source]
        _add(rate, calls, begun * (attempts(calls, before.failing) if fails else calls.times))
    return rate


def answered(
    graph: CallGraph, own: Responses, before: Responses, timeout: Vector
) -> tuple[Responses, Vector]:
    """How each node answers, from its own part and from those it calls; and the share of its
    requests that fail because of these."""
    mean, variance = own.mean.copy(), own.variance.copy()
    failing = own.failing.copy()
    blamed: Vector = np.zeros_like(mean)
    whole = Responses(mean, variance, failing, own.hanging)
    fails = bool(failing.any() or before.failing.any())
    if len(graph.backward):
        _call(whole, graph.backward, before, timeout, blamed, fails)
    for calls in reversed(graph.levels):
        _call(whole, calls, whole, timeout, blamed, fails)
    return whole, blamed


def _call(
    whole: Responses, calls: Calls, called: Responses, timeout: Vector, blamed: Vector, fails: bool
) -> None:
    source, target = calls.source, calls.target
    mean = np.minimum(called.mean[target], timeout[target])
    times = calls.times * calls.waited
    if fails:
        hanging = called.hanging[target]
        mean = mean + (timeout[target] - mean) * hanging
        times = attempts(calls, called.failing) * calls.waited
        _blame(whole, calls, called, blamed)
    # The rest of a number of calls that is not whole is made or not.
    rest = times - np.floor(times)
    _add_to(whole.mean, source, times * mean)
    _add_to(
        whole.variance, source, times * called.variance[target] + rest * (1.0 - rest) * mean * mean
    )


def _blame(whole: Responses, calls: Calls, called: Responses, blamed: Vector) -> None:
    """Let those fail that cannot do without what failed."""
    chance = called.failing[calls.target]
    lost = chance
    for attempt in range(1, calls.most_retries + 1):
        lost = np.where(calls.retries >= attempt, lost * chance, lost)
    lost = np.minimum(lost * calls.times, 1.0) * (1.0 - calls.optional) * calls.waited
    survives = np.ones_like(blamed)
    np.multiply.at(survives, calls.source, 1.0 - lost)
    hit = survives < 1.0
    if not hit.any():
        return
    fresh = np.where(hit, 1.0 - survives, 0.0)
    blamed += fresh * (1.0 - whole.failing)
    whole.failing[:] = 1.0 - (1.0 - whole.failing) * (1.0 - fresh)


def _add(rate: Vector, calls: Calls, amounts: Vector) -> None:
    rate += np.bincount(calls.target, amounts, len(rate))


def _add_to(vector: Vector, places: Indices, amounts: Vector) -> None:
    vector += np.bincount(places, amounts, len(vector))
