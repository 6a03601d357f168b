"""A Compose file in our language. Databases that the platform runs become its resources; what lives
on one machine (binds, kept data, names of containers) has no place in a cluster and is told, as is
whatever else nobody read."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from kiban.adopt.compose_files import pairs
from kiban.adopt.descriptions import NO_RELEASE, Described, Remains
from kiban.adopt.interpolation import interpolated, is_open
from kiban.adopt.proposals import Fields, image_and_tag
from kiban.spec.interpolation import escaped
from kiban.spec.words import NAME_PATTERN

# What the platform has a type for, by the last part of the image's name.
RESOURCES = {
    "postgres": "postgres", "postgis": "postgres", "mysql": "mysql", "mariadb": "mysql",
    "redis": "redis", "valkey": "redis", "mongo": "mongo",
}  # fmt: skip
# What is always so in a cluster, or says nothing there.
_MEANINGLESS = (
    ("networks",), ("init",), ("stdin_open",), ("tty",), ("pull_policy",), ("platform",),
    ("deploy", "restart_policy"),
)  # fmt: skip
# What a resource of the platform brings itself.
_OF_A_RESOURCE = (("restart",), ("ports",), ("expose",), ("healthcheck",), ("depends_on",))
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SHELL = "comes from the shell"
# Whatever is said of the whole file, and not of a service.
WHOLE = "compose"


def described_compose(
    environment: str,
    tree: Mapping[str, Any],
    lines: int = 0,
    known: Mapping[str, str] | None = None,
) -> Described:
    """The services of one file, with the variables that are known."""
    result = Described(environment, lines=lines)
    whole = Remains(interpolated(tree, known or {}))
    declared: dict[str, Mapping[str, Any]] = {}
    for name, said in (_services(whole) or {}).items():
        if isinstance(said, Mapping):
            declared[service_name(name)] = said
        else:
            result.leave(service_name(name), ["image"], "nothing is said of it")
    for name, said in declared.items():
        if type_ := RESOURCES.get(_program(said)):
            result.resources[name] = type_
    for name, said in sorted(declared.items()):
        if name in result.resources:
            _resource(result, name, Remains(said))
        else:
            _service(result, name, Remains(said), declared)
    for part in ("version", "name", "networks", "volumes"):
        whole.take(part)
    result.leave(WHOLE, [one for one in whole.names() if not one.startswith("x-")])
    return result


def service_name(text: str) -> str:
    """A name of our language."""
    made = re.sub(r"[^a-z0-9]+", "-", str(text).lower()).strip("-")
    return made if re.match(NAME_PATTERN, made) else f"s-{made}"


def _services(whole: Remains) -> Any:
    if (found := whole.take("services")) is not None:
        return found
    return {name: whole.take(name) for name in whole.names_above()}


def _program(said: Mapping[str, Any]) -> str:
    image, _ = image_and_tag(str(said.get("image", "")))
    return image.rpartition("/")[2]


def _resource(result: Described, name: str, said: Remains) -> None:
    """The platform runs it its own way; what was chosen for it is told."""
    for path in (*_MEANINGLESS, *_OF_A_RESOURCE):
        said.take(*path)
    image = said.take("image")
    result.leave(name, ["image"], f"was {image}; it is the platform's {result.resources[name]}")
    result.leave(name, [f"environment.{key}" for key in pairs(said.take("environment"))])
    _volumes(result, name, said, {})
    result.leave(name, said.names())


def _service(
    result: Described, name: str, said: Remains, declared: Mapping[str, Mapping[str, Any]]
) -> None:
    fields: Fields = {}
    if said.take("restart") == "no":
        result.leave(name, ["restart"], "it runs once; here it is started again")
    if said.take("deploy", "mode") == "global":
        result.leave(name, ["deploy.mode"], "one on each node")
    for path in _MEANINGLESS:
        said.take(*path)
    _image(result, name, said, fields)
    for theirs, ours in (("entrypoint", "command"), ("command", "args")):
        words = _command(said.take(theirs))
        if is_open(words):
            result.leave(name, [theirs], _SHELL)
        elif words:
            fields[ours] = words
    if folder := said.take("working_dir"):
        fields["workingDir"] = str(folder)
    _user(result, name, said.take("user"), fields)
    _variables(result, name, said.take("environment"), fields)
    _ports(result, name, said, fields)
    _uses(result, name, said.take("depends_on") or (), declared, fields)
    _health(result, name, said, fields)
    _size(result, name, said, fields)
    _volumes(result, name, said, fields)
    if grace := said.take("stop_grace_period"):
        fields["drain"] = str(grace)
    for own in ("container_name", "hostname"):
        if (other := said.take(own)) not in (None, name):
            result.leave(name, [own], f"{other}: others may know it by this name")
    for field in [field for field, value in fields.items() if is_open(value)]:
        result.leave(name, [field], _SHELL)
        del fields[field]
    result.leave(name, said.names())
    result.services[name] = fields


def _user(result: Described, name: str, user: Any, fields: Fields) -> None:
    number = str(user or "").partition(":")[0]
    if number.isdecimal() and int(number):
        fields["user"] = int(number)
    elif user is not None:
        result.leave(name, ["user"], "not a number of an ordinary user")


def _image(result: Described, name: str, said: Remains, fields: Fields) -> None:
    if isinstance(simple := said.take("build"), str):
        fields["build"] = {"context": _path(simple)}
    elif simple is not None:
        rest = Remains(simple)
        fields["build"] = _build(result, name, rest)
        result.leave(name, [f"build.{one}" for one in rest.names()])
    whole = str(said.take("image") or "")
    closed, _, version = whole.rpartition(":")
    if closed and is_open(version) and not is_open(closed):
        result.leave(name, ["image"], f"{whole}: its version {_SHELL}")
        image, tag = closed, ""
    else:
        image, tag = image_and_tag(whole)
    if is_open(image):
        result.leave(name, ["image"], f"{image} {_SHELL}")
        image, tag = "", ""
    if image:
        fields["image"] = image
    elif "build" not in fields:
        fields["image"] = f"registry.example/{name}"
        if not whole:
            result.leave(name, ["image"], "there is none")
    result.releases[name] = tag or NO_RELEASE


def _build(result: Described, name: str, said: Remains) -> Fields:
    found: Fields = {"context": _path(str(said.take("context") or "."))}
    if dockerfile := said.take("dockerfile"):
        found["dockerfile"] = _path(str(dockerfile))
    if target := said.take("target"):
        found["target"] = str(target)
    args = pairs(said.take("args"))
    taken = {key: str(value) for key, value in args.items() if value is not None}
    closed = {key: value for key, value in taken.items() if value and not is_open(value)}
    result.leave(name, [f"build.args.{key}" for key in args if key not in closed], _SHELL)
    return {**found, **({"args": closed} if closed else {})}


def _path(text: str) -> str:
    return re.sub(r"^\./", "", text).rstrip("/") or "."


def _command(value: Any) -> list[str]:
    if isinstance(value, str):
        return shlex.split(value)
    return [str(word) for word in value or ()]


def _variables(result: Described, name: str, said: Any, fields: Fields) -> None:
    env = {}
    for key, value in pairs(said).items():
        if value is None or is_open(str(value)) or not _VARIABLE.fullmatch(str(key)):
            result.leave(name, [f"environment.{key}"], _SHELL)
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            env[str(key)] = escaped(text)
    if env:
        fields["env"] = env


def _ports(result: Described, name: str, said: Remains, fields: Fields) -> None:
    """What it listens on. Where a machine publishes it means nothing."""
    numbers: list[int] = []
    for one in [*(said.take("ports") or ()), *(said.take("expose") or ())]:
        text = str(one)
        if isinstance(one, Mapping):
            text = f"{one.get('target', '')}/{one.get('protocol', 'tcp')}"
        number, _, protocol = text.rpartition(":")[2].partition("/")
        if number.isdecimal() and protocol in ("", "tcp"):
            numbers.append(int(number))
        else:
            result.leave(name, [f"ports.{text}"])
    for port in dict.fromkeys(numbers):
        if "port" not in fields:
            fields["port"] = port
        else:
            fields.setdefault("ports", {})[f"p{port}"] = port


def _uses(
    result: Described, name: str, said: Any, declared: Mapping[str, Any], fields: Fields
) -> None:
    for one in said:
        other = service_name(one)
        condition = said[one] if isinstance(said, Mapping) else None
        if other not in declared:
            result.leave(name, [f"depends_on.{one}"], "there is no such service")
            continue
        if isinstance(condition, Mapping) and "completed" in str(condition.get("condition", "")):
            result.leave(name, [f"depends_on.{one}.condition"], "waits for its end")
        type_ = "resource" if other in result.resources else "service"
        fields.setdefault("uses", {})[other] = {"type": type_}


def _health(result: Described, name: str, said: Remains, fields: Fields) -> None:
    test = said.take("healthcheck", "test")
    if said.take("healthcheck", "disable") or test in ("NONE", ["NONE"]):
        said.take("healthcheck")
        return
    if not test:
        return
    words = ["CMD-SHELL", test] if isinstance(test, str) else [str(word) for word in test]
    health: Fields = {"command": ["sh", "-c", words[1]] if words[0] == "CMD-SHELL" else words[1:]}
    if is_open(health["command"]):
        result.leave(name, ["healthcheck.test"], _SHELL)
        return
    for theirs, ours in (
        ("interval", "interval"),
        ("timeout", "timeout"),
        ("start_period", "startup"),
    ):
        if value := said.take("healthcheck", theirs):
            health[ours] = str(value)
    if (retries := str(said.take("healthcheck", "retries") or "")).isdecimal():
        health["failures"] = int(retries)
    fields["health"] = health


def _size(result: Described, name: str, said: Remains, fields: Fields) -> None:
    count, other = said.take("deploy", "replicas"), said.take("scale")
    count = str(other if count is None else count)
    if count.isdecimal() or count == "None":
        number = 1 if count == "None" else int(count)
        fields["scale"] = {"min": number, "max": number}
    else:
        result.leave(name, ["deploy.replicas"], _SHELL)
    found: Fields = {}
    wanted = {
        "cpu": (("deploy", "resources", "reservations", "cpus"), ("cpu_reservation",)),
        "memory": (("deploy", "resources", "reservations", "memory"), ("mem_reservation",)),
        "cpuLimit": (("deploy", "resources", "limits", "cpus"), ("cpus",)),
        "memoryLimit": (("deploy", "resources", "limits", "memory"), ("mem_limit",)),
    }
    for field, paths in wanted.items():
        for path in paths:
            if (value := said.take(*path)) is None:
                continue
            text = quantity(str(value)) if "emory" in field else str(value)
            if is_open(text):
                result.leave(name, [".".join(path)], _SHELL)
            else:
                found.setdefault(field, text)
    # What may be used at most is what is asked for, where nothing else is.
    for asked, limit in (("cpu", "cpuLimit"), ("memory", "memoryLimit")):
        if limit in found and found.get(asked, found[limit]) == found[limit]:
            found[asked] = found.pop(limit)
    if found:
        fields["resources"] = found


def quantity(text: str) -> str:
    """Compose's `512m` is 512 MiB; in Kubernetes it would be half a byte."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmg]?)i?b?", text.lower())
    return f"{found[1]}{found[2].upper()}i" if found and found[2] else text.rstrip("bB")


def _volumes(result: Described, name: str, said: Remains, fields: Fields) -> None:
    made: Fields = {}
    temporary = said.take("tmpfs") or ()
    for path in [temporary] if isinstance(temporary, str) else temporary:
        made[f"tmp-{len(made)}"] = {"path": str(path).partition(":")[0]}
    for one in said.take("volumes") or ():
        if isinstance(one, Mapping):
            where, is_bind = str(one.get("source") or one.get("target")), one.get("type") == "bind"
        else:
            where, sign, _ = str(one).partition(":")
            is_bind = bool(sign) and where.startswith((".", "/", "~", "$"))
        result.leave(
            name, [f"volumes.{where}"], "a directory of the machine" if is_bind else "kept data"
        )
    if made:
        fields["volumes"] = made
