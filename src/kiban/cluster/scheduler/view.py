"""The scheduler's view of the cluster: nodes in the order in which they are tried, pods on them.

A node has a seat, which outlives it: what was derived of all other seats stays true when a node
comes or goes. The order of the seats takes the zones in turn, so that the first nodes looked at are
of all zones (pkg/scheduler/backend/cache/node_tree.go). Every change of a node is noted in a log;
whoever derives something from nodes reads on from where it stopped.
"""

from collections.abc import Mapping

from kiban.cluster.scheduler.log import Log
from kiban.cluster.scheduler.node_info import NodeInfo, PodInfo
from kiban.cluster.scheduler.shape import Shape
from kiban.kube.objects import Key, Manifest

# Entries of the log before it is cut; who has fallen behind further starts anew.
LOG_LIMIT = 100_000
# Seats are added in such numbers, or half as many again as there are.
FEWEST_NEW_SEATS = 8
# Nobody sits here: no labels, no room, so every filter says no.
EMPTY = NodeInfo("")


class View:
    """Nodes and pods. `index` gives the seat of a node by its name, `order` the seats that are
    taken, `ranks` their places in it. `version` changes when everything derived must be derived
    anew."""

    def __init__(self) -> None:
        self.version = 0
        self.seats: list[NodeInfo] = []
        self.index: dict[str, int] = {}
        self.order: list[int] = []
        self.ranks: list[int] = []
        self.namespace_labels: dict[str, Mapping[str, str]] = {}
        self.nominated: dict[str, dict[Key, PodInfo]] = {}
        self.affine_count = 0
        self.image_holders: dict[str, int] = {}
        self._free: list[int] = []
        self._infos: dict[str, NodeInfo] = {}
        self._zones: dict[str, list[str]] = {}
        self._places: dict[Key, str] = {}
        self._priorities: dict[int, int] = {}
        self._nominations: dict[Key, str] = {}
        self.log = Log()
        self._stale = False

    # Nodes

    def put_node(self, node: Manifest) -> None:
        name = node["metadata"]["name"]
        info = self._info(name)
        known, zone, images = info.node is not None, info.zone, info.images
        info.describe(node)
        self._count_images(images, info.images)
        if known and zone == info.zone:
            self._note(name)
            return
        if known:
            self._leave(zone, name)
            self._note(name)
        else:
            self._seat(name, info)
        self._zones.setdefault(info.zone, []).append(name)
        self._stale = True

    def drop_node(self, name: str) -> None:
        info = self._infos.get(name)
        if info is None or info.node is None:
            return
        self._leave(info.zone, name)
        self._count_images(info.images, {})
        info.images = {}
        self._unseat(name)
        self._stale = True

    def _seat(self, name: str, info: NodeInfo) -> None:
        if not self._free:
            count = len(self.seats)
            more = max(FEWEST_NEW_SEATS, count // 2)
            self.seats += [EMPTY] * more
            self._free = list(range(count + more - 1, count - 1, -1))
            self.renew()
        at = self._free.pop()
        self.seats[at] = info
        self.index[name] = at
        self._note(name)

    def _unseat(self, name: str) -> None:
        at = self.index[name]
        self.seats[at] = EMPTY
        self._note(name)
        del self.index[name]
        self._free.append(at)
        info = self._infos[name]
        info.node = None
        if not info.pods:
            del self._infos[name]

    def info(self, name: str) -> NodeInfo | None:
        """A node that is there."""
        info = self._infos.get(name)
        return info if info is not None and info.node is not None else None

    def settle(self) -> None:
        """Bring the order up to date, once after any number of changes of nodes."""
        if not self._stale:
            return
        self._stale = False
        zones = list(self._zones.values())
        longest = max(map(len, zones), default=0)
        names = [zone[at] for at in range(longest) for zone in zones if at < len(zone)]
        self.order = [self.index[name] for name in names]
        self.ranks = [0] * len(self.seats)
        for rank, at in enumerate(self.order):
            self.ranks[at] = rank
        if self.image_holders:
            # An image counts by the share of nodes that have it.
            self.renew()

    def renew(self) -> None:
        """Everything derived from this view is to be derived anew."""
        self.version += 1
        self.log = Log()

    # Pods

    def put_pod(self, pod: PodInfo, node: str) -> None:
        """The pod counts on the node: it is bound, or about to be."""
        self.nominate(pod, "")
        if self._exchange(pod, node):
            return
        self.drop_pod(pod.key)
        self._places[pod.key] = node
        self._count_priority(pod.priority, 1)
        self._info(node).add(pod)
        self._count_affine(int(pod.shape.has_pod_terms))
        self._note(node, pod.shape)

    def drop_pod(self, key: Key) -> PodInfo | None:
        """The pod no longer counts anywhere; what it was, if it did."""
        node = self._places.pop(key, None)
        if node is None:
            return None
        info = self._infos[node]
        pod = info.pods[key]
        self._count_affine(-int(pod.shape.has_pod_terms))
        self._count_priority(pod.priority, -1)
        info.remove(key)
        if info.node is None and not info.pods:
            del self._infos[node]
        self._note(node, pod.shape)
        return pod

    def _exchange(self, pod: PodInfo, node: str) -> bool:
        """A pod that counts there already and differs in its start alone makes no difference to
        anybody else; whether it was such a one."""
        if self._places.get(pod.key) != node:
            return False
        pods = self._infos[node].pods
        before = pods[pod.key]
        if (
            before.shape is not pod.shape
            or before._replace(uid=pod.uid, started=pod.started) != pod
        ):
            return False
        pods[pod.key] = pod
        if pod.shape.has_pod_terms:
            self._infos[node].affine[pod.key] = pod
        return True

    def place_of(self, key: Key) -> str | None:
        """The node on which a pod counts."""
        return self._places.get(key)

    def has_pods_below(self, priority: int) -> bool:
        """Whether any pod that counts on a node is of a lower priority."""
        return min(self._priorities, default=priority) < priority

    def _count_priority(self, priority: int, more: int) -> None:
        count = self._priorities.get(priority, 0) + more
        if count:
            self._priorities[priority] = count
        else:
            self._priorities.pop(priority, None)

    def nominate(self, pod: PodInfo, node: str) -> None:
        """The pod has a claim on room on a node; an empty name withdraws it."""
        before = self._nominations.pop(pod.key, "")
        if before:
            del self.nominated[before][pod.key]
            if not self.nominated[before]:
                del self.nominated[before]
        if node:
            self._nominations[pod.key] = node
            self.nominated.setdefault(node, {})[pod.key] = pod

    def withdraw(self, key: Key) -> None:
        """The pod has no claim any more."""
        node = self._nominations.get(key)
        if node:
            self.nominate(self.nominated[node][key], "")

    def _note(self, name: str, pod: Shape | None = None) -> None:
        at = self.index.get(name)
        if at is not None:
            self.log.note(at, pod)
            if len(self.log.seats) > LOG_LIMIT:
                self.renew()

    def _count_images(self, before: Mapping[str, int], after: Mapping[str, int]) -> None:
        """How many nodes have an image counts for every node that has it."""
        if before.keys() == after.keys():
            return
        for images, more in ((before, -1), (after, 1)):
            for name in images:
                self.image_holders[name] = self.image_holders.get(name, 0) + more
                if not self.image_holders[name]:
                    del self.image_holders[name]
        self.renew()

    def _count_affine(self, more: int) -> None:
        before, self.affine_count = self.affine_count, self.affine_count + more
        if bool(before) != bool(self.affine_count):
            self.renew()

    def _info(self, name: str) -> NodeInfo:
        info = self._infos.get(name)
        if info is None:
            info = self._infos[name] = NodeInfo(name)
        return info

    def _leave(self, zone: str, name: str) -> None:
        self._zones[zone].remove(name)
        if not self._zones[zone]:
            del self._zones[zone]
