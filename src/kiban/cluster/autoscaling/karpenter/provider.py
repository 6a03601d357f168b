"""The port to a cloud that launches single machines of any type, as EC2's CreateFleet does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from kiban.cluster.scheduler.requests import amounts
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant


@dataclass(frozen=True, eq=False)
class Offering:
    """An instance type in a zone, on demand or spot, with its price for an hour. Sizes are
    quantities, as in a Node's status."""

    instance: str
    zone: str
    capacity_type: str
    price: float
    labels: Mapping[str, str]
    capacity: Mapping[str, str]
    allocatable: Mapping[str, str]

    @cached_property
    def room(self) -> Mapping[str, int]:
        """What pods can ask for on it."""
        return amounts(self.allocatable)

    @cached_property
    def size(self) -> Mapping[str, int]:
        """What it counts as against limits."""
        return amounts(self.capacity)


@dataclass(frozen=True, slots=True)
class Launched:
    """What came of a launch."""

    provider_id: str
    node: str
    offering: Offering


class LaunchProvider(Protocol):
    """What Karpenter asks of a cloud."""

    def offerings(self, now: Instant) -> Sequence[Offering]:
        """All that can be had now, cheapest first."""
        ...

    def launch(
        self, pool: str, choices: Sequence[Offering], node: Manifest, now: Instant
    ) -> Launched:
        """Launch the first of the choices for which there is capacity. `node` carries the labels
        and taints that the Node will register. Raises `ProviderRefusal` when there is none."""
        ...

    def terminate(self, provider_id: str, now: Instant) -> None:
        """End a machine; nothing happens when it is gone."""
        ...

    def exists(self, provider_id: str) -> bool: ...
