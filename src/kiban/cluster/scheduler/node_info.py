"""A node and the pods that count on it, with sums kept as pods come and go."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kiban.cluster.scheduler.images import images_of
from kiban.cluster.scheduler.requests import Port, amounts
from kiban.cluster.scheduler.shape import Shape, shape_of
from kiban.kube.objects import Key, Manifest, get_in, is_deleting, key_of, labels_of, uid_of

ZONE_LABEL = "topology.kubernetes.io/zone"
REGION_LABEL = "topology.kubernetes.io/region"
HOSTNAME_LABEL = "kubernetes.io/hostname"


class PodInfo(NamedTuple):
    """What the scheduler keeps of a pod."""

    key: Key
    uid: str
    shape: Shape
    priority: int
    started: str
    terminating: bool
    preempted: bool


def pod_info(pod: Manifest) -> PodInfo:
    status = pod.get("status") or _NOTHING
    preempted = False
    for entry in status.get("conditions") or ():
        if entry.get("type") == "DisruptionTarget":
            preempted = preempted or entry.get("reason") == "PreemptionByScheduler"
    return PodInfo(
        key_of(pod),
        uid_of(pod),
        shape_of(pod),
        pod["spec"].get("priority") or 0,
        status.get("startTime") or "9999",
        is_deleting(pod),
        preempted,
    )


_NOTHING: Manifest = {}


class NodeInfo:
    """One node. Pods that have ended do not count on it."""

    __slots__ = (
        "affine", "allocatable", "faces", "images", "labelled", "labels", "name", "node", "pods",
        "ports", "requested", "scored_cpu", "scored_memory", "taints", "unschedulable", "zone",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.node: Manifest | None = None
        self.labels: Mapping[str, str] = {}
        self.zone = ""
        self.taints: tuple[Mapping[str, Any], ...] = ()
        self.unschedulable = False
        self.allocatable: Mapping[str, int] = {}
        self.images: Mapping[str, int] = {}
        # What rules have worked out from the node's own labels and taints.
        self.faces: dict[object, Any] = {}
        self.pods: dict[Key, PodInfo] = {}
        self.affine: dict[Key, PodInfo] = {}
        # How many pods have a label: most of what is asked of nodes is about none.
        self.labelled: dict[tuple[str, str], int] = {}
        self.ports: dict[Port, int] = {}
        self.requested: dict[str, int] = {}
        self.scored_cpu = self.scored_memory = 0

    def describe(self, node: Manifest) -> None:
        """Take over what the node object says."""
        self.node = node
        self.faces = {}
        self.labels = labels_of(node)
        self.zone = f"{self.labels.get(REGION_LABEL, '')}/{self.labels.get(ZONE_LABEL, '')}"
        spec = node.get("spec") or {}
        self.taints = tuple(spec.get("taints") or ())
        self.unschedulable = bool(spec.get("unschedulable"))
        self.allocatable = amounts(get_in(node, "status", "allocatable", default={}))
        self.images = images_of(node)

    def add(self, pod: PodInfo) -> None:
        self.pods[pod.key] = pod
        self._count(pod, 1)
        if pod.shape.has_pod_terms:
            self.affine[pod.key] = pod

    def remove(self, key: Key) -> None:
        pod = self.pods.pop(key)
        self._count(pod, -1)
        self.affine.pop(key, None)

    def _count(self, pod: PodInfo, sign: int) -> None:
        shape = pod.shape
        for name, amount in shape.requests:
            self.requested[name] = self.requested.get(name, 0) + sign * amount
        self.scored_cpu += sign * shape.scored_cpu
        self.scored_memory += sign * shape.scored_memory
        labelled = self.labelled
        for pair in shape.labels.items():
            count = labelled.get(pair, 0) + sign
            if count:
                labelled[pair] = count
            else:
                del labelled[pair]
        for port in shape.ports:
            self.ports[port] = self.ports.get(port, 0) + sign
            if not self.ports[port]:
                del self.ports[port]

    def copy(self) -> "NodeInfo":
        """Another one with the same pods, to try things on."""
        twin = NodeInfo(self.name)
        for name in NodeInfo.__slots__:
            setattr(twin, name, getattr(self, name))
        twin.pods, twin.affine = dict(self.pods), dict(self.affine)
        twin.ports, twin.requested = dict(self.ports), dict(self.requested)
        twin.labelled = dict(self.labelled)
        return twin
