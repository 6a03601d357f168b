"""A Compose file in our language. Databases that the platform runs become its resources; what lives
on one machine (binds, published ports, networks) has no place in a cluster and is told."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from kiban.adopt.descriptions import NO_RELEASE, Described
from kiban.adopt.proposals import Fields, image_and_tag
from kiban.spec.words import NAME_PATTERN

# What the platform has a type for, by the last part of the image's name.
RESOURCES = {
    "postgres": "postgres", "postgis": "postgres", "mysql": "mysql", "mariadb": "mysql",
    "redis": "redis", "valkey": "redis", "mongo": "mongo",
}  # fmt: skip
# What says nothing in a cluster: names on one machine, and what is always so.
_MEANINGLESS = frozenset(("container_name", "hostname", "restart", "networks", "expose", "init"))
_HANDLED = frozenset(
    (
        "image", "build", "command", "entrypoint", "environment", "ports", "depends_on",
        "healthcheck", "deploy", "scale", "working_dir", "user", "volumes", "tmpfs",
        "stop_grace_period", "mem_limit", "cpus",
    )
)  # fmt: skip
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def described_compose(environment: str, tree: Mapping[str, Any], lines: int = 0) -> Described:
    """The services of one file."""
    result = Described(environment, lines=lines)
    declared = {
        service_name(name): said
        for name, said in (tree.get("services") or {}).items()
        if isinstance(said, Mapping)
    }
    for name, said in declared.items():
        if type_ := RESOURCES.get(_program(said)):
            result.resources[name] = type_
    for name, said in sorted(declared.items()):
        if name not in result.resources:
            _service(result, name, said, declared)
    return result


def service_name(text: str) -> str:
    """A name of our language."""
    made = re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")
    return made if re.match(NAME_PATTERN, made) else f"s-{made}"


def _program(said: Mapping[str, Any]) -> str:
    image, _ = image_and_tag(str(said.get("image", "")))
    return image.rpartition("/")[2]


def _service(
    result: Described, name: str, said: Mapping[str, Any], declared: Mapping[str, Any]
) -> None:
    fields: Fields = {}
    _image(result, name, said, fields)
    for theirs, ours in (("entrypoint", "command"), ("command", "args")):
        if words := _command(said.get(theirs)):
            fields[ours] = words
    if folder := said.get("working_dir"):
        fields["workingDir"] = str(folder)
    if user := said.get("user"):
        number = str(user).partition(":")[0]
        if number.isdecimal() and int(number):
            fields["user"] = int(number)
        else:
            result.leave(name, ["user"], "not a number")
    _variables(result, name, said.get("environment"), fields)
    _ports(result, name, said.get("ports") or (), fields)
    _uses(result, said.get("depends_on") or (), declared, fields)
    _health(said.get("healthcheck") or {}, fields)
    _size(said, fields)
    _volumes(result, name, said, fields)
    if grace := said.get("stop_grace_period"):
        fields["drain"] = str(grace)
    known = _HANDLED | _MEANINGLESS
    result.leave(name, sorted(key for key in said if key not in known))
    result.services[name] = fields


def _image(result: Described, name: str, said: Mapping[str, Any], fields: Fields) -> None:
    build = said.get("build")
    if isinstance(build, Mapping):
        result.leave(name, [f"build.{key}" for key in sorted(build) if key != "context"])
        build = build.get("context", ".")
    if build is not None:
        fields["build"] = {"context": re.sub(r"^\./", "", str(build)) or "."}
    image, tag = image_and_tag(str(said.get("image") or ""))
    if image:
        fields["image"] = image
    elif build is None:
        fields["image"] = f"registry.example/{name}"
        result.leave(name, ["image"], "there is none")
    result.releases[name] = tag or NO_RELEASE


def _command(value: Any) -> list[str]:
    if isinstance(value, str):
        return shlex.split(value)
    return [str(word) for word in value or ()]


def _variables(result: Described, name: str, said: Any, fields: Fields) -> None:
    if isinstance(said, list):
        pairs = [str(one).partition("=") for one in said]
        said = {key: value if sign else None for key, sign, value in pairs}
    env = {}
    for key, value in (said or {}).items():
        if value is None or "${" in str(value) or not _VARIABLE.fullmatch(str(key)):
            result.leave(name, [f"environment.{key}"], "comes from the shell")
        else:
            env[str(key)] = str(value).lower() if isinstance(value, bool) else str(value)
    if env:
        fields["env"] = env


def _ports(result: Described, name: str, said: Any, fields: Fields) -> None:
    numbers: list[int] = []
    for one in said:
        text = str(one.get("target", "")) if isinstance(one, Mapping) else str(one)
        number = text.partition("/")[0].rpartition(":")[2]
        if number.isdecimal() and not text.endswith("/udp"):
            numbers.append(int(number))
        else:
            result.leave(name, [f"ports.{text}"])
    for port in dict.fromkeys(numbers):
        if "port" not in fields:
            fields["port"] = port
        else:
            fields.setdefault("ports", {})[f"p{port}"] = port


def _uses(result: Described, said: Any, declared: Mapping[str, Any], fields: Fields) -> None:
    for one in said:
        name = service_name(one)
        if name in declared:
            type_ = "resource" if name in result.resources else "service"
            fields.setdefault("uses", {})[name] = {"type": type_}


def _health(said: Mapping[str, Any], fields: Fields) -> None:
    test = said.get("test")
    if not test or test == "NONE" or test == ["NONE"] or said.get("disable"):
        return
    words = ["CMD-SHELL", test] if isinstance(test, str) else [str(word) for word in test]
    command = ["sh", "-c", words[1]] if words[0] == "CMD-SHELL" else words[1:]
    health: Fields = {"command": command}
    for theirs, ours in (
        ("interval", "interval"),
        ("timeout", "timeout"),
        ("start_period", "startup"),
    ):
        if value := said.get(theirs):
            health[ours] = str(value)
    if value := said.get("retries"):
        health["failures"] = int(value)
    fields["health"] = health


def _size(said: Mapping[str, Any], fields: Fields) -> None:
    deploy = said.get("deploy") or {}
    count = deploy.get("replicas", said.get("scale"))
    fields["scale"] = {"min": int(count or 1), "max": int(count or 1)}
    limits = (deploy.get("resources") or {}).get("limits") or {}
    asked = (deploy.get("resources") or {}).get("reservations") or {}
    found: Fields = {}
    if cpu := asked.get("cpus") or limits.get("cpus") or said.get("cpus"):
        found["cpu"] = str(cpu)
    if memory := asked.get("memory") or limits.get("memory") or said.get("mem_limit"):
        found["memory"] = quantity(str(memory))
    if found:
        fields["resources"] = found


def quantity(text: str) -> str:
    """Compose's `512m` is 512 MiB; in Kubernetes it would be half a byte."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", text.lower())
    return f"{found[1]}{found[2].upper()}i" if found and found[2] else text.rstrip("bB")


def _volumes(result: Described, name: str, said: Mapping[str, Any], fields: Fields) -> None:
    made: Fields = {}
    for path in [said["tmpfs"]] if isinstance(said.get("tmpfs"), str) else said.get("tmpfs") or ():
        made[f"tmp-{len(made)}"] = {"path": str(path).partition(":")[0]}
    for one in said.get("volumes") or ():
        where = one.get("source", "") if isinstance(one, Mapping) else str(one).partition(":")[0]
        why = (
            "a directory of the machine" if str(where).startswith((".", "/", "~")) else "kept data"
        )
        result.leave(name, [f"volumes.{where}"], why)
    if made:
        fields["volumes"] = made
