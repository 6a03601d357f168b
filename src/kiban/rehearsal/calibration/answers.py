"""Service time, its spread and workers of one service, from its response times over load.

A response is a wait, the service's own time, and the time in what it calls. All three are added
by the model's own formulas, so that what is fitted gives the model what was measured. Logarithms
and medians decide, not squares: a burst of noise in the tails does not move the middle.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from kiban.rehearsal.calibration.fits import LEAST_SAMPLES, Figures, Fit, Unfitted, lowest
from kiban.rehearsal.calibration.usage import FEW, Found
from kiban.rehearsal.traffic.erlang import DelayTable, Indices
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.parameters import ServiceTraits
from kiban.rehearsal.traffic.tails import quantiles

# Numbers of workers that are tried, where so many would be half busy at least.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192)
HALF = 0.5
# With so many nobody waits.
ENDLESS_WORKERS = 256
# A day by the quarter of an hour; longer records are thinned out.
MOST_SAMPLES = 96
_VARIATIONS = (0.02, 16.0)
# Of the golden section: to a thousandth of a time, and to a hundredth of a variation.
_TIME_STEPS, _VARIATION_STEPS = 20, 14
# Busier than this, a response time says more of the moment than of the service.
_BUSIEST = 0.97
# A time with a long tail is that much above its median at most.
_MOST_OF_MIDDLE = 10.0
# By how much fewer workers must explain better before they are believed.
_BETTER = 0.95


@dataclass(frozen=True, slots=True)
class Times:
    """Mean and variance of response times, sample by sample."""

    mean: Vector
    variance: Vector

    def quantile(self, name: str) -> Vector:
        """A percentile, or the mean itself."""
        return self.mean if name == "latency" else quantiles(self.mean, self.variance, (name,))[0]


@dataclass(frozen=True, slots=True)
class Answers:
    """What was recorded: the load of an instance, the middle of its response times (the median
    where it is known, else the mean) and their tail, which may have holes."""

    times: Vector
    each: Vector
    middle: Vector
    middle_name: str
    tail: Vector
    tail_name: str

    @classmethod
    def read(cls, figures: Figures) -> Self | Unfitted:
        middle = next((name for name in ("p50", "latency") if len(figures.column(name))), "")
        if not middle:
            return cls._none("no response times were recorded")
        found = figures.together(middle, "requests", "pods")
        if found is None:
            return cls._none(FEW)
        times, seen, requests, pods = found
        known = [name for name in ("p99", "p95", "p90") if figures.together(name, middle)]
        tail = known[0] if known else ""
        tails = figures.at(tail, times) if tail else np.full_like(seen, np.nan)
        kept = np.unique(np.linspace(0, len(times) - 1, min(len(times), MOST_SAMPLES)).astype(int))
        kept = kept[seen[kept] > 0]
        if len(kept) < LEAST_SAMPLES:
            return cls._none(FEW)
        each = requests / np.maximum(pods, 1.0)
        return cls(times[kept], each[kept], seen[kept], middle, tails[kept], tail)

    @staticmethod
    def _none(why: str) -> Unfitted:
        return Unfitted("time", why)


@dataclass(frozen=True, slots=True)
class Fitted:
    """What explains the answers best, and how they are with it."""

    found: list[Found]
    time: float
    whole: Times


@dataclass(frozen=True, slots=True)
class _Try:
    """One number of workers with the best time and variation for it."""

    off: float
    workers: int
    time: float
    variation: float


def fit_answers(answers: Answers, called: Times, traits: ServiceTraits) -> Fitted:
    """The parameters of one service. What `traits` says of its CPU counts for how requests share
    it; what is `called` is waited for besides, at the same samples."""
    fitting = _Fitting(answers, called, traits)
    best = fitting.best(ENDLESS_WORKERS)
    most = float((answers.each * (best.time + called.mean)).max()) / HALF
    for tried in [fitting.best(workers) for workers in WORKERS if workers <= most]:
        if tried.off < best.off * _BETTER:
            best = tried
    whole = fitting.whole(best.time, best.variation, best.workers)
    count = len(answers.times)
    off_middle = _typical(answers.middle, whole.quantile(answers.middle_name))
    found: list[Found] = [Fit("time", best.time, off_middle, count)]
    if answers.tail_name:
        off = _typical(answers.tail, whole.quantile(answers.tail_name))
        found.append(Fit("variation", best.variation, off, int(np.isfinite(answers.tail).sum())))
    else:
        found.append(Unfitted("variation", "no percentile above the median was recorded"))
    if best.workers < ENDLESS_WORKERS:
        found.append(Fit("workers", float(best.workers), off_middle, count))
    else:
        found.append(Unfitted("workers", "it was never so busy that requests waited"))
    return Fitted(found, best.time, whole)


class _Fitting:
    """The model's formulas for one service at the loads of its samples."""

    def __init__(self, answers: Answers, called: Times, traits: ServiceTraits) -> None:
        self._answers, self._called, self._traits = answers, called, traits
        self._table = DelayTable()
        self._rows: dict[int, Indices] = {}

    def best(self, workers: int) -> _Try:
        """The best time and variation for a number of workers."""
        answers = self._answers
        if not answers.tail_name:
            variation = self._traits.variation
            time = self._best_time(variation, workers)
            return _Try(self._off(time, variation, workers), workers, time, variation)

        def error(variation: float) -> float:
            return self._off(self._best_time(variation, workers), variation, workers)

        variation = lowest(error, *_VARIATIONS, _VARIATION_STEPS)
        time = self._best_time(variation, workers)
        return _Try(error(variation), workers, time, variation)

    def whole(self, time: float, variation: float, workers: int) -> Times:
        """How it answers with these parameters."""
        traits, called, each = self._traits, self._called, self._answers.each
        share = traits.cpu / traits.cores
        shared = np.minimum(each * share, _BUSIEST)
        exponent = np.sqrt(2.0 * (max(traits.cores, 1.0) + 1.0)) - 1.0
        most = np.maximum(workers * share - time - called.mean, 0.0)
        service = time + np.minimum(share * shared**exponent / (1.0 - shared), most)
        held = service + called.mean
        busy = np.minimum(each * held / workers, _BUSIEST)
        chance = self._table.chance(self._rows_of(workers), busy)
        spread = (variation + traits.arrival_variation) / 2.0
        wait = chance * held / (workers * (1.0 - busy)) * spread
        varied = wait * wait * (2.0 / np.maximum(chance, 1e-6) - 1.0)
        variance = varied + service * service * variation + called.variance
        return Times(wait + held, variance)

    def _rows_of(self, workers: int) -> Indices:
        if workers not in self._rows:
            count = len(self._answers.each)
            self._rows[workers] = self._table.rows(np.full(count, workers))
        return self._rows[workers]

    def _best_time(self, variation: float, workers: int) -> float:
        name, middle = self._answers.middle_name, self._answers.middle

        def error(time: float) -> float:
            return _apart(middle, self.whole(time, variation, workers).quantile(name))

        return lowest(error, 1e-5, max(float(middle.max()) * _MOST_OF_MIDDLE, 2e-5), _TIME_STEPS)

    def _off(self, time: float, variation: float, workers: int) -> float:
        """How far middle and tail are from what was recorded; the middle counts most."""
        answers, whole = self._answers, self.whole(time, variation, workers)
        off = _apart(answers.middle, whole.quantile(answers.middle_name))
        if answers.tail_name:
            off += _apart(answers.tail, whole.quantile(answers.tail_name)) / 2.0
        return off


def _apart(seen: Vector, said: Vector) -> float:
    """The mean distance in logarithms, where something was seen."""
    known = np.isfinite(seen) & (seen > 0)
    return float(np.abs(np.log(said[known] / seen[known])).mean()) if known.any() else 0.0


def _typical(seen: Vector, said: Vector) -> float:
    """The share by which half of the samples are off at most."""
    known = np.isfinite(seen) & (seen > 0)
    return float(np.median(np.abs(said[known] / seen[known] - 1.0))) if known.any() else 0.0
