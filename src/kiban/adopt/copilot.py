"""Manifests of AWS Copilot in our language, which has most of its words. What Copilot keeps in
CloudFormation (add-ons, networks) and where its secrets are is told."""

import posixpath
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from kiban.adopt.compose import service_name
from kiban.adopt.descriptions import NO_RELEASE, Described, Remains
from kiban.adopt.proposals import Fields, image_and_tag
from kiban.spec.interpolation import escaped

SERVICES = ("Load Balanced Web Service", "Request-Driven Web Service", "Backend Service")
WORKER, JOB = "Worker Service", "Scheduled Job"
KNOWN = (*SERVICES, WORKER, JOB)
# What means nothing where one may always look into a container, and names of the whole.
_MEANINGLESS = (("name",), ("type",), ("exec",), ("environments",), ("platform",))
# What is told of files that are no service's.
COPILOT = "copilot"
# The shares of a vCPU that Copilot counts in.
_VCPU = 1024
# What Copilot fills in where a manifest is read (its documentation, "Environment variables").
_WORDS = {
    "${COPILOT_ENVIRONMENT_NAME}": "${environment}",
    "${COPILOT_APPLICATION_NAME}": "${platform}",
}


def is_copilot(tree: Any) -> bool:
    """Whether a manifest is one of Copilot's for a service or a job."""
    return isinstance(tree, Mapping) and tree.get("type") in KNOWN and "name" in tree


def described_copilot(
    manifests: Iterable[Mapping[str, Any]], environments: Iterable[str], lines: int = 0
) -> list[Described]:
    """Every service in every environment; those that no manifest names as well."""
    trees = list(manifests)
    named = list(environments)
    for tree in trees:
        named += [name for name in tree.get("environments") or () if name not in named]
    found: list[Described] = []
    # The one that people live in is promoted to last.
    for name in sorted(named, key=lambda one: (one.startswith("prod"), one)) or ["main"]:
        result = Described(service_name(name), lines=lines if not found else 0)
        for tree in sorted(trees, key=lambda one: str(one["name"])):
            own = (tree.get("environments") or {}).get(name) or {}
            _service(result, merged({**tree, "environments": None}, own))
        found.append(result)
    return found


def merged(below: Any, above: Any) -> Any:
    """As Copilot merges: maps key by key, everything else is replaced."""
    if not (isinstance(below, Mapping) and isinstance(above, Mapping)):
        return above
    found = dict(below)
    for key, value in above.items():
        found[key] = merged(below[key], value) if key in below else value
    return found


def _service(result: Described, tree: Mapping[str, Any]) -> None:
    name, said = service_name(tree["name"]), Remains(tree)
    fields: Fields = {}
    for path in _MEANINGLESS:
        said.take(*path)
    _image(result, name, said, fields)
    for theirs, ours in (("entrypoint", "command"), ("command", "args")):
        if value := said.take(theirs):
            words = shlex.split(value) if isinstance(value, str) else value
            fields[ours] = [str(one) for one in words]
    _size(said, fields)
    env = said.take("variables") or {}
    plain = {key: value for key, value in env.items() if not isinstance(value, Mapping)}
    result.leave(name, [f"variables.{key}" for key in sorted(env.keys() - plain.keys())])
    if plain:
        fields["env"] = {str(key): _variable(_text(value)) for key, value in plain.items()}
    for key, where in (said.take("secrets") or {}).items():
        fields.setdefault("secrets", {})[key] = f"{name}/{str(key).lower().replace('_', '-')}"
        result.leave(name, [f"secrets.{key}"], f"was at {_where(where)}")
    if tree["type"] == JOB:
        _job(result, name, said, fields)
    else:
        _count(said, fields)
        _http(said, fields)
    result.leave(name, said.names())
    result.services[name] = fields


def _image(result: Described, name: str, said: Remains, fields: Fields) -> None:
    tag = ""
    if location := said.take("image", "location"):
        fields["image"], tag = image_and_tag(str(location))
    if build := _build(said):
        fields["build"] = build
    elif "image" not in fields:
        fields["image"] = f"registry.example/{name}"
        result.leave(name, ["image"], "there is none")
    if (port := str(said.take("image", "port") or "")).isdecimal():
        fields["port"] = int(port)
    elif port:
        result.leave(name, ["image.port"], port)
    if command := said.take("image", "healthcheck", "command"):
        words = ["CMD-SHELL", command] if isinstance(command, str) else list(map(str, command))
        words = ["sh", "-c", words[1]] if words[0] == "CMD-SHELL" else words
        fields["health"] = {"command": words[1:] if words[0] == "CMD" else words}
        for theirs, ours in _CHECK:
            if value := said.take("image", "healthcheck", theirs):
                fields["health"][ours] = str(value)
        if (retries := str(said.take("image", "healthcheck", "retries") or "")).isdecimal():
            fields["health"]["failures"] = int(retries)
    result.releases[name] = tag or NO_RELEASE


_CHECK = (("interval", "interval"), ("timeout", "timeout"), ("start_period", "startup"))


def _build(said: Remains) -> Fields:
    """A path is that of the Dockerfile, in whose directory is the source."""
    dockerfile = said.take("image", "build", "dockerfile")
    context = said.take("image", "build", "context")
    target, args = said.take("image", "build", "target"), said.take("image", "build", "args")
    if dockerfile is None and context is None:
        simple = said.take("image", "build") if target is None and args is None else "Dockerfile"
        if not isinstance(simple, str):
            return {}
        dockerfile = simple
    file = posixpath.normpath(str(dockerfile or "Dockerfile"))
    folder = posixpath.normpath(str(context)) if context else posixpath.dirname(file) or "."
    if dockerfile is None:
        file = posixpath.join(folder, "Dockerfile")
    inside = posixpath.relpath(file, folder)
    found: Fields = {"context": folder}
    if inside != "Dockerfile":
        found["dockerfile"] = inside
    if target:
        found["target"] = str(target)
    if args:
        found["args"] = {str(key): _text(value) for key, value in args.items()}
    return found


def _size(said: Remains, fields: Fields) -> None:
    found: Fields = {}
    if isinstance(cpu := said.take("cpu"), int):
        found["cpu"] = f"{cpu * 1000 // _VCPU}m"
    if isinstance(memory := said.take("memory"), int):
        found["memory"] = f"{memory}Mi"
    if found:
        fields["resources"] = found


def _count(said: Remains, fields: Fields) -> None:
    if isinstance(said.look("count"), Mapping):
        fields["scale"] = _range(said)
    else:
        number = said.take("count")
        number = 1 if number is None else int(number)
        fields["scale"] = {"min": number, "max": number}
        return
    for theirs, ours in (("cpu_percentage", "cpu"), ("memory_percentage", "memory")):
        value = said.look("count", theirs)
        if isinstance(value, Mapping):
            share = said.take("count", theirs, "value")
        else:
            share = said.take("count", theirs)
        if share is not None:
            fields["scale"][ours] = f"{share}%"
    if isinstance(requests := said.look("count", "requests"), int):
        # Copilot counts requests a minute, we count them a second.
        fields["scale"]["requests"] = f"{max(1, round(requests / 60))}"
        said.take("count", "requests")
    if spot := said.take("count", "spot"):
        fields["scale"], fields["spot"] = {"min": int(spot), "max": int(spot)}, "100%"


def _range(said: Remains) -> Fields:
    if not isinstance(said.look("count", "range"), Mapping):
        least, _, most = str(said.take("count", "range") or 1).partition("-")
        return {"min": int(least), "max": int(most or least)}
    least, most = said.take("count", "range", "min"), said.take("count", "range", "max")
    found: Fields = {"min": int(least or 1), "max": int(most or least or 1)}
    first = said.look("count", "range", "spot_from")
    # Of ours, one of the least number is on spot, from which the autoscaler starts.
    if isinstance(first, int) and 1 < first <= found["min"]:
        found["spotFrom"] = said.take("count", "range", "spot_from")
    return found


def _http(said: Remains, fields: Fields) -> None:
    if not isinstance(said.look("http"), Mapping):
        if said.look("http") is False:
            said.take("http")
        return
    path = str(said.take("http", "path") or "/")
    path = path if path.startswith("/") else f"/{path}"
    aliases = said.take("http", "alias")
    hosts = [aliases] if isinstance(aliases, str) else list(aliases or [None])
    routes: Fields = {}
    for host in hosts:
        host = host.get("name") if isinstance(host, Mapping) else host
        key = "public" if not routes else f"public-{len(routes) + 1}"
        routes[key] = {**({"host": str(host)} if host else {}), "path": path}
    fields["routes"] = routes
    if isinstance(said.look("http", "healthcheck"), str):
        fields["health"] = {"path": said.take("http", "healthcheck")}
    else:
        pairs = (("path", "path"), ("interval", "interval"), ("timeout", "timeout"))
        health = {ours: said.take("http", "healthcheck", theirs) for theirs, ours in pairs}
        if found := {key: str(value) for key, value in health.items() if value is not None}:
            fields["health"] = found
    if delay := said.take("http", "deregistration_delay"):
        fields["drain"] = str(delay)


def _job(result: Described, name: str, said: Remains, fields: Fields) -> None:
    schedule = str(said.take("on", "schedule") or "none")
    if schedule.startswith(("@every", "rate(", "cron(")) or schedule == "none":
        result.leave(name, ["on.schedule"], schedule)
        fields["schedule"], fields["suspended"] = "0 0 1 1 *", True
    else:
        fields["schedule"] = schedule
    if timeout := said.take("timeout"):
        fields["deadline"] = str(timeout)
    if isinstance(retries := said.look("retries"), int):
        fields["retries"] = retries
        said.take("retries")


def _where(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {one}" for key, one in value.items())
    return str(value)


def _variable(text: str) -> str:
    """What Copilot fills in, Kiban does under another name."""
    if any(theirs in text for theirs in _WORDS):
        for theirs, ours in _WORDS.items():
            text = text.replace(theirs, ours)
        return text
    return escaped(text)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
