"""How much more or less comes than the curve says: a slow wandering, one value a minute.

The values of a service depend on the seed, its name and the minute only: neither other services
nor the length of the model's steps change them, so that two revisions are compared under the same
dice.
"""

from collections.abc import Sequence

import numpy as np

from kiban.primitives.chance import Chance
from kiban.rehearsal.traffic.exact import Vector

MINUTE = 60.0
# How much of a minute's deviation is left in the next one.
MEMORY = 0.9
_DAY = 1440
# The sum of eight bytes: nearly normal, and exact on every machine.
_BYTES = 8
_MEAN = _BYTES * 127.5
_DEVIATION = (_BYTES * (256**2 - 1) / 12.0) ** 0.5


class Noise:
    """Factors around 1 for each service, with a standard deviation for each."""

    def __init__(self, chance: Chance, services: Sequence[str], sigma: Vector) -> None:
        self._streams = [chance.stream(f"traffic/{service}") for service in services]
        self._sigma = sigma
        self._last: Vector = np.zeros(len(services), dtype=np.float64)
        self._table: Vector = np.ones((1, len(services)), dtype=np.float64)

    def at(self, seconds: float) -> Vector:
        """The factors at a time since the start."""
        position = max(seconds, 0.0) / MINUTE
        minute = int(position)
        while minute + 1 >= len(self._table):
            self._extend()
        before, after = self._table[minute], self._table[minute + 1]
        found: Vector = before + (after - before) * (position - minute)
        return found

    def _extend(self) -> None:
        """Another day's values."""
        columns = [
            np.frombuffer(stream.randbytes(_BYTES * _DAY), dtype=np.uint8)
            .reshape(_DAY, _BYTES)
            .sum(axis=1, dtype=np.int64)
            for stream in self._streams
        ]
        drawn = np.zeros((_DAY, len(columns)), dtype=np.float64)
        for number, column in enumerate(columns):
            drawn[:, number] = (column - _MEAN) / _DEVIATION
        fresh = (1.0 - MEMORY * MEMORY) ** 0.5
        for row in drawn:
            self._last = self._last * MEMORY + row * fresh
            row[:] = np.maximum(1.0 + self._last * self._sigma, 0.0)
        self._table = np.concatenate([self._table, drawn])
