"""Figures over time: at every sample one number, or one for each service."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(slots=True)
class Series:
    """Samples by name. Names without a service are single figures (`nodes`), those with one are
    vectors in the order of `services`."""

    services: Sequence[str]
    _times: dict[str, list[float]] = field(default_factory=dict)
    _values: dict[str, list[Vector | float]] = field(default_factory=dict)

    def add(self, seconds: float, name: str, value: Vector | float) -> None:
        """Keep a sample. A vector is copied, for its owner goes on counting in it."""
        kept = value if isinstance(value, (int, float)) else np.array(value, dtype=np.float64)
        self._times.setdefault(name, []).append(seconds)
        self._values.setdefault(name, []).append(kept)

    def names(self) -> list[str]:
        return sorted(self._times)

    def times(self, name: str) -> list[float]:
        return self._times.get(name, [])

    def table(self, name: str) -> Vector:
        """All samples of a figure of services: a row a sample, a column a service."""
        rows = self._values.get(name, [])
        if not rows:
            return np.zeros((0, len(self.services)), dtype=np.float64)
        return np.array(rows, dtype=np.float64)

    def values(self, name: str, service: str | None = None) -> list[float]:
        """The samples of a figure; of a figure of all services, those of one, or their sums."""
        found = self._values.get(name, [])
        if service is not None:
            index = list(self.services).index(service)
            return [float(value[index]) for value in found if not isinstance(value, (int, float))]
        return [
            float(value) if isinstance(value, (int, float)) else sum(value.tolist())
            for value in found
        ]
