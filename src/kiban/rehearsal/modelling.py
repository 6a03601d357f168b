"""The model's answer to a load that was really sent, for the comparison of the two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from kiban.rehearsal.running import Arrivals, Case, prepared, staged
from kiban.rehearsal.scenarios import Scenario

Curve = Sequence[float]


@dataclass(frozen=True, slots=True)
class Modelled:
    """Figures by service at the model's own times: `requests` a second, `cpu` in cores of all its
    instances, `p50` and `p99` in seconds."""

    times: Curve
    figures: Mapping[tuple[str, str], Curve]

    def at(self, service: str, figure: str, times: Curve) -> list[float]:
        """A figure at other times, between its neighbours."""
        values = self.figures.get((service, figure))
        if values is None:
            return []
        found: list[float] = np.interp(times, self.times, values).tolist()
        return found


def modelled(case: Case, rates: Mapping[str, Arrivals], seconds: float) -> Modelled:
    """Let a load come to the entry services that are named, and to no others."""
    ready = prepared(case)
    calm = replace(ready, scenario=Scenario("calibration", 0.0, seconds))
    services = ready.assumptions.models.services
    nothing: Arrivals = ((0.0, seconds), (0.0, 0.0))
    load = {name: nothing for name in services if services[name].peak > 0} | dict(rates)
    stage = staged(calm, 1, load)
    stage.world.run_for(seconds)
    series = stage.world.series
    ready_pods = series.table("ready")
    figures: dict[tuple[str, str], Curve] = {}
    for name, figure in (("requests", "requests"), ("latency_p50", "p50"), ("latency_p99", "p99")):
        for service, column in zip(series.services, series.table(name).T, strict=True):
            figures[service, figure] = column.tolist()
    for service, column in zip(series.services, (series.table("cpu") * ready_pods).T, strict=True):
        figures[service, "cpu"] = column.tolist()
    return Modelled(series.times("requests"), figures)
