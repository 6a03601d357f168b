"""Figures over time: at every sample one number, or one for each service.

A day of a large platform has tens of millions of them. They are kept to seven digits, and a
figure that stays the same is kept once for many samples.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Kept = NDArray[np.float32]
# As many samples are put away together.
_TOGETHER = 128


class _Figure:
    """The samples of one figure, a row each."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._fresh: list[Vector | float] = []
        self._blocks: list[Kept] = []

    def add(self, seconds: float, value: Vector | float) -> None:
        self.times.append(seconds)
        self._fresh.append(value)
        if len(self._fresh) == _TOGETHER:
            self._put_away()

    def table(self) -> Vector:
        self._put_away()
        return np.concatenate(self._blocks).astype(np.float64)

    def column(self, number: int) -> Vector:
        self._put_away()
        return np.concatenate([block[:, number] for block in self._blocks]).astype(np.float64)

    def _put_away(self) -> None:
        if not self._fresh:
            return
        block: Kept = np.array(self._fresh, dtype=np.float32).reshape(len(self._fresh), -1)
        if (block == block[0]).all():
            block = np.broadcast_to(block[0].copy(), block.shape)
        self._blocks.append(block)
        self._fresh.clear()


@dataclass(slots=True)
class Series:
    """Samples by name. Names without a service are single figures (`nodes`), those with one are
    vectors in the order of `services`."""

    services: Sequence[str]
    _figures: dict[str, _Figure] = field(default_factory=dict)

    def add(self, seconds: float, name: str, value: Vector | float) -> None:
        """Keep a sample. Nobody changes the vector from now on."""
        figure = self._figures.get(name)
        if figure is None:
            figure = self._figures[name] = _Figure()
        figure.add(seconds, value)

    def names(self) -> list[str]:
        return sorted(self._figures)

    def times(self, name: str) -> list[float]:
        figure = self._figures.get(name)
        return figure.times if figure is not None else []

    def table(self, name: str) -> Vector:
        """All samples of a figure of services: a row a sample, a column a service."""
        figure = self._figures.get(name)
        if figure is None:
            return np.zeros((0, len(self.services)), dtype=np.float64)
        return figure.table()

    def values(self, name: str, service: str | None = None) -> list[float]:
        """The samples of a figure; of a figure of all services, those of one, or their sums."""
        figure = self._figures.get(name)
        if figure is None:
            return []
        if service is not None:
            found: list[float] = figure.column(list(self.services).index(service)).tolist()
            return found
        return [sum(row) for row in figure.table().tolist()]
