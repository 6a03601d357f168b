"""What one platform's cluster tells the rules: its version, its largest node, its addresses."""

from ipaddress import ip_network

from kiban.audit.surroundings import Settings, Subnet
from kiban.compiler.nodes import node_groups
from kiban.primitives.quantities import parse_quantity
from kiban.spec.nouns import Cluster

# AWS keeps the first four addresses and the last one of every subnet.
_KEPT = 5


def told_by(cluster: Cluster, settings: Settings) -> Settings:
    """The settings, completed with what the cluster says where they say nothing."""
    added: dict[str, object] = {}
    if not settings.version and cluster.version:
        added["version"] = cluster.version
    groups = node_groups(cluster)
    if groups and settings.node_cpu is None:
        added["node_cpu"] = _largest([str(one["cpu"]) for one in groups])
    if groups and settings.node_memory is None:
        added["node_memory"] = _largest([str(one["memory"]) for one in groups])
    if cluster.subnets and not settings.subnets:
        added["subnets"] = {
            zone: Subnet(zone=zone, free=_free(subnet.cidr, subnet.taken))
            for zone, subnet in sorted(cluster.subnets.items())
        }
    return settings.model_copy(update=added)


def _largest(amounts: list[str]) -> str:
    return max(amounts, key=parse_quantity)


def _free(cidr: str, taken: int) -> int:
    return max(0, min(10_000, ip_network(cidr, strict=False).num_addresses - _KEPT - taken))
