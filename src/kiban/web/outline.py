"""What the pages need of a platform repo: its environments in their order, its services, who uses
whom, and what is released where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from kiban.spec import Platform

# The first four addresses of a subnet and the last one are AWS's own.
RESERVED = 5


@dataclass(frozen=True, slots=True)
class EnvironmentOutline:
    """One environment; `after` is where its releases come from, the one before unless told."""

    name: str
    namespace: str
    clusters: tuple[str, ...] = ()
    after: str = ""
    description: str = ""


@dataclass(frozen=True, slots=True)
class ServiceOutline:
    """One service; `tags` holds its release by environment, where it has one."""

    name: str
    kind: str
    team: str = ""
    description: str = ""
    uses: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    environments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubnetOutline:
    """Where the machines and pods of a zone get their addresses: how many there are to be had,
    and how many of them others use."""

    cidr: str
    size: int
    taken: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A whole platform, as of one commit."""

    name: str = ""
    commit: str = ""
    environments: Mapping[str, EnvironmentOutline] = field(default_factory=dict)
    services: Mapping[str, ServiceOutline] = field(default_factory=dict)
    # By zone, where the repo declares them.
    subnets: Mapping[str, SubnetOutline] = field(default_factory=dict)


def outline_of(platform: Platform, commit: str = "") -> Outline:
    """The outline of a loaded repo."""
    environments = {}
    before = ""
    for name, each in platform.environments.items():
        environments[name] = EnvironmentOutline(
            name,
            platform.namespace_of(name),
            platform.clusters_of(name),
            each.after or before,
            each.description,
        )
        before = name
    names = sorted({name for specs in platform.services.values() for name in specs})
    services = {name: _service(platform, name) for name in names}
    subnets = {
        zone: SubnetOutline(
            subnet.cidr, ip_network(subnet.cidr).num_addresses - RESERVED, subnet.taken
        )
        for cluster in platform.spec.clusters.values()
        for zone, subnet in cluster.subnets.items()
    }
    return Outline(platform.name, commit, environments, services, subnets)


def _service(platform: Platform, name: str) -> ServiceOutline:
    where = tuple(env for env in platform.environments if name in platform.services[env])
    specs = [platform.services[env][name] for env in where]
    uses = dict.fromkeys(used for spec in specs for used in spec.uses)
    tags = {
        env: release.tag
        for env, releases in platform.releases.items()
        if (release := releases.get(name)) is not None
    }
    first = specs[0]
    return ServiceOutline(
        name, first.kind, first.team or "", first.description, tuple(uses), tags, where
    )
