"""What only the files together can get wrong: names that nobody has, cycles, hosts taken twice."""

from collections.abc import Collection, Iterator

from kiban.primitives.graphs import cycle
from kiban.primitives.located import Located
from kiban.primitives.problems import Place, Problem, nearest
from kiban.spec.gate_checks import check_gates, policy_faults
from kiban.spec.notification_checks import check_notifications
from kiban.spec.nouns import PlatformSpec
from kiban.spec.place_checks import check_place
from kiban.spec.platform import Platform, Sources
from kiban.spec.references import Finder, unless_known
from kiban.spec.resource_checks import check_classes
from kiban.spec.service import ServiceSpec
from kiban.spec.service_checks import check_service

_ONLY_JOBS = ("schedule", "timezone", "concurrency", "deadline", "retries", "suspended", "parallel",
              "runs", "keep")  # fmt: skip
NOT_JOBS = ("port", "routes", "scale", "availability", "slo", "rollout", "instances", "health",
            "listeners")  # fmt: skip
# What a service is must be the same everywhere.
_SAID_ONCE = ("service", "kind", "environments", "clusters")


def check_platform(spec: PlatformSpec, sources: Sources) -> Iterator[Problem]:
    """References inside platform.yaml, the order of promotion, and what each service file says
    by itself."""
    tree = sources.platform
    for name, environment in spec.environments.items():
        at = ("environments", name)
        if environment.cluster is not None:
            place = tree.nearest((*at, "cluster")).place()
            yield from unless_known("cluster", environment.cluster, spec.clusters, place)
        for index, cluster in enumerate(environment.clusters):
            place = tree.nearest((*at, "clusters", index)).place()
            yield from unless_known("cluster", cluster, spec.clusters, place)
        yield from _check_rename(spec, name, tree)
        if environment.after is not None:
            place = tree.nearest((*at, "after")).place()
            yield from unless_known("environment", environment.after, spec.environments, place)
    after = {name: [one.after] for name, one in spec.environments.items() if one.after}
    if loop := cycle(after):
        place = tree.nearest(("environments", loop[0], "after")).place()
        what = "environments are promoted in a circle: " + " after ".join(loop)
        yield Problem("spec/promotion-cycle", what, place)
    yield from check_classes(spec, tree)
    yield from check_gates(spec, sources)
    yield from check_notifications(spec, sources)
    for name, found in spec.clusters.items():
        if found.ring is not None:
            place = tree.nearest(("clusters", name, "ring")).place()
            yield from unless_known("ring", found.ring, spec.rings, place)
    for defaults in _defaults(spec, tree):
        yield from _said_once(defaults, "is said by each service itself")
    for service in sources.services.values():
        yield from _check_kind(service)
        yield from _check_overrides("environment", spec.environments, service)
        yield from _check_overrides("cluster", spec.clusters, service)


def _check_rename(spec: PlatformSpec, name: str, tree: Located) -> Iterator[Problem]:
    """A rename must say where things run: the usual namespace follows the name."""
    environment, at = spec.environments[name], ("environments", name)
    if environment.formerly in spec.environments:
        place = tree.nearest((*at, "formerly")).place()
        what = f"there still is an environment {environment.formerly!r}"
        yield Problem("spec/renamed-to-two", what, place, fix="delete one of the two")
    if environment.namespace is None and (environment.formerly or spec.formerly):
        before = f"{spec.formerly or spec.platform}-{environment.formerly or name}"
        yield Problem(
            "spec/rename-moves-namespace",
            f"without `namespace`, the renamed {name!r} would run in another one",
            tree.nearest(at).key_place(),
            why="Everything would be made anew there, and what runs would be left behind.",
            fix=f"say `namespace: {before}`, where it runs now",
        )


def _defaults(spec: PlatformSpec, tree: Located) -> Iterator[Located]:
    paths: list[tuple[str, ...]] = [("defaults",)]
    paths += [("teams", name, "defaults") for name in spec.teams]
    paths += [("environments", name, "defaults") for name in spec.environments]
    paths += [("clusters", name, "defaults") for name in spec.clusters]
    for path in paths:
        if (found := tree.get(*path)) is not None:
            yield found


def _said_once(tree: Located, why: str) -> Iterator[Problem]:
    for field in _SAID_ONCE:
        if (found := tree.get(field)) is not None:
            what = f"`{field}` {why}"
            yield Problem("spec/said-once", what, found.key_place(), fix="remove it")


def _check_kind(tree: Located) -> Iterator[Problem]:
    kind = tree.get("kind")
    is_job = "schedule" in tree.value or (kind is not None and kind.value == "job")
    for field in NOT_JOBS if is_job else _ONLY_JOBS:
        if field in tree.value:
            what = f"a {'job' if is_job else 'service'} has no `{field}`"
            fix = "remove it" if is_job else "remove it, or say `kind: job`"
            yield Problem("spec/not-of-this-kind", what, tree.value[field].key_place(), fix=fix)


def _check_overrides(noun: str, known: Collection[str], tree: Located) -> Iterator[Problem]:
    """What a service says for one environment, or for one cluster."""
    nouns = f"{noun}s"
    overrides = tree.get(nouns)
    if overrides is None or overrides.value is None:
        return
    if not isinstance(overrides.value, dict):
        what = f"`{nouns}` must be a map of {nouns}"
        yield Problem("spec/wrong-value", what, overrides.place())
        return
    for name, node in overrides.value.items():
        yield from unless_known(noun, name, known, node.key_place())
        if not isinstance(node.value, dict | None.__class__):
            what = f"`{nouns}.{name}` must be a map of fields"
            yield Problem("spec/wrong-value", what, node.place())
        yield from _said_once(node, f"cannot differ between {nouns}")


def check_environment(platform: Platform, environment: str) -> Iterator[Problem]:
    """The services of one environment, each by itself and together."""
    finders = {}
    for name, service in platform.services[environment].items():
        find = finders[name] = Finder(platform.sources, name, environment)
        if service.team is not None:
            place = find("team").place()
            yield from unless_known("team", service.team, platform.spec.teams, place)
        yield from _check_uses(platform, service, find)
        yield from check_place(platform, environment, service, find)
        for fault in policy_faults(service):
            place = find("images").key_place()
            yield Problem("spec/image-policy", f"`images` of {name} {fault}", place)
        yield from check_service(service, find)
    for cluster in platform.clusters_of(environment):
        for name, service in platform.elsewhere.get((environment, cluster), {}).items():
            yield from check_service(service, Finder(platform.sources, name, environment, cluster))
    yield from _check_names(platform, environment, finders)
    yield from _check_cycles(platform, environment, finders)
    yield from _check_routes(platform, environment, finders)


def _check_uses(platform: Platform, service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    nouns: dict[str, Collection[str]] = {
        "service": platform.sources.services,
        "resource": platform.spec.resources,
    }
    for key, use in service.uses.items():
        if use.type not in nouns:
            continue
        place = find("uses", key, "name").place() if use.name else find("uses", key).key_place()
        yield from unless_known(use.type, use.name or key, nouns[use.type], place)
        if use.type == "service" and (use.name or key) == service.service:
            yield Problem("spec/cycle", f"{service.service!r} uses itself", place)


def _check_names(
    platform: Platform, environment: str, finders: dict[str, Finder]
) -> Iterator[Problem]:
    """A resource becomes objects of its own name, just as a service does; a service that is partly
    on spot becomes two workloads, and each listener a Service."""
    services = platform.services[environment]
    for name, service in services.items():
        parts = (f"{name}-on-demand", f"{name}-spot") if service.scale.spot_from else ()
        for part in (one for one in parts if one in services):
            place = finders[name]("scale", "spotFrom").place()
            what = f"{part!r} is a service, and would be a workload of {name!r}"
            yield Problem("spec/twice", what, place, fix="rename one of them")
        for key in service.listeners:
            if f"{name}-{key}" in services:
                place = finders[name]("listeners", key).key_place()
                what = f"{name}-{key} is a service, and would be a listener of {name!r}"
                yield Problem("spec/twice", what, place, fix="rename one of them")
    for name in platform.spec.resources:
        if name in platform.services[environment]:
            place = platform.sources.platform.nearest(("resources", name)).key_place()
            what = f"{name!r} is a service and a resource"
            yield Problem("spec/twice", what, place, fix="rename one of them")


def _check_cycles(
    platform: Platform, environment: str, finders: dict[str, Finder]
) -> Iterator[Problem]:
    services = platform.services[environment]
    needs = {name: _needs(service) for name, service in services.items()}
    loop = cycle({name: wanted.values() for name, wanted in needs.items()})
    # A service that uses itself is reported by itself.
    if len(loop) > 2:
        key = next(key for key, wanted in needs[loop[0]].items() if wanted == loop[1])
        yield Problem(
            "spec/cycle",
            "services use each other in a circle: " + " -> ".join(loop),
            finders[loop[0]]("uses", key).key_place(),
            why="none of them could be started after those it needs",
            fix="say `optional: true` where a service starts and answers without the other",
        )


def _needs(service: ServiceSpec) -> dict[str, str]:
    """The services that must be there first, by what the service calls them."""
    return {
        key: use.name or key
        for key, use in service.uses.items()
        if use.type == "service" and not use.optional
    }


def _check_routes(
    platform: Platform, environment: str, finders: dict[str, Finder]
) -> Iterator[Problem]:
    taken: dict[tuple[str, str], tuple[str, Place]] = {}
    for name, service in platform.services[environment].items():
        for key, route in service.routes.items():
            where = (host_of(platform, environment, route.host), route.path)
            place = finders[name]("routes", key).key_place()
            other, first = taken.setdefault(where, (name, place))
            if first != place:
                what = f"{name!r} and {other!r} both want the route {key!r} to {route.path}"
                fix = f"the other one is at {first}; change the path or the host of one"
                yield Problem("spec/route-taken", what, place, fix=fix)


def host_of(platform: Platform, environment: str, host: str | None) -> str:
    """The host a route means in an environment; empty when nobody says any."""
    found = platform.environment(environment)
    if host is None:
        return found.domain or ""
    return found.hosts.get(host, host)


def check_releases(platform: Platform, *, strict: bool) -> Iterator[Problem]:
    """Releases of environments and services that are not there; with `strict`, those missing."""
    for environment, releases in sorted(platform.releases.items()):
        if environment not in platform.environments:
            meant = nearest(environment, platform.environments)
            what = f"there is no environment {environment!r}"
            fix = f"rename the file to releases/{meant}.yaml" if meant else "delete the file"
            place = Place(f"releases/{environment}.yaml")
            yield Problem("spec/unknown-environment", what, place, fix=fix)
            continue
        for service, release in releases.items():
            yield from unless_known("service", service, platform.sources.services, release.place)
    for environment in platform.environments if strict else ():
        for service in platform.unreleased(environment):
            what = f"{service!r} has no release in {environment}"
            fix = f"add the line `{service}: <tag>`"
            place = Place(f"releases/{environment}.yaml")
            yield Problem("spec/no-release", what, place, fix=fix)
