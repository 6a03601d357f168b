"""Manifests of AWS Copilot in our language, which has most of its words. What Copilot keeps in
CloudFormation (add-ons, networks) and where its secrets are is told."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from kiban.adopt.compose import service_name
from kiban.adopt.descriptions import NO_RELEASE, Described
from kiban.adopt.proposals import Fields, image_and_tag

SERVICES = ("Load Balanced Web Service", "Request-Driven Web Service", "Backend Service")
WORKER, JOB = "Worker Service", "Scheduled Job"
KNOWN = (*SERVICES, WORKER, JOB)
_HANDLED = frozenset(
    (
        "name", "type", "image", "http", "cpu", "memory", "count", "variables", "secrets",
        "command", "entrypoint", "on", "retries", "timeout", "environments", "exec",
    )
)  # fmt: skip
# The shares of a vCPU that Copilot counts in.
_VCPU = 1024


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


def _service(result: Described, said: Mapping[str, Any]) -> None:
    name = service_name(said["name"])
    fields: Fields = {}
    _image(result, name, said.get("image") or {}, fields)
    for theirs, ours in (("entrypoint", "command"), ("command", "args")):
        if value := said.get(theirs):
            fields[ours] = value.split() if isinstance(value, str) else [str(one) for one in value]
    _size(result, name, said, fields)
    if variables := said.get("variables"):
        plain = {key: value for key, value in variables.items() if not isinstance(value, Mapping)}
        result.leave(name, [f"variables.{key}" for key in sorted(variables.keys() - plain.keys())])
        fields["env"] = {str(key): _text(value) for key, value in plain.items()}
    for key, where in (said.get("secrets") or {}).items():
        fields.setdefault("secrets", {})[key] = f"{name}/{str(key).lower().replace('_', '-')}"
        result.leave(name, [f"secrets.{key}"], f"was at {_where(where)}")
    if said["type"] == JOB:
        _job(result, name, said, fields)
    else:
        _count(result, name, said.get("count", 1), fields)
        _http(result, name, said.get("http"), fields)
    result.leave(name, sorted(key for key in said if key not in _HANDLED))
    result.services[name] = fields


def _image(result: Described, name: str, said: Mapping[str, Any], fields: Fields) -> None:
    tag = ""
    if location := said.get("location"):
        fields["image"], tag = image_and_tag(str(location))
    build = said.get("build")
    if isinstance(build, Mapping):
        context = build.get("context") or str(build.get("dockerfile", ".")).rpartition("/")[0]
        result.leave(
            name, [f"image.build.{key}" for key in sorted(build) if key in ("args", "target")]
        )
        build = context or "."
    elif isinstance(build, str):
        build = build.rpartition("/")[0] or "."
    if build is not None:
        fields["build"] = {"context": re.sub(r"^\./", "", str(build)) or "."}
    elif "image" not in fields:
        fields["image"] = f"registry.example/{name}"
        result.leave(name, ["image"], "there is none")
    if port := said.get("port"):
        fields["port"] = int(port)
    check = said.get("healthcheck") or {}
    if command := check.get("command"):
        words = [str(word) for word in command]
        words = ["sh", "-c", words[1]] if words[:1] == ["CMD-SHELL"] else words
        fields["health"] = {"command": words[1:] if words[:1] == ["CMD"] else words}
    result.leave(name, [f"image.{key}" for key in sorted(said) if key in ("depends_on", "labels")])
    result.releases[name] = tag or NO_RELEASE


def _size(result: Described, name: str, said: Mapping[str, Any], fields: Fields) -> None:
    found: Fields = {}
    if isinstance(cpu := said.get("cpu"), int):
        found["cpu"] = f"{cpu * 1000 // _VCPU}m"
    if isinstance(memory := said.get("memory"), int):
        found["memory"] = f"{memory}Mi"
    if found:
        fields["resources"] = found


def _count(result: Described, name: str, said: Any, fields: Fields) -> None:
    if isinstance(said, int):
        fields["scale"] = {"min": said, "max": said}
        return
    said = said or {}
    span = said.get("range", 1)
    scale: Fields = {}
    if isinstance(span, Mapping):
        scale = {"min": int(span.get("min", 1)), "max": int(span.get("max", 1))}
        result.leave(name, [f"count.range.{key}" for key in sorted(span) if key == "spot_from"])
    else:
        least, _, most = str(span).partition("-")
        scale = {"min": int(least), "max": int(most or least)}
    for theirs, ours in (("cpu_percentage", "cpu"), ("memory_percentage", "memory")):
        share = said.get(theirs)
        share = share.get("value") if isinstance(share, Mapping) else share
        if share is not None:
            scale[ours] = f"{share}%"
    if isinstance(requests := said.get("requests"), int):
        # Copilot counts requests a minute, we count them a second.
        scale["requests"] = f"{max(1, round(requests / 60))}"
    known = ("range", "cpu_percentage", "memory_percentage", "requests", "spot")
    result.leave(name, [f"count.{key}" for key in sorted(said) if key not in known])
    if spot := said.get("spot"):
        scale, fields["spot"] = {"min": int(spot), "max": int(spot)}, "100%"
    fields["scale"] = scale


def _http(result: Described, name: str, said: Any, fields: Fields) -> None:
    if not isinstance(said, Mapping):
        return
    path = str(said.get("path") or "/")
    path = path if path.startswith("/") else f"/{path}"
    aliases = said.get("alias")
    hosts = [aliases] if isinstance(aliases, str) else list(aliases or [None])
    routes: Fields = {}
    for host in hosts:
        host = host.get("name") if isinstance(host, Mapping) else host
        key = "public" if not routes else f"public-{len(routes) + 1}"
        routes[key] = {**({"host": str(host)} if host else {}), "path": path}
    fields["routes"] = routes
    check = said.get("healthcheck")
    if isinstance(check, str):
        fields["health"] = {"path": check}
    elif isinstance(check, Mapping):
        pairs = (("path", "path"), ("interval", "interval"), ("timeout", "timeout"))
        health = {ours: str(check[theirs]) for theirs, ours in pairs if theirs in check}
        result.leave(
            name, [f"http.healthcheck.{key}" for key in sorted(check) if key not in health]
        )
        fields["health"] = health
    if delay := said.get("deregistration_delay"):
        fields["drain"] = str(delay)
    known = ("path", "alias", "healthcheck", "deregistration_delay")
    result.leave(name, [f"http.{key}" for key in sorted(said) if key not in known])


def _job(result: Described, name: str, said: Mapping[str, Any], fields: Fields) -> None:
    schedule = str((said.get("on") or {}).get("schedule", "none"))
    if schedule.startswith(("@every", "rate(", "cron(")) or schedule == "none":
        result.leave(name, ["on.schedule"], schedule)
        fields["schedule"], fields["suspended"] = "0 0 1 1 *", True
    else:
        fields["schedule"] = schedule
    if timeout := said.get("timeout"):
        fields["deadline"] = str(timeout)
    if isinstance(retries := said.get("retries"), int):
        fields["retries"] = retries


def _where(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {one}" for key, one in value.items())
    return str(value)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
