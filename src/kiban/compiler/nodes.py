"""The node groups of a cluster as plain values, with the capacity of their instance types."""

from collections.abc import Mapping
from typing import Any

from kiban.primitives.quantities import parse_quantity
from kiban.spec.nouns import Cluster

# AWS names a size by its multiple of `xlarge`, which has 4 vCPU in every general family.
_SIZES = {"medium": 1, "large": 2, "xlarge": 4}
# GiB of memory for each vCPU, by the family's letter (EC2 instance types: C, M and R series).
_MEMORY_PER_CPU = {"c": 2, "m": 4, "r": 8}
# The burstable T series has 2 vCPU up to `large`, and memory that doubles by size.
_BURSTABLE = {
    "nano": (2, 0.5),
    "micro": (2, 1),
    "small": (2, 2),
    "medium": (2, 4),
    "large": (2, 8),
    "xlarge": (4, 16),
    "2xlarge": (8, 32),
}
_UNKNOWN = (4, 16.0)


def node_groups(cluster: Cluster) -> tuple[Mapping[str, Any], ...]:
    """Each group with its name, zones, numbers, capacity type, vCPU and memory."""
    found = []
    for name, group in sorted(cluster.nodes.items()):
        cpu, memory = capacity(group.instance)
        found.append(
            {
                "name": name,
                "instance": group.instance,
                "zones": list(group.zones or cluster.zones),
                "min": group.min,
                "max": max(group.min, group.max),
                "spot": group.spot,
                "cpu": group.cpu or str(cpu),
                "memory": group.memory or _gibibytes(memory),
                "labels": dict(sorted(group.labels.items())),
            }
        )
    return tuple(found)


def capacity(instance: str) -> tuple[int, float]:
    """vCPU and GiB of an instance type; those of an m5.xlarge when it is not known."""
    family, _, size = instance.partition(".")
    if family.startswith("t"):
        return _BURSTABLE.get(size, _UNKNOWN)
    count = _SIZES.get(size)
    multiple = size.removesuffix("xlarge")
    if count is None and multiple.isdigit():
        count = int(multiple) * _SIZES["xlarge"]
    per_cpu = _MEMORY_PER_CPU.get(family[:1])
    return (count, count * per_cpu) if count and per_cpu else _UNKNOWN


def _gibibytes(memory: float) -> str:
    return f"{int(parse_quantity(str(memory)) * 1024)}Mi" if memory % 1 else f"{int(memory)}Gi"
