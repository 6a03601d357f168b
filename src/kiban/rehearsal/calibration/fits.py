"""What every fit is made of: a value with how well it explains what was recorded, and the
arithmetic of finding it: least squares without negatives, and the lowest point of a curve."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.recordings import Recording
from kiban.rehearsal.traffic.exact import Vector

# Fewer samples than this say nothing.
LEAST_SAMPLES = 8
_GOLDEN = 0.6180339887498949


@dataclass(frozen=True, slots=True)
class Fit:
    """A parameter's value. `error` is the share that it leaves unexplained of what was recorded;
    `samples` is how many there were."""

    parameter: str
    value: float
    error: float
    samples: int

    def describe(self) -> str:
        return f"{self.samples} samples, {self.error:.1%} unexplained"


@dataclass(frozen=True, slots=True)
class Unfitted:
    """A parameter that a recording could not tell, and why not."""

    parameter: str
    why: str


class Figures:
    """The columns of a recording, as far as they are known together."""

    def __init__(self, recording: Recording) -> None:
        self.times: Vector = np.array(recording.times, dtype=np.float64)
        self._columns = {
            name: np.array(values, dtype=np.float64) for name, values in recording.figures.items()
        }

    def column(self, name: str) -> Vector:
        """What is known of a figure."""
        found = self._columns.get(name)
        return np.zeros(0) if found is None else found[np.isfinite(found)]

    def at(self, name: str, times: Vector) -> Vector:
        """A figure at some of its times; unknown where it has a hole."""
        found: Vector = self._columns[name][np.searchsorted(self.times, times)]
        return found

    def following(self, other: "Figures", share: float) -> "Figures":
        """The same with requests that are a share of another's."""
        found = Figures(Recording(()))
        found.times = self.times
        requests = np.interp(self.times, other.times, other._columns["requests"]) * share
        found._columns = {**self._columns, "requests": requests}
        return found

    def together(self, *names: str) -> tuple[Vector, ...] | None:
        """The times at which all of these are known, and these; None when there is too little."""
        if any(name not in self._columns for name in names):
            return None
        table = np.array([self.times, *(self._columns[name] for name in names)])
        table = table[:, np.isfinite(table).all(axis=0)]
        return tuple(table) if table.shape[1] >= LEAST_SAMPLES else None


def non_negative(columns: Vector, wanted: Vector) -> Vector:
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


def lowest(error: Callable[[float], float], low: float, high: float, steps: int = 60) -> float:
    """Where a function of one variable is least, by the golden section over the logarithm."""
    a, b = float(np.log(low)), float(np.log(high))
    c, d = b - _GOLDEN * (b - a), a + _GOLDEN * (b - a)
    at_c, at_d = error(float(np.exp(c))), error(float(np.exp(d)))
    for _ in range(steps):
        if at_c < at_d:
            b, d, at_d = d, c, at_c
            c = b - _GOLDEN * (b - a)
            at_c = error(float(np.exp(c)))
        else:
            a, c, at_c = c, d, at_d
            d = a + _GOLDEN * (b - a)
            at_d = error(float(np.exp(d)))
    return float(np.exp((a + b) / 2))


def unexplained(seen: Vector, said: Vector) -> float:
    """The root mean square of what is left, as a share of the mean."""
    mean = float(np.abs(seen).mean())
    return float(np.sqrt(((seen - said) ** 2).mean())) / mean if mean > 0 else 0.0


def is_flat(values: Vector) -> bool:
    """Whether hardly anything varies."""
    return float(values.std()) < 0.02 * max(float(np.abs(values).mean()), 1e-12)


def are_alike(columns: Sequence[Vector]) -> bool:
    """Whether columns vary so much alike that nobody can tell which of them made a sum."""
    if len(columns) < 2:
        return False
    table = np.stack([one / max(float(np.linalg.norm(one)), 1e-12) for one in columns], axis=1)
    return float(np.linalg.svd(table, compute_uv=False)[-1]) < _TOLD_APART


# Two columns whose shares of a sum vary by a tenth are further apart than this.
_TOLD_APART = 0.03
