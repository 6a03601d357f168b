"""A platform to bundles: every writer, over every service, in one order.

Linear in the number of services, and the same bytes on any machine: nothing here depends on the
order of a hash, the clock or the place.
"""

from collections.abc import Iterator
from functools import partial

from kiban.compiler.bundle import Bundle
from kiban.compiler.caching import Compilations, Keys
from kiban.compiler.nodes import node_groups
from kiban.compiler.patches import apply_patches
from kiban.compiler.rendered import Rendered
from kiban.compiler.rollout import with_revision
from kiban.compiler.secret_objects import brought
from kiban.compiler.secrets import secret_needs
from kiban.compiler.sources import source_manifests, source_needs
from kiban.compiler.target import Target, Used, target_of
from kiban.compiler.writers import (
    claims,
    content_network,
    hook,
    identity,
    job,
    network,
    providers,
    scaling,
    storage,
    workload,
)
from kiban.compiler.writers import environment as environment_writer
from kiban.kube.objects import Key, Manifest, key_of
from kiban.primitives.problems import KibanError, Place, Problem
from kiban.spec import Platform, ServiceSpec

WRITERS = (
    identity.write,
    storage.write,
    workload.write,
    job.write,
    hook.write,
    network.write,
    content_network.write,
    scaling.write,
)

# The order within a bundle: what others refer to comes first.
_KIND_ORDER = (
    "Namespace",
    "CustomResourceDefinition",
    "ServiceAccount",
    "ConfigMap",
    "PersistentVolumeClaim",
    "NetworkPolicy",
    "Service",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "Job",
    "HorizontalPodAutoscaler",
    "ScaledObject",
    "PodDisruptionBudget",
    "WebACL",
    "Ingress",
    "Distribution",
)
_RANK = {kind: rank for rank, kind in enumerate(_KIND_ORDER)}


def compile_environment(
    platform: Platform,
    environment: str,
    *,
    cluster: str | None = None,
    local: bool = False,
    rendered: Rendered | None = None,
    cache: Compilations | None = None,
) -> Bundle:
    """What one environment is on one cluster (its first by default).

    `local` adds the stand-ins for resources that the embedded cluster runs itself. A service
    without a release in the environment is left out. `rendered` are the objects of the sources;
    without it they are left out. With a `cache`, only services whose inputs are not known to it
    are compiled. Raises `KibanError` for an unknown environment or cluster, a patch that hits
    nothing, a resource that cannot run locally.
    """
    _check_cluster(platform, environment, cluster)
    target = target_of(platform, environment, cluster, local=local)
    resources = _resources(target)
    problems = [
        _taken(used, users) for used, users in resources.values() if _is_taken(target, used)
    ]
    manifests = [*environment_writer.write(target), *_of_services(target, cache)]
    for used, users in resources.values() if not local else ():
        manifests += claims.write(target, used, users)
    if local:
        for used, users in resources.values():
            manifests += providers.write(target, used, users)
            if used.type not in providers.PROVIDERS:
                problems.append(_no_stand_in(used, users))
    manifests = [with_revision(one) for one in apply_patches(target, manifests, problems)]
    used_resources = [used for used, _ in resources.values()]
    needs, secrets = _needs(target, resources), secret_needs(target, used_resources)
    if rendered is not None:
        manifests += source_manifests(target, rendered, manifests, problems)
        needs = source_needs(target, rendered, needs)
        met = brought(target, secrets, rendered, problems)
        secrets, manifests = met.needs, [*manifests, *met.manifests]
    if problems:
        raise KibanError(problems)
    manifests.sort(key=_order)
    return Bundle(
        platform=platform.name,
        environment=environment,
        cluster=target.cluster_name,
        namespace=target.namespace,
        manifests=tuple(manifests),
        needs=needs,
        secrets=secrets,
        addresses=_addresses(target),
        drift=platform.environment(environment).drift,
        formerly=_former_names(platform, environment),
        nodes=node_groups(target.cluster),
    )


def compile_platform(platform: Platform, *, local: bool = False) -> tuple[Bundle, ...]:
    """Every environment on each of its clusters, in the order of promotion."""
    return tuple(
        compile_environment(platform, environment, cluster=cluster, local=local)
        for environment in platform.environments
        for cluster in platform.clusters_of(environment) or (None,)
    )


def _check_cluster(platform: Platform, environment: str, cluster: str | None) -> None:
    known = platform.clusters_of(environment)
    if cluster is not None and known and cluster not in known:
        what = f"the environment {environment!r} does not live on a cluster {cluster!r}"
        fix = "use one of: " + ", ".join(known)
        raise KibanError(Problem("compile/unknown-cluster", what, fix=fix))


def _is_taken(target: Target, used: Used) -> bool:
    return used.name in target.services


def _taken(used: Used, users: list[str]) -> Problem:
    what = f"the {used.type} {used.name!r} of {users[0]!r} has the name of a service"
    return Problem("compile/twice", what, Place(thing=f"service {users[0]}"), fix="rename one")


def _no_stand_in(used: Used, users: list[str]) -> Problem:
    known = ", ".join(sorted(providers.PROVIDERS))
    return Problem(
        "compile/no-stand-in",
        f"the embedded cluster cannot run the {used.type} {used.name!r}",
        Place(thing=f"service {users[0]}"),
        fix=f"point the environment at a cluster that has it; what runs locally is: {known}",
    )


def _of_services(target: Target, cache: Compilations | None) -> Iterator[Manifest]:
    if cache is None:
        for service in target.services.values():
            yield from _of_service(target, service)
        return
    keys = Keys(target)
    for service in target.services.values():
        yield from cache.of(keys.of(service), partial(_of_service, target, service))


def _of_service(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    for write in WRITERS:
        yield from write(target, service)


def _order(manifest: Manifest) -> tuple[int, Key]:
    key = key_of(manifest)
    rank = _RANK.get(key.kind, len(_RANK))
    return rank, Key("", "", "", key.name) if key.kind in _RANK else key


def _resources(target: Target) -> dict[str, tuple[Used, list[str]]]:
    """The resources in use, by name, each with the services that use it."""
    found: dict[str, tuple[Used, list[str]]] = {}
    for name, service in target.services.items():
        for used in target.uses(service):
            if not used.is_service:
                found.setdefault(used.name, (used, []))[1].append(name)
    return dict(sorted(found.items()))


def _needs(
    target: Target, resources: dict[str, tuple[Used, list[str]]]
) -> dict[str, frozenset[str]]:
    """The graph that waves are made of: what is optional is not waited for."""
    local = {
        name
        for name, (used, _) in resources.items()
        if target.local and used.type in providers.PROVIDERS
    }
    found = {name: frozenset[str]() for name in sorted(local)}
    for name, service in target.services.items():
        found[name] = frozenset(
            used.name
            for used in target.uses(service)
            if not used.optional and (used.name in local or used.name in target.services)
        )
    return dict(sorted(found.items()))


def _former_names(platform: Platform, environment: str) -> tuple[tuple[str, str], ...]:
    """Platform and environment as objects may be labelled from before a rename."""
    before = platform.environment(environment).formerly
    platforms = [platform.name, *([platform.spec.formerly] if platform.spec.formerly else [])]
    names = [environment, *([before] if before else [])]
    return tuple((one, name) for one in platforms for name in names)[1:]


def _addresses(target: Target) -> dict[str, tuple[str, ...]]:
    return {
        name: tuple(
            sorted({target.host(route.host) + route.path for route in service.routes.values()})
        )
        for name, service in target.services.items()
        if service.routes
    }
