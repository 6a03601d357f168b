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
from kiban.spec.resources import ResourceClass, class_of

NAME_LABEL = "app.kubernetes.io/name"


@dataclass(frozen=True, slots=True)
class Used:
    """One thing a service uses, with its name resolved. `key` is what the service calls it."""

    key: str
    name: str
    type: str
    optional: bool = False
    # What the service asks for, where the resource is its own.
    class_: str | None = None
    params: tuple[tuple[str, str], ...] = ()

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
    # The service graph in both directions: what a service uses, and who uses a service.
    used: Mapping[str, tuple[Used, ...]]
    callers: Mapping[str, tuple[str, ...]]

    def labels(self, service: str = "") -> dict[str, str]:
        """The labels of every object; without a service, of one that belongs to all."""
        found = {
            NAME_LABEL: service or self.namespace,
            "app.kubernetes.io/part-of": self.platform.name,
            "app.kubernetes.io/managed-by": "kiban",
            **self.ownership(),
        }
        if not service:
            return found
        own = self.services[service].labels if service in self.services else {}
        return {**dict(sorted(own.items())), **found, SERVICE_LABEL: service}

    def ownership(self) -> dict[str, str]:
        """The labels by which delivery knows its own."""
        return {PLATFORM_LABEL: self.platform.name, ENVIRONMENT_LABEL: self.environment}

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
        return self.used[service.service]

    def resource(self, used: Used) -> Resource:
        """The description of a resource; one of a service's own has the defaults."""
        shared = self.platform.spec.resources.get(used.name)
        own = {"type": used.type, "class": used.class_, "params": dict(used.params)}
        found = shared or Resource.model_validate(own)
        of_class = self.resource_class(used)
        if of_class is None:
            return found
        said = {
            name: value
            for name in ("size", "version")
            if name not in found.model_fields_set and (value := getattr(of_class, name))
        }
        return found.model_copy(update={**said, "params": {**of_class.params, **found.params}})

    def resource_class(self, used: Used) -> ResourceClass | None:
        """The class of a resource, if the platform has one for it."""
        shared = self.platform.spec.resources.get(used.name)
        wanted = shared.class_ if shared else used.class_
        return class_of(self.platform.spec.classes, used.type, wanted)

    def word(self, service: ServiceSpec, word: str) -> str:
        """What a word stands for in the texts of a service (spec/interpolation.py)."""
        return {
            "environment": self.environment,
            "namespace": self.namespace,
            "platform": self.platform.name,
            "service": service.service,
            "release": self.tags[service.service],
            "domain": self.host(None),
            "cluster": self.cluster_name,
            "region": self.cluster.region,
        }[word]

    def host(self, host: str | None) -> str:
        """The host of a route. On a laptop every host ends in `.localhost`, which every machine
        resolves to itself (RFC 6761)."""
        here = self.cluster.domain if host is None else self.cluster.hosts.get(host)
        found = here or host_of(self.platform, self.environment, host)
        if not self.local or found == "localhost" or found.endswith(".localhost"):
            return found
        return f"{found or f'{self.environment}.{self.platform.name}'}.localhost"


def target_of(platform: Platform, environment: str, cluster: str | None, *, local: bool) -> Target:
    """The target of a compilation, with the services that have a release there."""
    declared = platform.clusters_of(environment)
    name = cluster or (declared[0] if declared else "local")
    released = platform.releases.get(environment, {})
    services, images, tags = {}, {}, {}
    for key, service in sorted(platform.services_on(environment, name).items()):
        image = service.image or f"kiban.local/{key}"
        release = released.get(key)
        pinned = is_pinned(image)
        if release is None and not pinned:
            continue
        services[key] = service
        images[key] = image if pinned or release is None else _tagged(image, release.tag)
        tags[key] = release.tag if release else image.rpartition(":")[2]
    used = {key: _uses(platform, service) for key, service in services.items()}
    callers: dict[str, tuple[str, ...]] = {}
    for key in used:
        for one in used[key]:
            if one.is_service:
                callers[one.name] = (*callers.get(one.name, ()), key)
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
        used,
        callers,
    )


def _tagged(image: str, tag: str) -> str:
    return f"{image}@{tag}" if tag.startswith("sha256:") else f"{image}:{tag}"


def _uses(platform: Platform, service: ServiceSpec) -> tuple[Used, ...]:
    """What a service uses. A type that is not `service` or `resource` means the shared resource
    of that name if there is one of that type, and else a resource of the service's own."""
    shared = platform.spec.resources
    found = []
    for key, use in sorted(service.uses.items()):
        name, type_ = use.name or key, use.type
        is_shared = name in shared and type_ in ("resource", shared[name].type)
        if type_ != "service" and not is_shared:
            name = f"{service.service}-{name}"
        kind = shared[name].type if is_shared else type_
        class_ = None if is_shared else use.class_
        params = () if is_shared else tuple(sorted(use.params.items()))
        found.append(Used(key, name, kind, use.optional, class_, params))
    return tuple(found)
