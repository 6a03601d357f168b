"""What comes from outside: every service's rate at an instant, from its peak, a curve, what was
recorded, surges and noise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kiban.primitives.chance import Chance
from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.noise import Noise
from kiban.rehearsal.traffic.parameters import Models, ServiceTraits
from kiban.rehearsal.traffic.shapes import Constant, Curve, Replay, Surge


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """`curve` holds for all but the services of `replays`, whose recordings are requests a
    second, and those whose model names one of `curves`."""

    curve: Curve = field(default_factory=Constant)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    replays: Mapping[str, Replay] = field(default_factory=dict)


class Load:
    """The rates of the services in `order`."""

    def __init__(
        self, models: Models, order: Sequence[str], plan: LoadPlan, chance: Chance
    ) -> None:
        self._order = {name: number for number, name in enumerate(order)}
        curves: list[Curve] = [plan.curve]
        which, peaks, is_noisy = [], [], []
        for name in order:
            model = models.services.get(name) or ServiceTraits(name)
            own = plan.replays.get(name) or plan.curves.get(model.shape)
            which.append(len(curves) if own is not None else 0)
            curves += [own] if own is not None else []
            peaks.append(1.0 if name in plan.replays else model.peak)
            is_noisy.append(float(name not in plan.replays))
        self._curves = curves
        self._which = np.array(which, dtype=np.int64)
        self._peaks = np.array(peaks, dtype=np.float64)
        sigma = np.array(is_noisy, dtype=np.float64) * models.noise
        self._noise = Noise(chance, order, sigma)
        # Closed, nobody outside asks for anything.
        self.is_open = True
        self._surges: list[tuple[Surge, Vector]] = []

    def surge(self, surge: Surge, services: Sequence[str] = ()) -> None:
        """Multiply what comes to these services, or to all, from the surge's start on."""
        chosen = np.zeros(len(self._order), dtype=np.float64)
        for name in services or self._order:
            chosen[self._order[name]] = 1.0
        self._surges.append((surge, chosen))

    def at(self, seconds: float) -> Vector:
        """Requests a second from outside, for each service."""
        if not self.is_open:
            return np.zeros(len(self._peaks), dtype=np.float64)
        rates = self._noise.at(seconds) * self._peaks
        if len(self._curves) == 1:
            rates *= self._curves[0].at(seconds)
        else:
            shares = np.array([curve.at(seconds) for curve in self._curves], dtype=np.float64)
            rates *= shares[self._which]
        for surge, chosen in self._surges:
            factor = surge.at(seconds)
            if factor != 1.0:
                rates *= 1.0 + (factor - 1.0) * chosen
        return rates
