"""The cloud's groups behind the Cluster Autoscaler's port, as its AWS provider shows them.

Machines that could not be launched appear as placeholders with the error, so that the autoscaler
sets the group back at once and does not wait for a time-out.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from kiban.cluster.autoscaling.provider import Group, Instance, ProviderRefusal
from kiban.kube.objects import Manifest
from kiban.primitives.instants import Instant
from kiban.rehearsal.cloud.estate import CloudMachine, GroupState, machine_manifest

if TYPE_CHECKING:
    from kiban.rehearsal.cloud.cloud import Cloud


class GroupProvider:
    """A `NodeProvider`."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._shown: tuple[int, Sequence[Group]] = (-1, ())

    def groups(self) -> Sequence[Group]:
        version = self._cloud.estate.version
        if self._shown[0] != version:
            machines: dict[str, list[CloudMachine]] = {name: [] for name in self._cloud.groups}
            for machine in self._cloud.estate.machines.values():
                if machine.counts and machine.group in machines:
                    machines[machine.group].append(machine)
            found = [
                self._group(self._cloud.groups[name], machines[name])
                for name in sorted(self._cloud.groups)
            ]
            self._shown = (version, found)
        return self._shown[1]

    def _group(self, state: GroupState, machines: Sequence[CloudMachine]) -> Group:
        instances = [
            Instance(machine.provider_id, "running" if machine.state == "running" else "creating")
            for machine in machines
        ]
        instances += [
            Instance(entry.provider_id, "creating", entry.error) for entry in state.placeholders
        ]
        settings = state.settings
        return Group(
            state.name,
            settings.min,
            state.max,
            state.desired,
            self._template(state, machines),
            tuple(instances),
            self._cloud.price_of(settings.instance, is_spot=settings.is_spot),
        )

    def _template(self, state: GroupState, machines: Sequence[CloudMachine]) -> Manifest:
        """A node like one of the group: like its first machine, or one in its first zone."""
        zone = machines[0].zone if machines else state.settings.zones[0]
        return machine_manifest(state.settings, zone, 1, 0, self._cloud.settings.addresses)

    def increase(self, group: str, delta: int, now: Instant) -> None:
        state = self._cloud.groups[group]
        if state.desired + delta > state.max:
            raise ProviderRefusal(f"size increase too large: {state.desired + delta} > {state.max}")
        self._cloud.set_desired(group, state.desired + delta, now)

    def decrease_target(self, group: str, delta: int, now: Instant) -> None:
        state = self._cloud.groups[group]
        here = len(self._cloud.estate.of_group(group))
        if state.desired - delta < here:
            raise ProviderRefusal("attempt to delete existing nodes")
        state.desired -= delta
        self._cloud.estate.version += 1

    def delete(self, group: str, provider_ids: Sequence[str], now: Instant) -> None:
        state, estate = self._cloud.groups[group], self._cloud.estate
        for id_ in provider_ids:
            if any(entry.provider_id == id_ for entry in state.placeholders):
                state.placeholders = [e for e in state.placeholders if e.provider_id != id_]
                state.desired -= 1
                estate.version += 1
                continue
            machine = estate.by_provider_id(id_)
            if machine is None:
                raise ProviderRefusal(f"no machine {id_}")
            if state.desired - 1 < state.settings.min:
                raise ProviderRefusal("min size reached, nodes will not be deleted")
            self._cloud.end(machine, now, shrinks=True)
