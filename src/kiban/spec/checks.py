"""What only the files together can get wrong: names that nobody has, cycles, hosts taken twice."""

import re
from collections.abc import Iterable, Mapping

from cronsim import CronSim, CronSimError

from kiban.primitives.graphs import cycle
from kiban.primitives.instants import EPOCH
from kiban.primitives.located import Located
from kiban.primitives.problems import Place, Problem, nearest
from kiban.spec.nouns import PlatformSpec
from kiban.spec.platform import Platform
from kiban.spec.service import ServiceSpec

# The grammar of the names of Secrets and of their keys (apimachinery, pkg/util/validation).
_SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_SECRET_KEY = re.compile(r"[-._A-Za-z0-9]+")
_ROUTE_TAKEN = "spec/route-taken"
_ONLY_JOBS = ("schedule", "timezone", "concurrency", "deadline", "retries", "suspended")
# What a service is must be the same everywhere.
_SAID_ONCE = ("service", "kind", "environments")
_NOT_JOBS = ("port", "routes", "scale", "availability", "slo")


def check_platform(spec: PlatformSpec, tree: Located, problems: list[Problem]) -> None:
    """References inside platform.yaml, and the order of promotion."""
    for name, environment in spec.environments.items():
        at = ("environments", name)
        if environment.cluster is not None:
            _known(
                "cluster",
                environment.cluster,
                spec.clusters,
                tree.nearest((*at, "cluster")),
                problems,
            )
        for index, cluster in enumerate(environment.clusters):
            node = tree.nearest((*at, "clusters", index))
            _known("cluster", cluster, spec.clusters, node, problems)
        if environment.after is not None:
            node = tree.nearest((*at, "after"))
            _known("environment", environment.after, spec.environments, node, problems)
    after = {name: [one.after] for name, one in spec.environments.items() if one.after}
    if loop := cycle(after):
        node = tree.nearest(("environments", loop[0], "after"))
        what = "environments are promoted in a circle: " + " after ".join(loop)
        problems.append(Problem("spec/promotion-cycle", what, node.place()))


def check_sources(
    spec: PlatformSpec, services: Mapping[str, Located], problems: list[Problem]
) -> None:
    """What a service file says by itself: its environments, and fields of another kind."""
    for tree in services.values():
        _check_overrides(spec, tree, problems)
        kind = tree.get("kind")
        is_job = "schedule" in tree.value or (kind is not None and kind.value == "job")
        for field in _NOT_JOBS if is_job else _ONLY_JOBS:
            if field in tree.value:
                what = f"a {'job' if is_job else 'service'} has no `{field}`"
                fix = "remove it" if is_job else "remove it, or say `kind: job`"
                place = tree.value[field].key_place()
                problems.append(Problem("spec/not-of-this-kind", what, place, fix=fix))


def _check_overrides(spec: PlatformSpec, tree: Located, problems: list[Problem]) -> None:
    overrides = tree.get("environments")
    if overrides is None or overrides.value is None:
        return
    if not isinstance(overrides.value, dict):
        what = "`environments` must be a map of environments"
        problems.append(Problem("spec/wrong-value", what, overrides.place()))
        return
    for name, node in overrides.value.items():
        _known("environment", name, spec.environments, node, problems, key=True)
        if not isinstance(node.value, dict | None.__class__):
            what = f"`environments.{name}` must be a map of fields"
            problems.append(Problem("spec/wrong-value", what, node.place()))
            continue
        for field in _SAID_ONCE:
            if node.value is not None and field in node.value:
                what = f"`{field}` cannot differ between environments"
                place = node.value[field].key_place()
                problems.append(Problem("spec/said-once", what, place, fix="remove it"))


def check_environment(platform: Platform, environment: str, problems: list[Problem]) -> None:
    """The services of one environment together: teams, uses, cycles, routes, numbers."""
    services = platform.services[environment]
    for name, service in services.items():
        find = _Finder(platform, name, environment)
        if service.team is not None:
            _known("team", service.team, platform.spec.teams, find("team"), problems)
        _check_uses(platform, service, find, problems)
        _check_numbers(service, find, problems)
        _check_twice(service, find, problems)
    _check_names(platform, environment, problems)
    _check_cycles(platform, environment, problems)
    _check_routes(platform, environment, problems)


def check_releases(platform: Platform, problems: list[Problem], *, strict: bool) -> None:
    """Releases of environments and services that are not there; with `strict`, those missing."""
    known = platform.sources.services
    for environment, releases in sorted(platform.releases.items()):
        file = f"releases/{environment}.yaml"
        if environment not in platform.environments:
            meant = nearest(environment, platform.environments)
            what = f"there is no environment {environment!r}"
            fix = f"rename the file to releases/{meant}.yaml" if meant else "delete the file"
            problems.append(Problem("spec/unknown-environment", what, Place(file), fix=fix))
            continue
        for service, release in releases.items():
            if service not in known:
                problems.append(_unknown("service", service, known, release.place))
    for environment in platform.environments if strict else ():
        for service in platform.unreleased(environment):
            what = f"{service!r} has no release in {environment}"
            fix = f"add the line `{service}: <tag>`"
            place = Place(f"releases/{environment}.yaml")
            problems.append(Problem("spec/no-release", what, place, fix=fix))


class _Finder:
    """Finds where a service got a value from, for messages: the highest layer that sets it."""

    def __init__(self, platform: Platform, service: str, environment: str) -> None:
        own = platform.sources.services[service]
        # In the order of the layers, the highest first.
        spec = platform.sources.platform
        team = own.get("team")
        self.trees = [
            own.get("environments", environment),
            own,
            spec.get("teams", str(team.value) if team else "", "defaults"),
            spec.get("environments", environment, "defaults"),
            spec.get("defaults"),
        ]
        self.own = own

    def __call__(self, *path: str) -> Located:
        for tree in self.trees:
            if tree is not None and (found := tree.get(*path)) is not None:
                return found
        return self.own

    def is_silent(self, field: str) -> bool:
        """Whether nobody says anything about a field, or the last one says null. A value that is
        wrong was said, and is reported elsewhere."""
        found = self(field)
        return found is self.own or found.value is None


def _check_uses(
    platform: Platform, service: ServiceSpec, find: _Finder, problems: list[Problem]
) -> None:
    for key, use in service.uses.items():
        target, node = use.name or key, find("uses", key)
        by_name = use.name is not None
        if by_name:
            node = find("uses", key, "name")
        if use.type == "service":
            known: Iterable[str] = platform.sources.services
            _known("service", target, known, node, problems, key=not by_name)
            if target == service.service:
                what = f"{target!r} uses itself"
                problems.append(Problem("spec/cycle", what, node.key_place()))
        elif use.type == "resource":
            _known("resource", target, platform.spec.resources, node, problems, key=not by_name)


def _check_numbers(service: ServiceSpec, find: _Finder, problems: list[Problem]) -> None:
    scale = service.scale
    if scale.min is not None and scale.max is not None and scale.max < scale.min:
        what = f"`scale.max` {scale.max} is below `scale.min` {scale.min}"
        problems.append(Problem("spec/scale", what, find("scale", "max").place()))
    if scale.max == 0 or (scale.min == 0 and (scale.max or 0) > 0):
        what = "an autoscaler cannot start from 0 instances"
        fix = "use `min: 1`, or `scale: 0` to stop the service"
        if scale.min != scale.max:
            problems.append(Problem("spec/scale", what, find("scale", "min").place(), fix=fix))
    if service.kind == "web" and service.port is None and find.is_silent("port"):
        what = f"the web service {service.service!r} says no `port`"
        problems.append(
            Problem("spec/missing-field", what, find("service").key_place(), fix="add `port: 8080`")
        )
    if service.image is None and service.build is None and find.is_silent("image"):
        what = f"{service.service!r} says no `image`"
        fix = "add `image: registry.example/name`, or `build: directory`"
        place = find("service").key_place()
        problems.append(Problem("spec/missing-field", what, place, fix=fix))
    asked = find.own.get("health", "path")
    if asked is not None and service.kind == "worker" and not (service.port or service.health.port):
        what = "`health.path` needs a port to ask"
        fix = "add `health.port`, or ask by `health.command`"
        problems.append(Problem("spec/health", what, asked.place(), fix=fix))
    for key, secret in service.secrets.items():
        name, slash, entry = secret.partition("/")
        if not (slash and _SECRET.fullmatch(name) and _SECRET_KEY.fullmatch(entry)):
            what = f"`secrets.{key}` must be secret/key"
            fix = f"write {service.service}/{key.lower().replace('_', '-')}"
            place = find("secrets", key).place()
            problems.append(Problem("spec/secret", what, place, fix=fix))
    if service.schedule is not None and (fault := _schedule_fault(service.schedule)):
        fix = "write minute, hour, day, month, weekday, like `0 3 * * *`"
        place = find("schedule").place()
        problems.append(Problem("spec/schedule", f"`schedule`: {fault}", place, fix=fix))
    for key, route in service.routes.items():
        if route.port is not None and route.port not in service.ports:
            node = find("routes", key, "port")
            _known("port", route.port, service.ports, node, problems)


def _check_twice(service: ServiceSpec, find: _Finder, problems: list[Problem]) -> None:
    """What must be there only once in a pod: ports, names of containers, mount paths."""
    found: list[tuple[str, tuple[str, ...]]] = []
    numbers = {service.port: "port"} if service.port else {}
    for name, port in service.ports.items():
        if port in numbers:
            found.append((f"`ports.{name}` is {port}, as is `{numbers[port]}`", ("ports", name)))
        elif name == "http" and service.port:
            found.append(("`ports.http` is what `port` is called", ("ports", name)))
        numbers.setdefault(port, f"ports.{name}")
    if "app" in service.init:
        found.append(("`app` is the name of the service's own container", ("init", "app")))
    mounts: dict[str, str] = {}
    paths = [("volumes", name, volume.path) for name, volume in service.volumes.items()]
    paths += [("files", path, path) for path in service.files]
    for kind, name, path in paths:
        if path in mounts:
            found.append((f"`{kind}.{name}` is at {path}, as is `{mounts[path]}`", (kind, name)))
        mounts.setdefault(path, f"{kind}.{name}")
    for what, path_to in found:
        place = find(*path_to).key_place()
        problems.append(Problem("spec/twice", what, place, fix="change one of them"))


def _schedule_fault(schedule: str) -> str:
    try:
        CronSim(schedule, EPOCH)
    except CronSimError as error:
        return f"{schedule!r} is no cron schedule: {error}"
    return ""


def _check_names(platform: Platform, environment: str, problems: list[Problem]) -> None:
    """A resource becomes objects of its own name, just as a service does."""
    resources = platform.sources.platform.get("resources")
    for name in platform.spec.resources:
        if name in platform.services[environment] and resources is not None:
            what = f"{name!r} is a service and a resource"
            place = resources.value[name].key_place()
            problems.append(Problem("spec/twice", what, place, fix="rename one of them"))


def _check_cycles(platform: Platform, environment: str, problems: list[Problem]) -> None:
    needs = {
        name: [
            use.name or key
            for key, use in service.uses.items()
            if use.type == "service" and not use.optional
        ]
        for name, service in platform.services[environment].items()
    }
    loop = cycle(needs)
    if len(loop) > 2:
        first = platform.services[environment][loop[0]]
        key = next(k for k, use in first.uses.items() if (use.name or k) == loop[1])
        node = _Finder(platform, loop[0], environment)("uses", key)
        problems.append(
            Problem(
                "spec/cycle",
                "services use each other in a circle: " + " -> ".join(loop),
                node.key_place(),
                why="none of them could be started after those it needs",
                fix="say `optional: true` where a service starts and answers without the other",
            )
        )


def _check_routes(platform: Platform, environment: str, problems: list[Problem]) -> None:
    taken: dict[tuple[str, str], tuple[str, Place]] = {}
    for name, service in platform.services[environment].items():
        find = _Finder(platform, name, environment)
        for key, route in service.routes.items():
            where = (host_of(platform, environment, route.host), route.path)
            place = find("routes", key).key_place()
            known = any(one.place == place and one.code == _ROUTE_TAKEN for one in problems)
            if where in taken and taken[where][1] != place and not known:
                other, first = taken[where]
                what = f"{name!r} and {other!r} both want the route {where[0]}{where[1]}"
                fix = f"the other one is at {first}; change the path or the host of one"
                problems.append(Problem(_ROUTE_TAKEN, what, place, fix=fix))
            taken.setdefault(where, (name, place))


def host_of(platform: Platform, environment: str, host: str | None) -> str:
    """The host a route means in an environment; empty when nobody says any."""
    found = platform.environment(environment)
    if host is None:
        return found.domain or ""
    return found.hosts.get(host, host)


def _known(
    noun: str,
    name: str,
    known: Iterable[str],
    node: Located,
    problems: list[Problem],
    *,
    key: bool = False,
) -> None:
    if name not in known:
        problems.append(_unknown(noun, name, known, node.key_place() if key else node.place()))


def _unknown(noun: str, name: str, known: Iterable[str], place: Place) -> Problem:
    known = sorted(known)
    meant = nearest(name, known)
    hint = f"; did you mean {meant!r}?" if meant else ""
    fix = f"write {meant}" if meant else f"use one of: {', '.join(known)}" if known else ""
    return Problem(f"spec/unknown-{noun}", f"there is no {noun} {name!r}{hint}", place, fix=fix)
