"""What one service can get wrong although each of its fields is right by itself."""

import re
from collections.abc import Callable, Iterator

from kiban.kube.schedules import schedule_fault
from kiban.primitives.problems import Problem
from kiban.spec import reach_checks
from kiban.spec.references import Finder, unless_known
from kiban.spec.service import ServiceSpec

# The grammar of the names of Secrets and of their keys (apimachinery, pkg/util/validation).
_SECRET = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_SECRET_KEY = re.compile(r"[-._A-Za-z0-9]+")

Check = Callable[[ServiceSpec, Finder], Iterator[Problem]]


def check_service(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    """Everything below, of one service in one environment."""
    for check in _CHECKS:
        yield from check(service, find)


def _scale(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    least, most = service.scale.min, service.scale.max
    if least is None or most is None or least == most:
        return
    if most < least:
        what = f"`scale.max` {most} is below `scale.min` {least}"
        yield Problem("spec/scale", what, find("scale", "max").place())
    elif least == 0:
        what = "an autoscaler cannot start from 0 instances"
        fix = "use `min: 1`, or `scale: 0` to stop the service"
        yield Problem("spec/scale", what, find("scale", "min").place(), fix=fix)


def _spot_from(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    """The first instances on demand and the rest on spot are two workloads of one service."""
    scale = service.scale
    if scale.spot_from is None:
        return
    place = find("scale", "spotFrom").place()
    if service.spot:
        what = "`spot` and `scale.spotFrom` both say what is on spot capacity"
        yield Problem("spec/spot-from", what, place, fix="keep one; `spot: 0%` undoes a default")
    if service.instances or any(one.type == "disk" for one in service.volumes.values()):
        what = "`scale.spotFrom` makes two workloads, and instances with names or disks are one"
        yield Problem("spec/spot-from", what, place, fix="say `spot: 50%` instead")
    if service.rollout and service.rollout.strategy in ("canary", "blue-green"):
        what = f"`scale.spotFrom` makes two workloads, and a {service.rollout.strategy} rollout one"
        yield Problem("spec/spot-from", what, place, fix="say `spot: 50%` instead")
    least, most = scale.min or 0, scale.max or scale.min or 0
    if least < scale.spot_from <= most:
        what = f"with `scale.min` {scale.min} there may be no instance on spot to scale from"
        why = "the autoscaler owns those on spot, and starts from one"
        fix = f"say `scale.min: {scale.spot_from + 1}`, or another `spotFrom`"
        yield Problem("spec/spot-from", what, place, why=why, fix=fix)


def _instances(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    if service.rollout is None or service.rollout.strategy == "rolling":
        return
    disks = [name for name, one in service.volumes.items() if one.type == "disk"]
    if service.instances or disks:
        named = "`instances`" if service.instances else f"the disk `volumes.{disks[0]}`"
        what = f"{named} gives instances names, which a {service.rollout.strategy} rollout cannot"
        why = "a name is free for the new instance when the old one has ended, one by one"
        fix = "remove `rollout`"
        yield Problem("spec/rollout", what, find("rollout").place(), why=why, fix=fix)


def _needed(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    place = find("service").key_place()
    if service.kind == "web" and service.port is None and find.is_silent("port"):
        what = f"the web service {service.service!r} says no `port`"
        yield Problem("spec/missing-field", what, place, fix="add `port: 8080`")
    if service.image is None and service.build is None and find.is_silent("image"):
        what = f"{service.service!r} says no `image`"
        fix = "add `image: registry.example/name`, or `build: directory`"
        yield Problem("spec/missing-field", what, place, fix=fix)


def _build(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    platforms = service.build.platforms if service.build else {}
    if (
        service.arch
        and platforms
        and all(one.split("/")[1] != service.arch for one in platforms.values())
    ):
        what = f"the image is not built for `arch: {service.arch}`, where it must run"
        fix = f"add `linux/{service.arch}` to `build.platforms`, or remove them"
        yield Problem("spec/build", what, find("build", "platforms").place(), fix=fix)


def _health(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    # A path that is inherited is for those who have a port.
    asked = find.own.get("health", "path")
    if asked is not None and service.kind == "worker" and not (service.port or service.health.port):
        what = "`health.path` needs a port to ask"
        fix = "add `health.port`, or ask by `health.command`"
        yield Problem("spec/health", what, asked.place(), fix=fix)
    live = find.own.get("health", "liveness")
    if live is not None and service.health.liveness and not (service.port or service.health.port):
        what = "`health.liveness` needs a port to ask"
        fix = "add `health.port`, or ask by `health.livenessCommand`"
        yield Problem("spec/health", what, live.place(), fix=fix)
    said = find.own.get("health")
    ways = ("path", "command", "grpc", "tcp")
    asks = [way for way in ways if said and (one := said.get(way)) is not None and one.value]
    if said is not None and len(asks) > 1:
        what = f"`health` asks in {len(asks)} ways: {', '.join(asks)}"
        yield Problem("spec/health", what, said.place(), fix="keep one of them")


def _secrets(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    for name, secret in service.secrets.items():
        owner, slash, key = secret.partition("/")
        if not (slash and _SECRET.fullmatch(owner) and _SECRET_KEY.fullmatch(key)):
            fix = f"write {service.service}/{name.lower().replace('_', '-')}"
            place = find("secrets", name).place()
            yield Problem("spec/secret", f"`secrets.{name}` must be secret/key", place, fix=fix)


def _schedule(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    if service.schedule is None:
        return
    fault = schedule_fault(service.schedule)
    if fault:
        what = f"`schedule`: {service.schedule!r} is no cron schedule: {fault}"
        fix = "write minute, hour, day, month, weekday, like `0 3 * * *`"
        yield Problem("spec/schedule", what, find("schedule").place(), fix=fix)


def _route_ports(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    for name, route in service.routes.items():
        if route.port is not None:
            place = find("routes", name, "port").place()
            yield from unless_known("port", route.port, service.ports, place)


def _rollout(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    rollout = service.rollout
    if rollout is None:
        return
    place = find("rollout").place()
    if rollout.steps and rollout.strategy != "canary":
        what = f"a {rollout.strategy} rollout has no `steps`"
        yield Problem("spec/rollout", what, place, fix="remove them, or say `strategy: canary`")
    if rollout.steps != sorted(set(rollout.steps)) or not all(0 < s < 100 for s in rollout.steps):
        what = "`rollout.steps` must grow, above 0% and below 100%"
        yield Problem("spec/rollout", what, place, fix="write `steps: [10%, 50%]`")
    if rollout.by == "weights" and not service.routes:
        what = "`rollout.by: weights` needs `routes`, which are what has weights"
        yield Problem("spec/rollout", what, place, fix="say `by: replicas`")


def _ports(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    taken = {service.port: "port"} if service.port else {}
    for name, port in service.ports.items():
        if port in taken:
            what = f"`ports.{name}` is {port}, as is `{taken[port]}`"
            yield _twice(what, find, "ports", name)
        elif name == "http" and service.port:
            yield _twice("`ports.http` is what `port` is called", find, "ports", name)
        taken.setdefault(port, f"ports.{name}")


def _containers(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    if "app" in service.init:
        yield _twice("`app` is the name of the service's own container", find, "init", "app")


def _mounts(service: ServiceSpec, find: Finder) -> Iterator[Problem]:
    paths = [("volumes", name, volume.path) for name, volume in service.volumes.items()]
    paths += [("files", path, path) for path in service.files]
    taken: dict[str, str] = {}
    for field, name, path in paths:
        if path in taken:
            what = f"`{field}.{name}` is at {path}, as is `{taken[path]}`"
            yield _twice(what, find, field, name)
        taken.setdefault(path, f"{field}.{name}")


def _twice(what: str, find: Finder, *path: str) -> Problem:
    return Problem("spec/twice", what, find(*path).key_place(), fix="change one of them")


_CHECKS: tuple[Check, ...] = (
    _scale,
    _spot_from,
    _instances,
    _needed,
    _build,
    _health,
    _secrets,
    _schedule,
    _route_ports,
    _rollout,
    _ports,
    _containers,
    _mounts,
    *reach_checks.CHECKS,
)
