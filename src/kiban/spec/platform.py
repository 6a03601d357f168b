"""A loaded platform repo: effective values for every service in every environment, and the layers
that each is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kiban.primitives.located import Located
from kiban.primitives.problems import KibanError, Place, Problem, nearest
from kiban.spec.branch_deploy import BranchDeploy
from kiban.spec.layers import Layer
from kiban.spec.nouns import Environment, PlatformSpec
from kiban.spec.service import ServiceSpec
from kiban.spec.sourcing import Secrets


@dataclass(frozen=True, slots=True)
class Release:
    """Which image tag a service runs in an environment, and the line that says so."""

    tag: str
    place: Place


@dataclass(frozen=True, slots=True)
class Sources:
    """The located trees of the files."""

    platform: Located
    services: Mapping[str, Located]


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything a platform repo says, checked.

    `services` holds, by environment and by service name, the effective spec; `elsewhere` holds it
    by environment and cluster where a cluster has values of its own. `branches` are what branches
    run for a while, by environment and branch; their services are among the others.
    """

    spec: PlatformSpec
    services: Mapping[str, Mapping[str, ServiceSpec]]
    releases: Mapping[str, Mapping[str, Release]]
    sources: Sources
    elsewhere: Mapping[tuple[str, str], Mapping[str, ServiceSpec]] = field(default_factory=dict)
    branches: Mapping[tuple[str, str], BranchDeploy] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.spec.platform

    @property
    def environments(self) -> Mapping[str, Environment]:
        """In the order of promotion."""
        return self.spec.environments

    def environment(self, name: str) -> Environment:
        """Raises `KibanError` for a name that is none."""
        found = self.spec.environments.get(name)
        if found is None:
            known = ", ".join(self.spec.environments)
            meant = nearest(name, self.spec.environments)
            raise KibanError(
                Problem(
                    "spec/unknown-environment",
                    f"there is no environment {name!r}",
                    self.sources.platform.place(),
                    fix=f"did you mean {meant!r}?" if meant else f"use one of: {known}",
                )
            )
        return found

    def clusters_of(self, environment: str) -> tuple[str, ...]:
        """The clusters an environment lives on, the first one first."""
        found = self.environment(environment)
        return tuple(dict.fromkeys([*([found.cluster] if found.cluster else []), *found.clusters]))

    def services_on(self, environment: str, cluster: str) -> Mapping[str, ServiceSpec]:
        """The effective specs of an environment on one of its clusters."""
        return self.elsewhere.get((environment, cluster)) or self.services[environment]

    def namespace_of(self, environment: str) -> str:
        return self.environment(environment).namespace or f"{self.name}-{environment}"

    def secrets_of(self, environment: str) -> Secrets:
        """How Secrets come to an environment."""
        return self.environment(environment).secrets or self.spec.secrets

    def unreleased(self, environment: str) -> list[str]:
        """Services that have no release in an environment and whose image names no version."""
        released = self.releases.get(environment, {})
        return sorted(
            name
            for name, service in self.services[environment].items()
            if name not in released and not is_pinned(service.image)
        )


def is_pinned(image: str | None) -> bool:
    """Whether an image already names its tag or digest (a registry's port is not a tag)."""
    return image is not None and ("@" in image or ":" in image.rpartition("/")[2])


def layers_of(
    sources: Sources, service: str, environment: str | None, cluster: str = ""
) -> list[Layer]:
    """The layers of a service, the lowest first: platform, environment, cluster, team, service,
    and what the service says for the environment and for the cluster."""
    platform, own = sources.platform, sources.services[service]
    found = [_layer("platform defaults", platform.get("defaults"))]
    if environment is not None:
        tree = platform.get("environments", environment, "defaults")
        found.append(_layer(f"environment {environment}", tree))
    if cluster:
        found.append(_layer(f"cluster {cluster}", platform.get("clusters", cluster, "defaults")))
    team = own.get("team") or platform.get("defaults", "team")
    if team is not None and isinstance(team.value, str):
        tree = platform.get("teams", team.value, "defaults")
        found.append(_layer(f"team {team.value}", tree))
    rest = {key: item for key, item in own.value.items() if key not in ("environments", "clusters")}
    found.append(Layer(f"service {service}", own.with_value(rest)))
    if environment is not None:
        tree = own.get("environments", environment)
        found.append(_layer(f"service {service} in {environment}", tree))
    if cluster:
        found.append(_layer(f"service {service} on {cluster}", own.get("clusters", cluster)))
    return [layer for layer in found if layer is not None]


def _layer(name: str, tree: Located | None) -> Layer | None:
    return Layer(name, tree) if tree is not None and isinstance(tree.value, dict) else None
