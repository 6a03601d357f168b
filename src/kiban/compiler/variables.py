"""What a program is told by its environment: its port, what it uses, its settings and secrets.

A part of a text that is in a Secret is filled in by the kubelet, from a variable before it.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kiban.compiler.target import Target, Used
from kiban.spec import ServiceSpec
from kiban.spec.interpolation import Reference, filled, references
from kiban.spec.resources import TOLD, outputs_of

Entry = dict[str, Any]

# What only a stand-in needs: in the cloud the service's role gives access.
_OPTIONAL_KEYS = {
    "queue": ("endpoint", "username", "password"),
    "topic": ("endpoint", "username", "password"),
    "bucket": ("endpoint", "username", "password"),
}


def environment_variables(target: Target, service: ServiceSpec) -> list[Entry]:
    """What the program is told; what the service says itself wins over what Kiban says."""
    found: dict[str, Entry] = {}
    # The global STS endpoint is one region's outage away from failing everywhere.
    plain: dict[str, str] = {"AWS_STS_REGIONAL_ENDPOINTS": "regional"}
    if service.port:
        plain["PORT"] = str(service.port)
    plain["KIBAN_SERVICE"] = service.service
    plain["KIBAN_ENVIRONMENT"] = target.environment
    plain["KIBAN_RELEASE"] = target.tags[service.service]
    for name, value in plain.items():
        found[name] = {"name": name, "value": value}
    for used in target.uses(service):
        for entry in _address_variables(target, used):
            found[entry["name"]] = entry
            part = entry["name"].removeprefix(f"{used.prefix}_")
            for output, own in service.uses[used.key].outputs.items():
                if _upper(output) == part:
                    found[own] = {**entry, "name": own}
    found = with_written(found.values(), target, service, service.env, service.secrets)
    for name, secret in sorted(service.secrets.items()):
        owner, _, key = secret.partition("/")
        found[name] = from_secret(name, owner, key)
    return list(found.values())


def with_written(
    present: Iterable[Entry],
    target: Target,
    service: ServiceSpec,
    env: Mapping[str, str],
    secrets: Mapping[str, str],
) -> dict[str, Entry]:
    """Variables by name with those that people wrote, which win. A text that mentions another
    variable must stand after it."""
    found = {entry["name"]: entry for entry in present}
    for entry in _written(target, service, env, secrets):
        if "$(" in entry.get("value", ""):
            found.pop(entry["name"], None)
        found[entry["name"]] = entry
    return found


def _written(
    target: Target, service: ServiceSpec, env: Mapping[str, str], secrets: Mapping[str, str]
) -> Iterator[Entry]:
    """What people wrote with what it mentions filled in; before it, the variables that hold what
    is in Secrets."""
    known = {used.key: used for used in target.uses(service)}
    for value in env.values():
        for one in references(value) if "${" in value else ():
            if one.root == "resources":
                name = _holder(known[one.key], one.output, env, secrets)
                yield _of_resource(target, known[one.key], one.output, name)

    def text(one: Reference) -> str:
        if one.root == "resources":
            return f"$({_holder(known[one.key], one.output, env, secrets)})"
        return plain_text(target, service, one)

    for name, value in sorted(env.items()):
        yield {"name": name, "value": filled(value, text)}


def _holder(used: Used, output: str, env: Mapping[str, str], secrets: Mapping[str, str]) -> str:
    """The variable that holds an output: the usual one, unless the service gives that another
    value."""
    usual = f"{used.prefix}_{_upper(output)}"
    return f"KIBAN_{usual}" if usual in env or usual in secrets else usual


def plain_text(target: Target, service: ServiceSpec, one: Reference) -> str:
    """What a placeholder stands for that is in no Secret."""
    if one.root != "services":
        return target.word(service, one.root)
    used = next(used for used in target.uses(service) if used.key == one.key)
    return _address(target, used)[one.output]


def _address(target: Target, used: Used) -> dict[str, str]:
    """Where a service is; nothing where it has no port."""
    port = target.platform.services[target.environment][used.name].port
    if port is None:
        return {}
    host = target.address(used.name)
    return {"url": f"http://{host}:{port}", "host": host, "port": str(port)}


def _address_variables(target: Target, used: Used) -> list[Entry]:
    if used.is_service:
        return [
            {"name": f"{used.prefix}_{key.upper()}", "value": value}
            for key, value in _address(target, used).items()
        ]
    return [
        _of_resource(target, used, output, f"{used.prefix}_{_upper(output)}")
        for output in outputs_of(used.type, target.resource_class(used))
    ]


def _of_resource(target: Target, used: Used, output: str, name: str) -> Entry:
    # A stand-in tells what its type does, and no more.
    of_class = target.local and output not in TOLD[used.type]
    optional = of_class or output in _OPTIONAL_KEYS.get(used.type, ())
    return from_secret(name, used.name, output, optional=optional)


def _upper(output: str) -> str:
    return output.upper().replace("-", "_")


def from_secret(name: str, secret: str, key: str, *, optional: bool = False) -> Entry:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}
