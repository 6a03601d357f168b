"""Where a compilation is going: one environment on one cluster, and the names that follow from it.

Every manifest writer gets the target and one service, and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kiban.compiler.bundle import ENVIRONMENT_LABEL, PLATFORM_LABEL, SERVICE_LABEL
from kiban.kube.objects import Manifest
from kiban.spec import Platform, Resource, ServiceSpec, host_of, is_pinned
from kiban.spec.nouns import Cluster

NAME_LABEL = "app.kubernetes.io/name"


@dataclass(frozen=True, slots=True)
class Used:
    """One thing a service uses, with its name resolved. `key` is what the service calls it."""

    key: str
    name: str
    type: str
    optional: bool = False

    @property
    def is_service(self) -> bool:
        return self.type == "service"

    @property
    def prefix(self) -> str:
        """The beginning of the environment variables that tell where it is."""
        return self.key.upper().replace("-", "_")


@dataclass(frozen=True, slots=True)
class Target:
    """One environment on one cluster. `local` is the embedded cluster of a laptop."""

    platform: Platform
    environment: str
    cluster_name: str
    cluster: Cluster
    namespace: str
    local: bool
    services: Mapping[str, ServiceSpec]
    images: Mapping[str, str]
    tags: Mapping[str, str]

    def labels(self, service: str = "") -> dict[str, str]:
        """The labels of every object; without a service, of one that belongs to all."""
        found = {
            NAME_LABEL: service or self.namespace,
            "app.kubernetes.io/part-of": self.platform.name,
            "app.kubernetes.io/managed-by": "kiban",
            PLATFORM_LABEL: self.platform.name,
            ENVIRONMENT_LABEL: self.environment,
        }
        return {**found, SERVICE_LABEL: service} if service else found

    def manifest(
        self,
        api_version: str,
        kind: str,
        name: str,
        *,
        service: str = "",
        annotations: Mapping[str, str] | None = None,
        **body: Any,
    ) -> Manifest:
        """An object of the environment's namespace with its labels."""
        metadata: dict[str, Any] = {
            "name": name,
            "namespace": self.namespace,
            "labels": self.labels(service),
        }
        if annotations:
            metadata["annotations"] = dict(annotations)
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}

    def address(self, name: str) -> str:
        """The full name of a Service: the embedded cluster rewrites only full names."""
        return f"{name}.{self.namespace}.svc.cluster.local"

    def uses(self, service: ServiceSpec) -> tuple[Used, ...]:
        """What a service uses, by the name it has in the cluster."""
        return tuple(
            self._used(service, key, use.name or key, use.type, optional=use.optional)
            for key, use in sorted(service.uses.items())
        )

    def _used(
        self, service: ServiceSpec, key: str, name: str, type_: str, *, optional: bool
    ) -> Used:
        shared = self.platform.spec.resources
        if type_ == "service":
            return Used(key, name, type_, optional)
        if type_ == "resource":
            return Used(key, name, shared[name].type, optional)
        if name in shared and shared[name].type == type_:
            return Used(key, name, type_, optional)
        return Used(key, f"{service.service}-{name}", type_, optional)

    def resource(self, used: Used) -> Resource:
        """The description of a resource; one of a service's own has the defaults."""
        shared = self.platform.spec.resources.get(used.name)
        return shared or Resource.model_validate({"type": used.type})

    def host(self, host: str | None) -> str:
        """The host of a route. On a laptop every host ends in `.localhost`, which every machine
        resolves to itself (RFC 6761)."""
        found = host_of(self.platform, self.environment, host)
        if not self.local or found == "localhost" or found.endswith(".localhost"):
            return found
        return f"{found or f'{self.environment}.{self.platform.name}'}.localhost"


def target_of(platform: Platform, environment: str, cluster: str | None, *, local: bool) -> Target:
    """The target of a compilation, with the services that have a release there."""
    declared = platform.clusters_of(environment)
    name = cluster or (declared[0] if declared else "local")
    released = platform.releases.get(environment, {})
    services, images, tags = {}, {}, {}
    for key, service in sorted(platform.services[environment].items()):
        image = service.image or f"kiban.local/{key}"
        release = released.get(key)
        if release is None and not is_pinned(service.image):
            continue
        services[key] = service
        pinned = is_pinned(image)
        images[key] = image if pinned or release is None else f"{image}:{release.tag}"
        tags[key] = release.tag if release else image.rpartition(":")[2]
    return Target(
        platform,
        environment,
        name,
        platform.spec.clusters.get(name) or Cluster(),
        platform.namespace_of(environment),
        local,
        services,
        images,
        tags,
    )
