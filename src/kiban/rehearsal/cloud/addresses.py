"""Who has an address: the VPC CNI's pools on every node, drawn from the subnet of its zone.

A node keeps addresses warm so that pods start at once: a whole spare interface by default, or as
many as WARM_IP_TARGET and MINIMUM_IP_TARGET say; with prefixes, a whole spare block. An address
that a pod gave back rests for 30 s. Source: amazon-vpc-cni-k8s, pkg/ipamd.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from kiban.cluster.nodes import InstanceType
from kiban.kube.objects import Manifest, get_in, uid_of
from kiban.primitives.instants import Instant, later
from kiban.rehearsal.cloud.settings import AddressSettings
from kiban.rehearsal.cloud.subnets import BLOCK, Subnet

COOLING_SECONDS = 30.0
NO_ADDRESS = (
    "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for "
    'sandbox: plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP '
    "address to container"
)


@dataclass(frozen=True, slots=True)
class Shortage:
    """Where an address was missing: on a node, whose subnet has none left or whose interfaces are
    full, or hold what still rests."""

    node: str
    subnet: str
    is_of_subnet: bool


Complain = Callable[[Manifest, Shortage, Instant], None]


@dataclass(slots=True)
class _Interface:
    """One ENI: its own address, and what it holds for pods (single addresses or prefixes)."""

    primary: int
    held: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Pool:
    """The addresses of one node."""

    type: InstanceType
    subnet: Subnet
    interfaces: list[_Interface] = field(default_factory=list)
    owners: dict[str, None] = field(default_factory=dict)
    cooling: deque[Instant] = field(default_factory=deque)
    unit: int = 1

    @property
    def total(self) -> int:
        return sum(len(interface.held) for interface in self.interfaces) * self.unit

    @property
    def busy(self) -> int:
        """In use by pods, or resting."""
        return len(self.owners) + len(self.cooling)

    @property
    def has_dry_subnet(self) -> bool:
        """Whether the subnet has nothing more to give."""
        return not (self.subnet.whole_blocks() if self.unit > 1 else self.subnet.free)

    @property
    def slots(self) -> int:
        """What one interface can hold."""
        return self.type.addresses_per_interface - 1


class Addresses:
    """Assigns addresses to pods for the machines; the `Addresses` port of a world."""

    def __init__(
        self,
        settings: AddressSettings,
        subnets: Mapping[str, Subnet],
        complain: Complain | None = None,
    ) -> None:
        self.settings = settings
        # By zone.
        self.subnets = dict(subnets)
        self.failures: dict[str, int] = {}
        self._complain = complain
        self._pools: dict[str, _Pool] = {}

    # Nodes

    def add_node(self, name: str, zone: str, type_: InstanceType) -> bool:
        """A node comes with its first interface; False when its subnet has no address for it."""
        subnet = self.subnets.get(zone)
        if subnet is None or self.settings.mode == "boundless":
            return True
        unit = BLOCK if self.settings.mode == "prefix" else 1
        pool = _Pool(type_, subnet, unit=unit)
        if not self._attach(pool):
            return False
        self._pools[name] = pool
        self._fill(pool)
        return True

    def remove_node(self, name: str) -> None:
        pool = self._pools.pop(name, None)
        if pool is None:
            return
        while pool.interfaces:
            self._detach(pool, pool.interfaces[-1])

    # Pods

    def assign(self, node: str, pod: Manifest, now: Instant) -> bool:
        pool = self._pools.get(node)
        if pool is None or get_in(pod, "spec", "hostNetwork"):
            return True
        uid = uid_of(pod)
        if uid in pool.owners:
            return True
        self._rested(pool, now)
        if pool.busy >= pool.total:
            self._fill(pool, more=1)
        if pool.busy >= pool.total:
            name = pool.subnet.name
            self.failures[name] = self.failures.get(name, 0) + 1
            if self._complain is not None:
                self._complain(pod, Shortage(node, name, pool.has_dry_subnet), now)
            return False
        pool.owners[uid] = None
        self._fill(pool)
        return True

    def release(self, node: str, pod: Manifest, now: Instant) -> None:
        pool = self._pools.get(node)
        if pool is None or pool.owners.pop(uid_of(pod), self) is self:
            return
        self._rested(pool, now)
        pool.cooling.append(later(now, COOLING_SECONDS))

    def _rested(self, pool: _Pool, now: Instant) -> None:
        rested = False
        while pool.cooling and pool.cooling[0] <= now:
            pool.cooling.popleft()
            rested = True
        if rested:
            self._shrink(pool)

    # Warm pools

    def _wanted(self, pool: _Pool) -> int:
        """How many addresses the node should hold now."""
        settings = self.settings
        if settings.warm_ip_target is not None or settings.minimum_ip_target is not None:
            warm = pool.busy + (settings.warm_ip_target or 0)
            return max(warm, settings.minimum_ip_target or 0)
        if settings.mode == "prefix":
            return pool.busy + settings.warm_prefix_target * BLOCK
        return pool.busy + settings.warm_eni_target * pool.slots

    def _fill(self, pool: _Pool, more: int = 0) -> None:
        """Get what is missing, `more` than is in use at least: on the interfaces there are, then
        on more of them."""
        by_target = (
            self.settings.warm_ip_target is not None or self.settings.minimum_ip_target is not None
        )
        while (missing := max(self._wanted(pool), pool.busy + more) - pool.total) > 0:
            interface = next((i for i in pool.interfaces if len(i.held) < pool.slots), None)
            if interface is None:
                if len(pool.interfaces) >= pool.type.interfaces or not self._attach(pool):
                    return
                continue
            room = pool.slots - len(interface.held)
            units = -(-missing // pool.unit)
            count = min(room, units) if by_target or pool.unit > 1 else room
            if not self._hold(pool, interface, count):
                return

    def _shrink(self, pool: _Pool) -> None:
        """Give back what is more than the node should hold, whole interfaces by default."""
        by_target = (
            self.settings.warm_ip_target is not None or self.settings.minimum_ip_target is not None
        )
        if by_target or pool.unit > 1:
            while pool.total - pool.unit >= self._wanted(pool):
                interface = next((i for i in reversed(pool.interfaces) if i.held), None)
                if interface is None:
                    return
                self._give_back(pool, interface.held.pop())
                if not interface.held and len(pool.interfaces) > 1:
                    self._detach(pool, interface)
            return
        while len(pool.interfaces) > 1:
            last = pool.interfaces[-1]
            if pool.total - len(last.held) < self._wanted(pool):
                return
            self._detach(pool, last)

    def _attach(self, pool: _Pool) -> bool:
        primary = pool.subnet.take(1)
        if primary is None:
            return False
        pool.interfaces.append(_Interface(primary[0]))
        return True

    def _detach(self, pool: _Pool, interface: _Interface) -> None:
        for held in interface.held:
            self._give_back(pool, held)
        pool.subnet.give_back([interface.primary])
        pool.interfaces.remove(interface)

    def _hold(self, pool: _Pool, interface: _Interface, count: int) -> bool:
        """Take so many units, or a single one when there are not so many; whether it got any."""
        if pool.unit > 1:
            found = [
                at for at in (pool.subnet.take_prefix() for _ in range(count)) if at is not None
            ]
            interface.held += found
            return bool(found)
        taken = pool.subnet.take(count) or pool.subnet.take(1)
        interface.held += taken or []
        return taken is not None

    def _give_back(self, pool: _Pool, held: int) -> None:
        if pool.unit > 1:
            pool.subnet.give_back_prefix(held)
        else:
            pool.subnet.give_back([held])

    # Asking

    def is_full(self, zone: str) -> bool:
        """Whether a zone's subnet has no address for another node."""
        subnet = self.subnets.get(zone)
        return subnet is not None and self.settings.mode != "boundless" and subnet.free < 1

    def free(self) -> dict[str, int]:
        """Addresses that nobody has, by subnet."""
        return {subnet.name: subnet.free for subnet in self.subnets.values()}
