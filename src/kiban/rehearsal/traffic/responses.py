"""Rates down the call graph, response times and failures up it."""

from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.traffic.erlang import Indices
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.graph import CallGraph, Calls
from kiban.rehearsal.traffic.tails import beyond, exceeds

_TINY = 1e-12
# A smaller share than this is nobody.
NOBODY = 1e-5


@dataclass(slots=True)
class Responses:
    """How each node answers, its own calls included: mean and variance of the time of what is
    answered, the share of single attempts that fail, and that of those which let their caller
    wait until it gives up. `by_call` is the share of attempts that fail for their caller, level
    by level, or None when none does."""

    mean: Vector
    variance: Vector
    failing: Vector
    hanging: Vector
    by_call: tuple[Vector, ...] | None = None

    @property
    def fails(self) -> bool:
        return self.by_call is not None or bool(self.failing.any())


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


def attempts(calls: Calls, failing: Vector) -> Vector:
    """How often each call is really made, with what is tried again."""
    if calls.most_retries == 0:
        return calls.times
    again = np.ones_like(failing)
    total = np.ones_like(failing)
    for attempt in range(1, calls.most_retries + 1):
        again = again * failing * (calls.retries >= attempt)
        total = total + again
    return calls.times * total


def offered(
    graph: CallGraph, outside: Vector, reach: Reach, before: Responses, began: Vector
) -> Vector:
    """The rate of requests that each node gets; `began` is what each worked at before."""
    nodes = len(graph.nodes)
    rate: Vector = np.zeros(nodes, dtype=np.float64)
    rate[: graph.services] = outside
    if len(graph.backward):
        calls = graph.backward
        times = attempts(calls, before.failing[calls.target])
        _add(rate, calls.target, began[calls.source] * times)
    for number, calls in enumerate(graph.levels):
        failing = None if before.by_call is None else before.by_call[number]
        times = calls.times if failing is None else attempts(calls, failing)
        _add(rate, calls.target, reach.begun(rate)[calls.source] * times)
    return rate


def answered(graph: CallGraph, own: Responses, before: Responses) -> tuple[Responses, Vector]:
    """How each node answers, from its own part and from those it calls; and the share of its
    requests that fail because of these."""
    whole = Responses(
        own.mean.copy(), own.variance.copy(), own.failing.copy(), own.hanging, own.by_call
    )
    blamed: Vector = np.zeros_like(own.mean)
    if len(graph.backward):
        failing = before.failing[graph.backward.target]
        _call(whole, graph.backward, before, failing, blamed)
    found = []
    for calls in reversed(graph.levels):
        failing = _failing(calls, whole)
        _call(whole, calls, whole, failing, blamed)
        found.append(failing)
    any_fails = any(failing.any() for failing in found)
    whole.by_call = tuple(reversed(found)) if any_fails else None
    return whole, blamed


def _failing(calls: Calls, called: Responses) -> Vector:
    """The share of the attempts at each call that fail for the caller: refused or failed, or not
    answered in the time that it waits."""
    target = calls.target
    failing = called.failing[target]
    mean, variance = called.mean[target], called.variance[target]
    near = exceeds(mean, variance, calls.timeout)
    if near.any():
        late = np.zeros_like(mean)
        late[near] = beyond(mean[near], variance[near], calls.timeout[near])
        failing = 1.0 - (1.0 - failing) * (1.0 - np.where(late > NOBODY, late, 0.0))
    return failing


def _call(
    whole: Responses, calls: Calls, called: Responses, failing: Vector, blamed: Vector
) -> None:
    """Add what the callers wait for to their own times, and what fails to their failures."""
    source, target = calls.source, calls.target
    mean = np.minimum(called.mean[target], calls.timeout)
    # Nothing between nothing and the timeout varies more than that.
    variance = np.minimum(called.variance[target], mean * (calls.timeout - mean))
    times = calls.times * calls.waited
    if failing.any():
        mean = mean + (calls.timeout - mean) * np.where(calls.waited > 0, called.hanging[target], 0)
        times = attempts(calls, failing) * calls.waited
        _blame(whole, calls, failing, blamed)
    # The rest of a number of calls that is not whole is made or not.
    rest = times - np.floor(times)
    spread = times * variance + rest * (1.0 - rest) * mean * mean
    mean = times * mean
    if calls.together is not None:
        _add_longest(whole, calls, mean, spread)
        mean, spread = mean * calls.in_turn, spread * calls.in_turn
    _add(whole.mean, source, mean)
    _add(whole.variance, source, spread)


def _add_longest(whole: Responses, calls: Calls, mean: Vector, spread: Vector) -> None:
    """What a caller waits for that makes all its calls at once: the longest of them. That is the
    largest mean when nothing varies, and near the root of the sum of their squares when times are
    exponential; in between by how much they vary."""
    group = calls.together
    assert group is not None
    mean, spread = mean[group.calls], spread[group.calls]
    count = len(group.callers)
    squares = np.bincount(group.number, mean * mean, count)
    variances = np.bincount(group.number, spread, count)
    largest = np.maximum.reduceat(mean, group.starts)
    varied = np.minimum(np.sqrt(variances / np.maximum(squares, _TINY)), 1.0)
    whole.mean[group.callers] += largest + (np.sqrt(squares) - largest) * varied
    # Of several alike the longest varies somewhat more than one; right for exponential times.
    totals = np.bincount(group.number, mean, count)
    alike = np.maximum(totals * totals / np.maximum(squares, _TINY), 1.0)
    whole.variance[group.callers] += variances / alike * (1.6 - 0.6 / alike)


def _blame(whole: Responses, calls: Calls, failing: Vector, blamed: Vector) -> None:
    """Let those fail that cannot do without what failed."""
    lost = failing
    for attempt in range(1, calls.most_retries + 1):
        lost = np.where(calls.retries >= attempt, lost * failing, lost)
    lost = np.minimum(lost * calls.times, 1.0) * (1.0 - calls.optional) * calls.waited
    survives = np.ones_like(blamed)
    np.multiply.at(survives, calls.source, 1.0 - lost)
    hit = survives < 1.0
    if not hit.any():
        return
    fresh = np.where(hit, 1.0 - survives, 0.0)
    blamed += fresh * (1.0 - whole.failing)
    whole.failing[:] = 1.0 - (1.0 - whole.failing) * (1.0 - fresh)


def _add(vector: Vector, places: Indices, amounts: Vector) -> None:
    vector += np.bincount(places, amounts, len(vector))
