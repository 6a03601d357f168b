"""The port behind which the machines are: groups of like nodes that can grow and shrink.

The Cluster Autoscaler decides against this protocol alone. A rehearsal's cloud implements it, and
so does a group of virtual nodes in memory. Source of the shape: cloudprovider/cloud_provider.go
of kubernetes/autoscaler.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant

State = Literal["creating", "running", "deleting"]


class ProviderRefusal(Exception):
    """The provider did not do what it was asked; says why."""


@dataclass(frozen=True, slots=True)
class LaunchError:
    """Why a machine that was asked for does not come."""

    code: str
    message: str
    is_capacity: bool = True


@dataclass(frozen=True, slots=True)
class Instance:
    """A machine, or the placeholder of one that was asked for. `provider_id` is what its Node
    will have as `spec.providerID`."""

    provider_id: str
    state: State = "running"
    error: LaunchError | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Machines that are alike. `template` is the Node that a new one would register; `price` is
    for an hour of one."""

    name: str
    min: int
    max: int
    target: int
    template: Manifest
    instances: tuple[Instance, ...] = ()
    price: float = 0.0


class NodeProvider(Protocol):
    """What an autoscaler asks of a cloud. All acts are requests: nothing waits."""

    def groups(self) -> Sequence[Group]:
        """The groups as they are now, sorted by name."""
        ...

    def increase(self, group: str, delta: int, now: Instant) -> None:
        """Ask for more machines. Raises `ProviderRefusal`."""
        ...

    def decrease_target(self, group: str, delta: int, now: Instant) -> None:
        """Ask for fewer of the machines that have not come yet. Raises `ProviderRefusal`."""
        ...

    def delete(self, group: str, provider_ids: Sequence[str], now: Instant) -> None:
        """End these machines and lower the target by as many. Raises `ProviderRefusal`."""
        ...
