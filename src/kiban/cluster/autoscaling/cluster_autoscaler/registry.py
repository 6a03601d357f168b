"""What the provider says against what has registered: ready, unready, on its way, never came.

Keeps the scale-ups that are under way, times them out, and sets failed groups back. Source:
clusterstate/clusterstate.go of kubernetes/autoscaler.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from kiban.cluster.autoscaling.cluster_autoscaler.backoff import GroupBackoff
from kiban.cluster.autoscaling.cluster_autoscaler.settings import (
    DELETION_CANDIDATE,
    TO_BE_DELETED,
    Settings,
)
from kiban.cluster.autoscaling.provider import Group, Instance, NodeProvider, ProviderRefusal
from kiban.cluster.autoscaling.sameness import are_the_same
from kiban.kube.objects import Manifest, condition_of, get_in, is_true
from kiban.primitives.instants import Instant, later, parse_rfc3339, seconds_between

# A node that turns ready or not this long after its creation is still starting, for that long.
STARTS_WITHIN_SECONDS = 120.0
MAX_START_SECONDS = 900.0
# Taints that a node has before it can take pods (utils/kubernetes/ready.go).
NOT_READY = ("node.kubernetes.io/not-ready", "node.kubernetes.io/network-unavailable")


@dataclass(slots=True)
class Counts:
    """How the nodes of a group, or of all, are."""

    ready: int = 0
    unready: int = 0
    starting: int = 0
    deleted: int = 0
    unregistered: int = 0
    long_unregistered: int = 0

    @property
    def registered(self) -> int:
        return self.ready + self.unready + self.starting + self.deleted

    def add(self, other: "Counts") -> None:
        for name in Counts.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class _Request:
    increase: int
    expires: Instant


class _Read(NamedTuple):
    """A node, its machine, and how it is: `ready`, to be `deleted`, or nothing of both; and whether
    it is marked as one that may go soon."""

    node: Manifest
    provider_id: str
    says: str
    is_candidate: bool


def _read(node: Manifest) -> _Read:
    says = "ready" if is_ready(node) else ""
    if has_taint(node, TO_BE_DELETED):
        says = "deleted"
    provider_id = get_in(node, "spec", "providerID", default="")
    return _Read(node, provider_id, says, has_taint(node, DELETION_CANDIDATE))


@dataclass(frozen=True, slots=True)
class Failure:
    """A group that did not deliver: the words of the event, and how it is told."""

    group: str
    reason: str
    message: str


@dataclass(slots=True)
class Registry:
    """Kept from one scan to the next."""

    provider: NodeProvider
    settings: Settings
    groups: dict[str, Group] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    total: Counts = field(default_factory=Counts)
    group_of_node: dict[str, str] = field(default_factory=dict)
    last_scale_up: Instant | None = None
    _unregistered_since: dict[str, Instant] = field(default_factory=dict)
    _requests: dict[str, _Request] = field(default_factory=dict)
    # What the nodes said at the last look, which most of them say again.
    _read: dict[str, "_Read"] = field(default_factory=dict)
    # The groups of machines, by what their nodes have as `providerID`.
    _owners: dict[str, str] = field(default_factory=dict)
    # What the counts are of: as long as it is the same, so are they.
    _counted: tuple[Sequence[Group], Sequence[Manifest]] = ((), ())
    backoff: GroupBackoff = field(init=False)

    def __post_init__(self) -> None:
        self.backoff = GroupBackoff(self.settings)

    # Looking

    def look(self, nodes: Sequence[Manifest], now: Instant) -> list[Failure]:
        """Compare the provider's machines with the nodes; what failed since the last look."""
        self._count(nodes, now)
        failures = self._launch_errors(now)
        failures += self._remove_long_unregistered(now)
        if failures:
            self._count(nodes, now)
        failures += self._settle_requests(now)
        self.backoff.forget_old(now)
        return failures

    def _count(self, nodes: Sequence[Manifest], now: Instant) -> None:
        groups = self.provider.groups()
        if self._is_counted(groups, nodes):
            return
        if not are_the_same(groups, self._counted[0]):
            self.groups = {group.name: group for group in groups}
            self._owners = {
                instance.provider_id: group.name
                for group in self.groups.values()
                for instance in group.instances
            }
        self._counted = (tuple(groups), tuple(nodes))
        self.counts = {name: Counts() for name in self.groups}
        self.group_of_node = {}
        self.total = Counts()
        registered: dict[str, None] = {}
        before, self._read = self._read, {}
        for node in nodes:
            name = node["metadata"]["name"]
            read = before.get(name)
            if read is None or read.node is not node:
                read = _read(node)
            self._read[name] = read
            registered[read.provider_id] = None
            group = self._owners.get(read.provider_id)
            if group is not None:
                self.group_of_node[name] = group
            _count_node(self.total if group is None else self.counts[group], node, read.says, now)
        self._count_unregistered(registered, now)
        for counts in self.counts.values():
            self.total.add(counts)

    def _is_counted(self, groups: Sequence[Group], nodes: Sequence[Manifest]) -> bool:
        """Whether a count would find what the last one found. Nodes that start and machines that
        have not registered are counted by their age."""
        if self.total.starting or self._unregistered_since:
            return False
        former_groups, former_nodes = self._counted
        return are_the_same(groups, former_groups) and are_the_same(nodes, former_nodes)

    def _count_unregistered(self, registered: Mapping[str, None], now: Instant) -> None:
        present: dict[str, Instant] = {}
        for name, group in self.groups.items():
            for instance in group.instances:
                id_ = instance.provider_id
                if id_ in registered or instance.state == "deleting":
                    continue
                present[id_] = self._unregistered_since.get(id_, now)
                waited = seconds_between(present[id_], now)
                if waited > self.settings.max_provision_time:
                    self.counts[name].long_unregistered += 1
                else:
                    self.counts[name].unregistered += 1
        self._unregistered_since = present

    def _launch_errors(self, now: Instant) -> list[Failure]:
        """Placeholders that will never become machines are removed, their groups set back."""
        failures = []
        for name, group in self.groups.items():
            broken = [instance for instance in group.instances if instance.error is not None]
            if not broken:
                continue
            error = broken[0].error
            assert error is not None
            self.backoff.failed(name, now)
            self._requests.pop(name, None)
            text = f"Failed adding {len(broken)} nodes to group {name} due to "
            kind = "OutOfResource" if error.is_capacity else "Other"
            text += f"{kind}.{error.code}; source errors: {error.message}"
            failures.append(Failure(name, "ScaleUpFailed", text))
            self._delete(name, broken, now)
        return failures

    def _remove_long_unregistered(self, now: Instant) -> list[Failure]:
        failures = []
        for name, group in self.groups.items():
            late = [
                instance
                for instance in group.instances
                if (since := self._unregistered_since.get(instance.provider_id)) is not None
                and seconds_between(since, now) > self.settings.max_provision_time
            ]
            room = group.target - group.min
            for instance in late[: max(room, 0)]:
                self._delete(name, [instance], now)
                text = f"Removed unregistered node {instance.provider_id}"
                failures.append(Failure(name, "DeleteUnregistered", text))
        return failures

    def _delete(self, group: str, instances: Sequence[Instance], now: Instant) -> None:
        try:
            self.provider.delete(group, [entry.provider_id for entry in instances], now)
        except ProviderRefusal:
            # It is tried again at the next scan.
            return

    def _settle_requests(self, now: Instant) -> list[Failure]:
        failures = []
        for name, request in list(self._requests.items()):
            if name not in self.groups or not self.upcoming(name):
                del self._requests[name]
                self.backoff.succeeded(name)
            elif request.expires <= now:
                del self._requests[name]
                self.backoff.failed(name, now)
                waited = self.settings.max_provision_time
                text = f"Nodes added to group {name} failed to register within {waited:g}s"
                failures.append(Failure(name, "ScaleUpTimedOut", text))
        return failures

    # Asking

    def upcoming(self, group: str) -> int:
        """Machines that were asked for and do not serve yet."""
        counts = self.counts[group]
        return max(
            self.groups[group].target - counts.ready - counts.unready - counts.long_unregistered,
            0,
        )

    def is_healthy(self) -> bool:
        """Whether few enough nodes of the cluster are unready."""
        return self._is_healthy(self.total)

    def is_group_healthy(self, group: str) -> bool:
        return self._is_healthy(self.counts[group])

    def _is_healthy(self, counts: Counts) -> bool:
        bad = counts.unready
        most = self.settings.unready_percent / 100 * counts.registered
        return bad <= self.settings.unready_count or bad <= most

    @property
    def is_waiting(self) -> bool:
        """Whether machines are on their way, so that the provider is to be asked again."""
        return bool(self._requests) or bool(self._unregistered_since) or self.total.starting > 0

    def candidates(self) -> list[str]:
        """The nodes that are marked as such that may go soon."""
        return [name for name, read in self._read.items() if read.is_candidate]

    # Being told

    def requested(self, group: str, increase: int, now: Instant) -> None:
        """A scale-up was asked for."""
        before = self._requests.get(group)
        expires = later(now, self.settings.max_provision_time)
        total = increase + (before.increase if before else 0)
        self._requests[group] = _Request(total, expires)
        self.last_scale_up = now


def _count_node(counts: Counts, node: Manifest, says: str, now: Instant) -> None:
    if says == "deleted":
        counts.deleted += 1
    elif says == "ready":
        counts.ready += 1
    elif _is_starting(node, now):
        counts.starting += 1
    else:
        counts.unready += 1


def is_ready(node: Manifest) -> bool:
    """Whether pods could be placed on the node: what it says, and what its taints say of it."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return is_true(node, "Ready") and not any(taint["key"] in NOT_READY for taint in taints)


def _is_starting(node: Manifest, now: Instant) -> bool:
    created = node["metadata"].get("creationTimestamp")
    if created is None:
        return False
    at = parse_rfc3339(created)
    if seconds_between(at, now) > MAX_START_SECONDS:
        return False
    condition = condition_of(node, "Ready")
    changed = condition.get("lastTransitionTime") if condition else None
    return changed is None or seconds_between(at, parse_rfc3339(changed)) < STARTS_WITHIN_SECONDS


def has_taint(node: Manifest, key: str) -> bool:
    taints = (node.get("spec") or {}).get("taints") or ()
    return any(taint["key"] == key for taint in taints)
