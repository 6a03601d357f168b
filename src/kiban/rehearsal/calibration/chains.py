"""Service times of all services, callees first: what a service waits for in others is taken from
how those answer by what was fitted of them, added up by the model's own arithmetic.

What a service computes and what its database does is one time to whoever stands outside. A usual
time is assumed of dependencies, but never more than leaves a service the CPU time that it needs.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from kiban.rehearsal.calibration.answers import Answers, Times, fit_answers
from kiban.rehearsal.calibration.fits import Figures, Fit, Unfitted
from kiban.rehearsal.calibration.usage import Found
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.graph import ENDLESS, call_graph
from kiban.rehearsal.traffic.parameters import CallModel, DependencyModel, Models, ServiceTraits
from kiban.rehearsal.traffic.responses import Responses, answered

# Who is called less often than this is not waited for.
NEVER = 0.001
# Where nobody knows how much a service computes, it is this share of what it takes with those.
_COMPUTES = 0.25
_LEAST_SHARE = 0.05
# Nothing takes less time than this.
_LITTLE = 5e-5


@dataclass(frozen=True, slots=True)
class _Curve:
    """How a service answers at the times of its samples."""

    times: Vector
    answers: Times

    def at(self, times: Vector) -> Times:
        answers = self.answers
        return Times(
            np.interp(times, self.times, answers.mean),
            np.interp(times, self.times, answers.variance),
        )


@dataclass(slots=True)
class Chain:
    """The fit of one environment. `models` knows calls and CPU as they were found; of `computes`
    the CPU time of a request was measured. Declared times of dependencies are `fixed`."""

    models: Models
    figures: Mapping[str, Figures]
    computes: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    _curves: dict[str, _Curve] = field(default_factory=dict)
    _reasons: dict[str, str] = field(default_factory=dict)
    _limits: dict[str, float] = field(default_factory=dict)

    def fitted(self) -> Iterator[tuple[str, Found]]:
        """Time, variation and workers by service, and the times of dependencies."""
        found = self._round()
        while self._shorten():
            found = self._round()
        yield from found
        for name in sorted(self.models.dependencies):
            if name in self._limits:
                yield name, Fit("time", self._limits[name], 0.0, self._samples(name))
            elif name not in self.fixed:
                why = "it cannot be told apart from the services' own times"
                yield name, Unfitted("time", why)

    def _round(self) -> list[tuple[str, Found]]:
        """All services, with the dependencies as they are taken to be by now."""
        self._curves.clear()
        self._reasons.clear()
        return [(name, found) for name in callees_first(self.models) for found in self._fit(name)]

    def _shorten(self) -> bool:
        """Whether dependencies had to be taken for quicker, so that all must be fitted again."""
        known = self.models.dependencies
        shorter = {
            name: replace(one, time=self._limits[name])
            for name, one in known.items()
            if self._limits.get(name, one.time) < one.time
        }
        self.models = replace(self.models, dependencies={**known, **shorter})
        return bool(shorter)

    # One service

    def _fit(self, name: str) -> Sequence[Found]:
        traits, read = self.models.services[name], self._read(name)
        if isinstance(read, Unfitted):
            self._reasons[name] = read.why
            return [replace(read, parameter=one) for one in ("time", "variation", "workers")]
        called = self._called(traits, read.times)
        best = fit_answers(read, called, self._sharing(traits))
        self._curves[name] = _Curve(read.times, best.whole)
        self._limit(traits, read, called, best.time)
        return best.found

    def _read(self, name: str) -> Answers | Unfitted:
        """What was recorded of a service, if all that it waits for is known."""
        if name not in self.figures:
            return Unfitted("time", "nothing was recorded of it")
        for call in self._waited(self.models.services[name]):
            if call.to in self.models.services and call.to not in self._curves:
                why = self._reasons.get(call.to)
                what = f"it waits for {call.to}, of which " + (why or "it is waited for in turn")
                return Unfitted("time", what)
        return Answers.read(self.figures[name])

    def _sharing(self, traits: ServiceTraits) -> ServiceTraits:
        """Only what was measured of its CPU tells how requests share it."""
        return traits if traits.name in self.computes else replace(traits, cpu=1e-9)

    def _waited(self, traits: ServiceTraits) -> list[CallModel]:
        return [call for call in traits.calls if not call.queued and call.times > NEVER]

    def _called(self, traits: ServiceTraits, times: Vector, *, outside: float = 1.0) -> Times:
        """What it waits for in others at these times; dependencies take `outside` of their time."""
        others = {}
        for call in self._waited(traits):
            dependency = self.models.dependencies.get(call.to)
            if dependency is None:
                others[call.to] = self._curves[call.to].at(times)
            else:
                mean = np.full_like(times, dependency.time * outside)
                others[call.to] = Times(mean, mean * mean * dependency.variation)
        if not others:
            return Times(np.zeros_like(times), np.zeros_like(times))
        patience = {
            name: one.timeout for name, one in self.models.services.items() if name in others
        }
        return waited_for(replace(traits, calls=tuple(self._waited(traits))), others, patience)

    # Dependencies

    def _limit(self, traits: ServiceTraits, read: Answers, called: Times, time: float) -> None:
        """Limit the times of the dependencies that leave a service less `time` than it computes:
        it could not answer as soon as it does."""
        names = [
            call.to
            for call in self._waited(traits)
            if call.to in self.models.dependencies and call.to not in self.fixed
        ]
        computes = traits.cpu if traits.name in self.computes else 0.0
        if not names or time >= max(computes, _LITTLE):
            return
        without = self._called(traits, read.times, outside=0.0)
        whole = fit_answers(read, without, self._sharing(traits)).time
        theirs = float(np.median(called.mean - without.mean))
        left = whole - (computes or whole * _COMPUTES)
        share = max(left / theirs, _LEAST_SHARE) if theirs > 0 else 1.0
        for name in names if share < 1.0 else ():
            limit = self.models.dependencies[name].time * share
            self._limits[name] = min(self._limits.get(name, ENDLESS), limit)

    def _samples(self, dependency: str) -> int:
        """Of the service that uses it and was recorded longest."""
        users = [
            len(self._curves[name].times)
            for name, traits in self.models.services.items()
            if name in self._curves and any(call.to == dependency for call in traits.calls)
        ]
        return max(users, default=0)


def waited_for(
    traits: ServiceTraits, others: Mapping[str, Times], patience: Mapping[str, float]
) -> Times:
    """What a service waits for in those it calls, sample by sample, as the model adds it up: each
    sample is a service of its own, which calls copies of the others."""
    count = len(next(iter(others.values())).mean)
    services, copies = {}, {}
    means: dict[str, float] = {}
    variances: dict[str, float] = {}
    for number in range(count):
        calls = []
        for call in traits.calls:
            copy = f"{number} {call.to}"
            limit = min(call.timeout or ENDLESS, patience.get(call.to, ENDLESS))
            calls.append(replace(call, to=copy, timeout=limit))
            copies[copy] = DependencyModel(copy)
            means[copy] = float(others[call.to].mean[number])
            variances[copy] = float(others[call.to].variance[number])
        services[str(number)] = replace(traits, name=str(number), calls=tuple(calls))
    graph = call_graph(Models(services, copies), list(services))
    own = Responses(
        np.array([means.get(node, 0.0) for node in graph.nodes], dtype=np.float64),
        np.array([variances.get(node, 0.0) for node in graph.nodes], dtype=np.float64),
        np.zeros(len(graph.nodes)),
        np.zeros(len(graph.nodes)),
    )
    whole, _ = answered(graph, own, own)
    return Times(whole.mean[:count], whole.variance[:count])


def callees_first(models: Models) -> list[str]:
    """All services, each after those that it calls; a circle is cut where it is met."""
    found: dict[str, None] = {}
    under_way: dict[str, None] = {}

    def visit(name: str) -> None:
        if name in found or name in under_way or name not in models.services:
            return
        under_way[name] = None
        for call in models.services[name].calls:
            if not call.queued:
                visit(call.to)
        found[name] = None

    for name in sorted(models.services):
        visit(name)
    return list(found)
