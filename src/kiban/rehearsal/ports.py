"""What a world asks of its traffic and of its cloud, and what they may ask of it.

Vectors are in the order of `fleet.services`; whole numbers are int64.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kiban.cluster.controllers.horizontal_pod_autoscaler import Sample
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant
from kiban.rehearsal.fleet import Fleet

Counts = NDArray[np.int64]
Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one pod of each service uses, on average over the last window: ready ones and those
    that are still starting, in millicores and bytes."""

    cpu_ready: Counts
    cpu_starting: Counts
    memory_ready: Counts
    memory_starting: Counts


class Flow(Protocol):
    """What became of the traffic of one span of time."""

    def vectors(self) -> Mapping[str, Figures]:
        """The figures to keep as series, by name."""
        ...


class Traffic(Protocol):
    """Requests on their way through the services, one span of time after another."""

    def tick(self, since: Instant, until: Instant, fleet: Fleet) -> Flow:
        """Let the requests of a span happen, during which the fleet is as it is now."""
        ...

    def usage(self) -> Usage: ...

    def custom(
        self, metric: str, pods: Sequence[Manifest], now: Instant
    ) -> Mapping[str, Sample]: ...

    def external(
        self, namespace: str, metric: str, selector: Mapping[str, Any] | None, now: Instant
    ) -> Sequence[int]: ...


class Addresses(Protocol):
    """The network addresses of pods, which may run out."""

    def assign(self, node: str, pod: Manifest, now: Instant) -> bool:
        """Give a pod an address on its node; False when there is none to give."""
        ...

    def release(self, node: str, pod: Manifest, now: Instant) -> None: ...


class Boundless:
    """Addresses without end."""

    def assign(self, node: str, pod: Manifest, now: Instant) -> bool:
        return True

    def release(self, node: str, pod: Manifest, now: Instant) -> None:
        """Nothing is counted."""
