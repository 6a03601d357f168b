"""What became of the traffic of one span, by service: rates, latencies, utilisation, failures."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from kiban.rehearsal.traffic.exact import Vector
from kiban.rehearsal.traffic.tails import quantiles

PERCENTILES = ("p50", "p99")


@dataclass(frozen=True, slots=True)
class Flow:
    """Vectors in the order of the services; rates are a second, times in seconds, CPU in cores.
    `serving` counts the instances that requests could reach.
    `each` and what follows are figures of one serving instance.

    `mean` and `variance` are those of what is answered, its calls included, to a caller
    who never gives up; real ones do after `patience`. `failed` holds the
    rates of failures by cause.
    """

    seconds: float
    patience: Vector
    arrivals: Vector
    served: Vector
    serving: Vector
    failed: Mapping[str, Vector]
    mean: Vector
    variance: Vector
    busy: Vector
    waiting: Vector
    each: Vector
    in_flight: Vector
    cpu: Vector
    memory: Vector

    def failures(self) -> Vector:
        """Failures of all causes, a second."""
        found = np.zeros_like(self.arrivals)
        for cause in self.failed:
            found += self.failed[cause]
        return found

    def vectors(self) -> Mapping[str, Vector]:
        """The figures that are worth keeping over time."""
        times = quantiles(self.mean, self.variance, PERCENTILES)
        p50, p99 = (np.minimum(time, self.patience) for time in times)
        return {
            "requests": self.arrivals,
            "failed": self.failures(),
            "latency_p50": p50,
            "latency_p99": p99,
            "serving": self.serving,
            "utilisation": self.busy,
            "queue": self.waiting,
            "cpu": self.cpu,
        }
