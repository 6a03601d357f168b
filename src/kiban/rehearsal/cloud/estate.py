"""The machines that there are and were, by name and by group, and what they cost so far."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from kiban.cluster.autoscaling.provider import LaunchError
from kiban.cluster.nodes import NodeGroup, node_manifest
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant
from kiban.rehearsal.cloud.catalogue import instance_type
from kiban.rehearsal.cloud.settings import AddressSettings, GroupSettings

State = Literal["launching", "running", "ending", "gone"]
# Pods on a node that hands out prefixes (amazon-eks-ami max-pods calculator).
MAX_PODS, MAX_PODS_LARGE, LARGE_CORES = 110, 250, 30


@dataclass(slots=True)
class CloudMachine:
    """One EC2 instance. Its Node has the same name."""

    name: str
    provider_id: str
    group: str
    instance: str
    zone: str
    is_spot: bool
    price: float
    launched_at: Instant
    manifest: Manifest
    version: int = 1
    state: State = "launching"
    ended_at: Instant | None = None
    is_lost: bool = False
    is_leaving: bool = False

    @property
    def counts(self) -> bool:
        """Whether its group has it."""
        return self.state in ("launching", "running")


@dataclass(slots=True)
class Placeholder:
    """A machine that was asked for and could not be launched."""

    provider_id: str
    error: LaunchError


@dataclass(slots=True)
class GroupState:
    """A group as it stands: how many machines it should have, and of which version new ones are."""

    settings: GroupSettings
    desired: int
    max: int
    version: int = 1
    placeholders: list[Placeholder] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.settings.name


class Estate:
    """All machines. `version` grows with every change."""

    def __init__(self) -> None:
        self.machines: dict[str, CloudMachine] = {}
        self.ended: list[CloudMachine] = []
        self.version = 0
        self._serials: dict[str, int] = {}

    def new_serial(self, group: str) -> int:
        self._serials[group] = self._serials.get(group, 0) + 1
        return self._serials[group]

    def add(self, machine: CloudMachine) -> None:
        self.machines[machine.name] = machine
        self.version += 1

    def end(self, machine: CloudMachine, now: Instant) -> None:
        """The machine is no longer paid for."""
        machine.state, machine.ended_at = "gone", now
        del self.machines[machine.name]
        self.ended.append(machine)
        self.version += 1

    def of_group(self, group: str) -> list[CloudMachine]:
        """The machines that a group has, oldest first."""
        return [m for m in self.machines.values() if m.group == group and m.counts]

    def in_zone(self, zone: str) -> list[CloudMachine]:
        return [m for m in self.machines.values() if m.zone == zone]

    def by_provider_id(self, provider_id: str) -> CloudMachine | None:
        return next((m for m in self.machines.values() if m.provider_id == provider_id), None)

    def all_ever(self) -> Iterator[CloudMachine]:
        yield from self.ended
        yield from self.machines.values()


def machine_manifest(
    group: GroupSettings, zone: str, serial: int, host: int, addresses: AddressSettings
) -> Manifest:
    """The Node that a new machine of the group registers."""
    like = NodeGroup(group.name, group.instance, (zone,), 1, 0.0, group.labels, group.taints)
    node = node_manifest(like, serial - 1, host, is_spot=group.is_spot)
    if addresses.mode != "prefix":
        return node
    pods = str(max_pods(group.instance, addresses))
    status = node["status"]
    return {
        **node,
        "status": {
            **status,
            "capacity": {**status["capacity"], "pods": pods},
            "allocatable": {**status["allocatable"], "pods": pods},
        },
    }


def max_pods(instance: str, addresses: AddressSettings) -> int:
    """How many pods a node may run, by how it hands out addresses."""
    type_ = instance_type(instance)
    if addresses.mode != "prefix":
        return type_.max_pods
    most = MAX_PODS if type_.cpus < LARGE_CORES else MAX_PODS_LARGE
    slots = type_.interfaces * (type_.addresses_per_interface - 1)
    return min(slots * 16 + 2, most)
