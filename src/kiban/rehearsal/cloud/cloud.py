"""The modelled cloud of one rehearsed cluster: it launches, loses and ends machines.

    cloud = Cloud(CloudSettings(groups=(GroupSettings("base", max=9),)))
    world = World(bundle, cloud=cloud, seed=1)
    world.after(3600, lambda now: cloud.lose_zone("ap-northeast-1a", now))

Groups keep the number of machines they should have, spread over their zones, as EC2 Auto Scaling
does; the Cluster Autoscaler changes that number through `provider`. What happens is noted in the
world's log.
"""

from collections.abc import Mapping
from typing import Any

from kiban.cluster.autoscaling.cluster_autoscaler import ClusterAutoscaler
from kiban.cluster.autoscaling.cluster_autoscaler import Settings as AutoscalerSettings
from kiban.cluster.autoscaling.karpenter import Karpenter, definitions, node_pool
from kiban.cluster.autoscaling.karpenter import Settings as KarpenterSettings
from kiban.kube.objects import NODE, Key, Manifest, is_true
from kiban.primitives.instants import MICROSECONDS, Instant, later
from kiban.reconcile.commands import Record
from kiban.reconcile.loop import Task
from kiban.rehearsal.cloud.addresses import NO_ADDRESS, Addresses, Shortage
from kiban.rehearsal.cloud.balance import Balance
from kiban.rehearsal.cloud.capacity import NO_ADDRESSES, Capacity
from kiban.rehearsal.cloud.catalogue import instance_type, price
from kiban.rehearsal.cloud.control_plane import (
    CONTROL_PLANE,
    MOST_INTERFACES,
    ControlPlaneUpgrade,
    take_interfaces,
)
from kiban.rehearsal.cloud.costs import Costs, costs
from kiban.rehearsal.cloud.estate import (
    CloudMachine,
    Estate,
    GroupState,
    Placeholder,
    machine_manifest,
)
from kiban.rehearsal.cloud.instances import InstanceProvider
from kiban.rehearsal.cloud.pool_renewal import PoolRenewal
from kiban.rehearsal.cloud.provider import GroupProvider
from kiban.rehearsal.cloud.settings import CloudSettings, GroupSettings
from kiban.rehearsal.cloud.spot import Spot
from kiban.rehearsal.cloud.subnets import Subnet
from kiban.rehearsal.cloud.upgrade import Renewal, Upgrade
from kiban.rehearsal.world import World


class Cloud:
    """Machines, groups, subnets and the bill. `attach` is called by the world."""

    world: World
    addresses: Addresses
    autoscaler: ClusterAutoscaler | None

    karpenter: Karpenter | None

    def __init__(
        self,
        settings: CloudSettings,
        autoscaler: AutoscalerSettings | None = None,
        karpenter: KarpenterSettings | None = None,
    ) -> None:
        self.settings = settings
        self.estate = Estate()
        self.capacity = Capacity()
        self.groups: dict[str, GroupState] = {
            group.name: GroupState(group, _desired(group), group.max) for group in settings.groups
        }
        self.provider = GroupProvider(self)
        self.spot = Spot(self)
        self.balance = Balance(self)
        self.upgrades: dict[str, Renewal] = {}
        self._autoscaler_settings = autoscaler or AutoscalerSettings()
        self._karpenter_settings = karpenter or KarpenterSettings()
        self._hosts = 0
        # Pods that had to wait for an address, by uid.
        self._without_address: dict[str, None] = {}
        self._began = Instant(0)

    def attach(self, world: World) -> None:
        """Furnish a new world: its first machines are there and Ready."""
        self.world, self._began = world, world.now
        chance = world.cluster.store.chance
        subnets = {
            subnet.zone: Subnet(subnet.name, subnet.cidr, chance)
            for subnet in self.settings.subnets
        }
        for settings in self.settings.subnets:
            subnets[settings.zone].take(settings.taken)
        self.addresses = Addresses(self.settings.addresses, subnets, self._complain)
        world.machines.addresses = self.addresses
        take_interfaces(subnets, min(max(len(subnets), 2), MOST_INTERFACES))
        self.capacity.is_full = self.addresses.is_full
        self.autoscaler = self.karpenter = None
        if self.settings.autoscaler == "cluster-autoscaler":
            self.autoscaler = ClusterAutoscaler(self.provider, self._autoscaler_settings)
            world.cluster.loop.include(self.autoscaler)
        elif self.settings.autoscaler == "karpenter":
            self._furnish_karpenter(world)
        for group in self.groups.values():
            for _ in range(group.desired):
                self._launch(group, world.now, is_first=True)

    def _furnish_karpenter(self, world: World) -> None:
        """Karpenter with a pool for every group that is declared; the groups keep their first
        machines, on which Karpenter itself would run."""
        self.karpenter = Karpenter(InstanceProvider(self), self._karpenter_settings)
        world.cluster.loop.include(self.karpenter)
        for definition in definitions():
            world.api.create(definition, world.now)
        world.driver.settle()
        for group in self.settings.groups:
            world.api.create(pool_for(group), world.now)

    def _complain(self, pod: Manifest, shortage: Shortage, now: Instant) -> None:
        uid = pod["metadata"]["uid"]
        if uid not in self._without_address:
            self._without_address[uid] = None
            self.note(
                now, "address.missing", name=pod["metadata"]["name"], node=shortage.node,
                subnet=shortage.subnet, dry=shortage.is_of_subnet,
            )  # fmt: skip
        record = Record(pod, "Warning", "FailedCreatePodSandBox", NO_ADDRESS)
        self.world.cluster.executor.execute("kubelet", [record], now)

    def note(self, now: Instant, what: str, **fields: Any) -> None:
        self.world.observations.note(now, what, **fields)

    def draw(self, times: tuple[float, float, float]) -> float:
        """A span between the shortest and the longest, near the usual one; whole milliseconds."""
        low, usual, high = times
        stream = self.world.cluster.store.chance.stream("cloud")
        return round(stream.triangular(low, high, usual), 3) if high > low else usual

    # Groups

    def set_desired(self, group: str, desired: int, now: Instant) -> None:
        """Have so many machines in a group; more are launched, fewer is for `end` to do."""
        state = self.groups[group]
        state.desired = desired
        self.estate.version += 1
        self.fill(state, now)

    def fill(self, group: GroupState, now: Instant) -> None:
        """Launch what a group lacks, as far as there is capacity."""
        failed = False
        while self.lacks(group) > 0:
            failed = not self._launch(group, now) or failed
        if failed:
            at = later(now, self.settings.times.launch_retry)
            self.world.at(at, lambda at: self._fill_again(group, at))

    def lacks(self, group: GroupState) -> int:
        """Machines that a group should have, has not, and has not failed to get."""
        return group.desired - len(self.estate.of_group(group.name)) - len(group.placeholders)

    def _fill_again(self, group: GroupState, now: Instant) -> None:
        """Try again to get what could not be had; the autoscaler may have given it up since."""
        if group.placeholders:
            group.placeholders = []
            self.estate.version += 1
            self.fill(group, now)

    def _launch(self, group: GroupState, now: Instant, *, is_first: bool = False) -> bool:
        """One more machine for a group; False when there is none to be had."""
        machines = self.estate.of_group(group.name)
        zone = self.capacity.zone_for(group.settings, machines)
        if isinstance(zone, str):
            machine = self.launch(group.settings, zone, now, is_first=is_first)
            machine.version = group.version
            return True
        serial = self.estate.new_serial(f"{group.name}/failed")
        group.placeholders.append(Placeholder(f"i-placeholder-{group.name}-{serial}", zone))
        self.estate.version += 1
        self.note(now, "launch.failed", group=group.name, code=zone.code, message=zone.message)
        return False

    # Machines

    def launch(
        self, group: GroupSettings, zone: str, now: Instant, *, is_first: bool = False
    ) -> CloudMachine:
        """A machine of this kind in this zone; it registers when it has started."""
        self._hosts += 1
        serial = self.estate.new_serial(group.name)
        node = machine_manifest(group, zone, serial, self._hosts, self.settings.addresses)
        machine = CloudMachine(
            node["metadata"]["name"],
            node["spec"]["providerID"],
            group.name,
            group.instance,
            zone,
            group.is_spot,
            self.price_of(group.instance, is_spot=group.is_spot),
            now,
            node,
        )
        self.estate.add(machine)
        self.note(
            now,
            "machine.launched",
            node=machine.name,
            group=group.name,
            zone=zone,
            spot=group.is_spot,
        )
        if group.is_spot:
            self.spot.began(machine, now)
        if is_first:
            self._register(machine, 0.0, now)
        else:
            ready = self.draw(self.settings.times.ready)
            at = later(now, self.draw(self.settings.times.launch))
            self.world.at(at, lambda at: self._register(machine, ready, at))
        return machine

    def price_of(self, instance: str, *, is_spot: bool) -> float:
        share = self.settings.spot_share
        return price(instance, self.settings.region, is_spot=is_spot, spot_share=share)

    def _register(self, machine: CloudMachine, ready_after: float, now: Instant) -> None:
        if machine.state != "launching" or machine.is_lost:
            return
        type_ = instance_type(machine.instance)
        if not self.addresses.add_node(machine.name, machine.zone, type_):
            self.note(now, "machine.failed", node=machine.name, code=NO_ADDRESSES)
            self.end(machine, now)
            return
        machine.state = "running"
        self.estate.version += 1
        self.world.machines.add(machine.manifest, now, ready_after)

    def end(self, machine: CloudMachine, now: Instant, *, shrinks: bool = False) -> None:
        """End a machine. With `shrinks` its group gets smaller, else it gets another one."""
        if machine.state == "gone":
            return
        group = self.groups.get(machine.group)
        was_running = machine.state == "running"
        self.estate.end(machine, now)
        self.addresses.remove_node(machine.name)
        self.note(now, "machine.ended", node=machine.name, group=machine.group)
        if was_running:
            self.world.machines.vanish(machine.name, now)
            self._notice_later(machine.name, now)
        if group is not None and shrinks:
            group.desired -= 1
        elif group is not None:
            self.fill(group, now)

    def _notice_later(self, name: str, now: Instant) -> None:
        """The cloud's node controller deletes Nodes that are not ready and have no machine."""
        node = self.world.api.get(Key(*NODE, "", name))
        if node is None:
            return
        if not is_true(node, "Ready"):
            self.world.api.delete(Key(*NODE, "", name), now)
            return
        beat = int(self.settings.times.node_check * MICROSECONDS)
        at = Instant(now - now % beat + beat)
        self.world.at(at, lambda at: self._notice_later(name, at))

    # What scenarios do

    def lose_zone(self, zone: str, now: Instant) -> None:
        """All machines of a zone stop at once; new ones cannot be had there."""
        self.capacity.lost[zone] = None
        self.note(now, "zone.lost", zone=zone)
        for machine in self.estate.in_zone(zone):
            machine.is_lost = True
            if machine.name in self.world.machines.machines:
                self.world.machines.stop(machine.name, now)
            self._check_later(machine, now)

    def restore_zone(self, zone: str, now: Instant) -> None:
        """The zone is back, with the machines that nobody has replaced."""
        self.capacity.lost.pop(zone, None)
        self.note(now, "zone.restored", zone=zone)
        for machine in self.estate.in_zone(zone):
            machine.is_lost = False
            if machine.name in self.world.machines.machines:
                self.world.machines.start(machine.name, now)
            else:
                self._register(machine, self.draw(self.settings.times.ready), now)
        for group in self.groups.values():
            self._fill_again(group, now)
        self.balance.look_soon(now)

    def _check_later(self, machine: CloudMachine, now: Instant) -> None:
        at = later(now, self.settings.times.health_check)
        self.world.at(at, lambda at: self._replace_lost(machine, at))

    def _replace_lost(self, machine: CloudMachine, now: Instant) -> None:
        if machine.is_lost and machine.state != "gone":
            self.end(machine, now)

    def exhaust(self, zone: str, instance: str, now: Instant, *, is_spot: bool = False) -> None:
        """No machine of a type (`*`: of any) can be had in a zone."""
        self.capacity.exhaust(zone, instance, is_spot=is_spot)
        self.note(now, "capacity.short", zone=zone, instance=instance, spot=is_spot)

    def replenish(self, zone: str, instance: str, now: Instant, *, is_spot: bool = False) -> None:
        self.capacity.replenish(zone, instance, is_spot=is_spot)
        self.note(now, "capacity.back", zone=zone, instance=instance, spot=is_spot)
        self.balance.look_soon(now)

    def interrupt(self, share: float, now: Instant, *, zone: str = "") -> list[str]:
        """Take back this share of the spot machines, chosen by lot; their names."""
        return self.spot.sweep(share, now, zone=zone)

    def told_of_interruption(self, machine: CloudMachine, now: Instant) -> None:
        """Karpenter reads the queue of interruptions; groups have their own way."""
        if self.karpenter is None:
            return
        claim = self.karpenter.claim_of(machine.name)
        if claim is not None:
            task = Task(self.karpenter.name, self.karpenter.interrupted(claim))
            self.world.cluster.loop.wake(task, now)

    def upgrade(self, group: str, now: Instant, *, forces: bool = False) -> Renewal:
        """Renew all machines of a group: as EKS does for a new version, or by drift of its pool
        where Karpenter has them; or renew the control plane."""
        if group == CONTROL_PLANE:
            plane = ControlPlaneUpgrade(self)
            self.upgrades[group] = plane
            plane.begin(now)
            return plane
        state = self.groups[group]
        if self.karpenter is not None and not self.estate.of_group(group):
            state.version += 1
            pool = PoolRenewal(self, group, state.version)
            self.upgrades[group] = pool
            pool.begin(now)
            return pool
        upgrade = Upgrade(self, state, forces=forces)
        self.upgrades[group] = upgrade
        upgrade.begin(now)
        return upgrade

    # Figures

    def rate(self) -> float:
        """Dollars an hour of what there is now, control plane included."""
        machines = sum(machine.price for machine in self.estate.machines.values())
        return round(machines + self.settings.control_plane_price, 6)

    def costs(self, since: Instant, until: Instant) -> Costs:
        """What was spent between two instants."""
        plane = self.settings.control_plane_price
        machines = self.estate.all_ever()
        return costs(machines, since, until, plane, self.settings.spot_share)

    def figures(self) -> Mapping[tuple[str, str], float]:
        """What holds now, by figure and subject: nodes by group and in all, spot nodes, cost in
        dollars an hour, free addresses by subnet."""
        found: dict[tuple[str, str], float] = {}
        running = [m for m in self.estate.machines.values() if m.state == "running"]
        for name in self.groups:
            found["nodes", name] = 0.0
        for machine in running:
            place = ("nodes", machine.group)
            found[place] = found.get(place, 0.0) + 1
        found["nodes", ""] = float(len(running))
        found["spot_nodes", ""] = float(sum(machine.is_spot for machine in running))
        found["cost", ""] = self.rate()
        for name, free in self.addresses.free().items():
            found["addresses_free", name] = float(free)
        return found


def pool_for(group: GroupSettings) -> Manifest:
    """The NodePool that stands for a declared group: its zones and capacity type, the types it
    lists or any, and room for as many cores as its largest size has."""
    requirements: list[dict[str, Any]] = [
        {"key": "topology.kubernetes.io/zone", "operator": "In", "values": list(group.zones)},
        {
            "key": "karpenter.sh/capacity-type",
            "operator": "In",
            "values": ["spot", "on-demand"] if group.is_spot else ["on-demand"],
        },
    ]
    if group.instances:
        types = {"key": "node.kubernetes.io/instance-type", "operator": "In"}
        requirements.append({**types, "values": list(group.instances)})
    taints = [{"key": key, "value": value, "effect": effect} for key, value, effect in group.taints]
    cores = instance_type(group.instance).cpus * group.max
    return node_pool(
        group.name,
        requirements,
        labels=dict(group.labels),
        taints=taints,
        limits={"cpu": str(cores)},
    )


def _desired(group: GroupSettings) -> int:
    return max(group.min, min(group.desired if group.desired is not None else group.min, group.max))
