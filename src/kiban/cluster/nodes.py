"""Virtual nodes: node groups as Node manifests with the labels, capacity and names of EC2.

Instance data: AWS EC2 `DescribeInstanceTypes` (vCPU, memory, network interfaces, IPv4 addresses
per interface). Pods per node follow amazon-eks-ami's max-pods calculator; reserved resources
follow the EKS node bootstrap.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from kiban.kube.objects import Manifest, annotations_of
from kiban.kube.quantities import canonical_quantity

VIRTUAL_ANNOTATION = "kiban.dev/virtual-node"
# The machine of a node with this annotation is off: no heartbeat, no process. For drills.
STOPPED_ANNOTATION = "kiban.dev/stopped"
# A letter after the region's number, or a letter or number after a dash.
_ZONE_SUFFIX = re.compile(r"(?<=\d)[a-z]$|-[a-z0-9]$")
GIB = 1024**3
MIB = 1024**2


@dataclass(frozen=True, slots=True)
class InstanceType:
    """What one EC2 instance type offers."""

    cpus: int
    memory_gib: float
    interfaces: int
    addresses_per_interface: int
    architecture: str = "amd64"

    @property
    def max_pods(self) -> int:
        """ENIs times the secondary addresses of each, and two for pods of the host network."""
        most = 110 if self.cpus <= 30 else 250
        return min(self.interfaces * (self.addresses_per_interface - 1) + 2, most)


# The sizes of a family grow alike; families share them.
_SIZES = {
    "large": (2, 3, 10),
    "xlarge": (4, 4, 15),
    "2xlarge": (8, 4, 15),
    "4xlarge": (16, 8, 30),
    "8xlarge": (32, 8, 30),
    "12xlarge": (48, 8, 30),
    "16xlarge": (64, 15, 50),
}
_FAMILIES = {
    "c": ("c5", "c5a", "c6a", "c6i", "c7a", "c7i", "c6g", "c7g", "c8g"),
    "m": ("m5", "m5a", "m6a", "m6i", "m7a", "m7i", "m6g", "m7g", "m8g"),
    "r": ("r5", "r5a", "r6a", "r6i", "r7a", "r7i", "r6g", "r7g", "r8g"),
}
_GIB_PER_CPU = {"c": 2, "m": 4, "r": 8}
_BURSTABLE = {
    "nano": (2, 0.5, 2, 2),
    "micro": (2, 1, 2, 2),
    "small": (2, 2, 3, 4),
    "medium": (2, 4, 3, 6),
    "large": (2, 8, 3, 12),
    "xlarge": (4, 16, 4, 15),
    "2xlarge": (8, 32, 4, 15),
}


def _architecture(family: str) -> str:
    return "arm64" if "g" in family[1:] else "amd64"


INSTANCE_TYPES: dict[str, InstanceType] = {
    **{
        f"{family}.{size}": InstanceType(
            cpus, cpus * _GIB_PER_CPU[letter], enis, addresses, _architecture(family)
        )
        for letter, families in _FAMILIES.items()
        for family in families
        for size, (cpus, enis, addresses) in _SIZES.items()
    },
    **{
        f"{family}.{size}": InstanceType(*values, _architecture(family))
        for family in ("t3", "t3a", "t4g")
        for size, values in _BURSTABLE.items()
    },
}


@dataclass(frozen=True, slots=True)
class NodeGroup:
    """Nodes that are alike. `spot` is the share of them that is spot capacity, from 0 to 1; the
    first ones are on demand. An unknown instance type counts as m5.large."""

    name: str
    instance_type: str = "m5.large"
    zones: tuple[str, ...] = ("ap-northeast-1a",)
    count: int = 1
    spot: float = 0.0
    labels: tuple[tuple[str, str], ...] = ()
    taints: tuple[tuple[str, str, str], ...] = ()


def node_manifests(groups: Iterable[NodeGroup]) -> list[Manifest]:
    """The Node of every machine, groups in order, each group's nodes spread over its zones."""
    nodes: list[Manifest] = []
    for group in groups:
        on_demand = group.count - round(group.count * group.spot)
        for index in range(group.count):
            host = len(nodes) + 1
            nodes.append(node_manifest(group, index, host, is_spot=index >= on_demand))
    return nodes


def node_manifest(group: NodeGroup, index: int, host: int, *, is_spot: bool) -> Manifest:
    """One Node. `host` is its number in the cluster and gives its address."""
    type_ = INSTANCE_TYPES.get(group.instance_type, INSTANCE_TYPES["m5.large"])
    zone = group.zones[index % len(group.zones)]
    name = f"{group.name}-{index + 1}"
    instance = "i-" + blake2b(name.encode(), digest_size=9).hexdigest()[:17]
    spec: Manifest = {"providerID": f"aws:///{zone}/{instance}"}
    if group.taints:
        spec["taints"] = [
            {"key": key, "value": value, "effect": effect} for key, value, effect in group.taints
        ]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": _labels(group, zone, type_, name, is_spot=is_spot),
            "annotations": {VIRTUAL_ANNOTATION: "true"},
        },
        "spec": spec,
        "status": {
            "capacity": _capacity(type_),
            "allocatable": _allocatable(type_),
            "addresses": [
                {"type": "InternalIP", "address": f"10.0.{host // 250}.{host % 250 + 1}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": _info(type_, instance),
        },
    }


def region_of(zone: str) -> str:
    """The region of a zone as clouds name theirs (`eu-west-1a`, `europe-west1-b`, `eastus-1`); a
    name of another form stands for a region of its own."""
    region = _ZONE_SUFFIX.sub("", zone)
    return region or zone


def is_running(node: Manifest) -> bool:
    """Whether this node is one of ours and its machine is on."""
    annotations = annotations_of(node)
    is_ours = annotations.get(VIRTUAL_ANNOTATION) == "true"
    return is_ours and STOPPED_ANNOTATION not in annotations


def _labels(
    group: NodeGroup, zone: str, type_: InstanceType, name: str, *, is_spot: bool
) -> dict[str, str]:
    return {
        "kubernetes.io/arch": type_.architecture,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": group.instance_type,
        "topology.kubernetes.io/region": region_of(zone),
        "topology.kubernetes.io/zone": zone,
        "eks.amazonaws.com/nodegroup": group.name,
        "eks.amazonaws.com/capacityType": "SPOT" if is_spot else "ON_DEMAND",
        "karpenter.sh/capacity-type": "spot" if is_spot else "on-demand",
        **dict(group.labels),
    }


def _capacity(type_: InstanceType) -> dict[str, str]:
    return {
        "cpu": str(type_.cpus),
        "memory": f"{int(type_.memory_gib * GIB) // 1024}Ki",
        "ephemeral-storage": "20Gi",
        "pods": str(type_.max_pods),
    }


def _allocatable(type_: InstanceType) -> dict[str, str]:
    reserved_mib = 255 + 11 * type_.max_pods
    evictable_mib = 100
    memory = int(type_.memory_gib * GIB) - (reserved_mib + evictable_mib) * MIB
    return {
        "cpu": canonical_quantity(f"{type_.cpus * 1000 - _reserved_millicpu(type_.cpus)}m"),
        "memory": f"{max(memory, 0) // 1024}Ki",
        "ephemeral-storage": canonical_quantity("18Gi"),
        "pods": str(type_.max_pods),
    }


def _reserved_millicpu(cpus: int) -> int:
    """6 % of the first core, 1 % of the second, 0.5 % of the next two, 0.25 % of the others."""
    shares = [60, 10, 5, 5]
    return int(sum(shares[:cpus]) + 2.5 * max(0, cpus - 4))


def _info(type_: InstanceType, instance: str) -> dict[str, str]:
    identity = blake2b(instance.encode(), digest_size=16).hexdigest()
    return {
        "architecture": type_.architecture,
        "bootID": identity,
        "containerRuntimeVersion": "kiban://1",
        "kernelVersion": "virtual",
        "kubeProxyVersion": "",
        "kubeletVersion": "v1.36.0",
        "machineID": identity,
        "operatingSystem": "linux",
        "osImage": "Kiban virtual node",
        "systemUUID": identity,
    }
