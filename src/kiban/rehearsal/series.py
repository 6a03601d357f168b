"""Figures over time: at every sample one number, or one for each service.

A day of a large platform has millions of them. They are kept to seven digits, and what is as it
was the sample before is kept once.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Kept = NDArray[np.float32]
# Rows that are made at a time.
_BLOCK = 128


class _Figure:
    """The samples of one figure: the different rows after each other, and which row each is."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._blocks: list[Kept] = []
        self._last: Kept | None = None
        self._rows = 0
        self._row_of = array("l")
        self.times: list[float] = []

    def add(self, seconds: float, value: Vector | float) -> None:
        row = np.asarray(value, dtype=np.float32)
        if self._last is None or np.count_nonzero(row != self._last):
            place = self._rows % _BLOCK
            if place == 0:
                self._blocks.append(np.empty((_BLOCK, self._width), dtype=np.float32))
            self._last = self._blocks[-1][place]
            self._last[:] = row
            self._rows += 1
        self._row_of.append(self._rows - 1)
        self.times.append(seconds)

    def table(self) -> Vector:
        return np.concatenate(self._blocks)[self._row_of].astype(np.float64)

    def column(self, number: int) -> Vector:
        rows = np.concatenate([block[:, number] for block in self._blocks])
        return rows[self._row_of].astype(np.float64)


@dataclass(slots=True)
class Series:
    """Samples by name. Names without a service are single figures (`nodes`), those with one are
    vectors in the order of `services`."""

    services: Sequence[str]
    _figures: dict[str, _Figure] = field(default_factory=dict)

    def add(self, seconds: float, name: str, value: Vector | float) -> None:
        """Keep a sample. A vector is copied, for its owner goes on counting in it."""
        figure = self._figures.get(name)
        if figure is None:
            width = len(self.services) if isinstance(value, np.ndarray) else 1
            figure = self._figures[name] = _Figure(width)
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
