"""The model's answer to a load that was really sent, for the comparison of the two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kiban.rehearsal.running import Case, prepared, staged
from kiban.rehearsal.scenarios import Scenario

# Each sample's load is held for so long, and the model is looked at when all has settled.
HELD_SECONDS, LOOKED_AT = 60.0, 45.0
# One load becomes the next within this.
_JUMP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Modelled:
    """Figures by service and name, a value for each sample of the load: `requests` a second,
    `cpu` in cores of all its instances, `p50` and `p99` in seconds."""

    figures: Mapping[tuple[str, str], Sequence[float]]

    def of(self, service: str, figure: str) -> Sequence[float]:
        """Nothing where the model has no such service or figure."""
        return self.figures.get((service, figure), ())


def modelled(case: Case, load: Mapping[str, Sequence[float]]) -> Modelled:
    """Let a load, sample by sample, come to the entry services that are named, and to no others."""
    ready = prepared(case)
    samples = max(map(len, load.values()))
    seconds = samples * HELD_SECONDS
    calm = replace(ready, scenario=Scenario("calibration", 0.0, seconds))
    services = ready.assumptions.models.services
    none = [0.0] * samples
    rates = {name: none for name in sorted(services) if services[name].peak > 0} | dict(load)
    stage = staged(calm, 1, {name: (_times(samples), _held(rates[name])) for name in rates})
    stage.world.run_for(seconds)
    series = stage.world.series
    tables = {
        "requests": series.table("requests"),
        "p50": series.table("latency_p50"),
        "p99": series.table("latency_p99"),
        "cpu": series.table("cpu") * series.table("ready"),
    }
    looks = [number * HELD_SECONDS + LOOKED_AT for number in range(samples)]
    figures: dict[tuple[str, str], Sequence[float]] = {}
    for figure, table in tables.items():
        for service, column in zip(series.services, table.T, strict=True):
            values: list[float] = np.interp(looks, series.times("requests"), column).tolist()
            figures[service, figure] = values
    return Modelled(figures)


def _times(samples: int) -> list[float]:
    """The beginning and the end of each sample."""
    ends = [HELD_SECONDS * (number + 1) for number in range(samples)]
    return [at for end in ends for at in (end - HELD_SECONDS, end - _JUMP_SECONDS)]


def _held(values: Sequence[float]) -> list[float]:
    return [value for value in values for _ in range(2)]
