"""Parameters of the model from what was recorded, each with how well it explains the record.

Every fit is a small least squares over one service's samples: CPU over requests, memory over
requests under way, response times over load, calls over the callers' requests. Where there are
too few samples, or nothing varies, nothing is said.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.traffic.erlang import DelayTable
from kiban.rehearsal.traffic.exact import Vector

# Fewer samples than this say nothing.
LEAST_SAMPLES = 8
# Numbers of workers that are tried.
WORKERS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
# Busier than this, a response time says more of the moment than of the service.
_BUSIEST = 0.97


@dataclass(frozen=True, slots=True)
class Fit:
    """A parameter's value. `error` is the root mean square of what it leaves unexplained, as a
    share of the mean of what was recorded; `samples` is how many there were."""

    parameter: str
    value: float
    error: float
    samples: int

    def describe(self) -> str:
        return f"{self.samples} samples, {self.error:.1%} unexplained"


def fit(recording: Recording, called: Sequence[float] | None = None) -> list[Fit]:
    """All that one service's recording tells. `called` is what its calls took of each response,
    at the same times, so that `time` is its own."""
    figures = _Figures(recording)
    found = [*_cpu(figures), *_memory(figures), *_time(figures, called), *_peak(figures)]
    start = figures.column("start")
    if len(start):
        middle = float(np.median(start))
        found.append(Fit("start", middle, _error(start, np.full_like(start, middle)), len(start)))
    return found


def fit_calls(child: Recording, parents: Mapping[str, Recording]) -> dict[str, Fit]:
    """How often each parent calls a child for one of its requests: the child's requests as a sum
    of shares of the parents', none of them negative."""
    names = sorted(parents)
    columns = [child.figures["requests"], *(parents[name].figures["requests"] for name in names)]
    table = np.array(columns, dtype=np.float64).T
    table = table[np.isfinite(table).all(axis=1)]
    if len(table) < LEAST_SAMPLES or not names:
        return {}
    wanted, rates = table[:, 0], table[:, 1:]
    shares = _non_negative(rates, wanted)
    error = _error(wanted, rates @ shares)
    return {
        name: Fit(f"calls {name}", float(share), error, len(table))
        for name, share in zip(names, shares, strict=True)
    }


class _Figures:
    """The columns of a recording, as far as they are known together."""

    def __init__(self, recording: Recording) -> None:
        self._columns = {
            name: np.array(values, dtype=np.float64) for name, values in recording.figures.items()
        }

    def column(self, name: str) -> Vector:
        found = self._columns.get(name)
        return np.zeros(0) if found is None else found[np.isfinite(found)]

    def together(self, *names: str) -> list[Vector] | None:
        """These columns at the times at which all are known; None when there is too little."""
        if any(name not in self._columns for name in names):
            return None
        table = np.array([self._columns[name] for name in names])
        table = table[:, np.isfinite(table).all(axis=0)]
        return list(table) if table.shape[1] >= LEAST_SAMPLES else None

    def extended(self, name: str, values: Sequence[float]) -> "_Figures":
        found = _Figures(Recording(()))
        found._columns = {**self._columns, name: np.array(values, dtype=np.float64)}
        return found


def _cpu(figures: _Figures) -> list[Fit]:
    """Cores of all instances: some for each instance, and some for each request a second."""
    found = figures.together("cpu", "requests", "pods")
    if found is None or _is_flat(found[1] / np.maximum(found[2], 1.0)):
        return []
    cpu, requests, pods = found
    idle, each = _non_negative(np.stack([pods, requests], axis=1), cpu)
    error = _error(cpu, idle * pods + each * requests)
    return [Fit("cpu", float(each), error, len(cpu)), Fit("idle_cpu", float(idle), error, len(cpu))]


def _memory(figures: _Figures) -> list[Fit]:
    """Bytes of all instances: some for each instance, and some for each request under way."""
    found = figures.together("memory", "requests", "pods", "latency")
    if found is None:
        return []
    memory, requests, pods, latency = found
    under_way = requests * latency
    if _is_flat(under_way):
        return []
    base, each = _non_negative(np.stack([pods, under_way], axis=1), memory)
    error = _error(memory, base * pods + each * under_way)
    count = len(memory)
    return [Fit("memory", float(base), error, count), Fit("memory_each", float(each), error, count)]


def _time(figures: _Figures, called: Sequence[float] | None) -> list[Fit]:
    """Service time and workers that explain how the response time grows with load."""
    given = figures.extended("called", called) if called is not None else figures
    names = ("latency", "requests", "pods", *(("called",) if called is not None else ()))
    found = given.together(*names)
    if found is None:
        return []
    latency, requests, pods = found[:3]
    outside = found[3] if called is not None else np.zeros_like(latency)
    each = requests / np.maximum(pods, 1.0)
    tried = [_with_workers(workers, latency, each, outside) for workers in WORKERS]
    error, time, workers = min(tried)
    fits = [Fit("time", time, error, len(latency))]
    # Only a service that was busy at times tells how many it works at.
    busiest = float((each * (time + outside) / workers).max())
    if busiest > 0.5:
        fits.append(Fit("workers", float(workers), error, len(latency)))
    return fits


def _with_workers(
    workers: int, latency: Vector, each: Vector, outside: Vector
) -> tuple[float, float, int]:
    """The best service time for a number of workers: its error, itself, and the number."""
    table = DelayTable()
    rows = table.rows(np.full(len(each), workers, dtype=np.int64))

    def error(time: float) -> float:
        held = time + outside
        busy = np.minimum(each * held / workers, _BUSIEST)
        wait = table.chance(rows, busy) * held / (workers * (1.0 - busy))
        return _error(latency, wait + held)

    time = _lowest(error, 1e-5, max(float(latency.max()), 2e-5))
    return error(time), time, workers


def _peak(figures: _Figures) -> list[Fit]:
    """The rate that only one sample of a hundred is above."""
    requests = figures.column("requests")
    if len(requests) < LEAST_SAMPLES:
        return []
    ordered = np.sort(requests)
    return [Fit("peak", float(ordered[int(0.99 * (len(ordered) - 1))]), 0.0, len(requests))]


def _non_negative(columns: Vector, wanted: Vector) -> Vector:
    """Least squares with coefficients of at least 0: those that would be less are left out, the
    worst first."""
    kept = list(range(columns.shape[1]))
    found = np.zeros(columns.shape[1])
    while kept:
        solved = np.linalg.lstsq(columns[:, kept], wanted, rcond=None)[0]
        if (solved >= 0).all():
            found[kept] = solved
            break
        del kept[int(np.argmin(solved))]
    return found


def _lowest(error: Callable[[float], float], low: float, high: float) -> float:
    """Where a function of one variable is least, by the golden section over the logarithm."""
    ratio = 0.6180339887498949
    a, b = float(np.log(low)), float(np.log(high))
    c, d = b - ratio * (b - a), a + ratio * (b - a)
    at_c, at_d = error(float(np.exp(c))), error(float(np.exp(d)))
    for _ in range(60):
        if at_c < at_d:
            b, d, at_d = d, c, at_c
            c = b - ratio * (b - a)
            at_c = error(float(np.exp(c)))
        else:
            a, c, at_c = c, d, at_d
            d = a + ratio * (b - a)
            at_d = error(float(np.exp(d)))
    return float(np.exp((a + b) / 2))


def _error(seen: Vector, said: Vector) -> float:
    mean = float(np.abs(seen).mean())
    return float(np.sqrt(((seen - said) ** 2).mean())) / mean if mean > 0 else 0.0


def _is_flat(values: Vector) -> bool:
    """Whether hardly anything varies."""
    return float(values.std()) < 0.02 * max(float(np.abs(values).mean()), 1e-12)
