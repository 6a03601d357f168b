"""What a program is told by its environment: its port, what it uses, its settings and secrets."""

from typing import Any

from kiban.compiler.target import Target, Used
from kiban.spec import ServiceSpec

# The keys of the Secret of a resource, which become NAME_URL, NAME_HOST and so on.
RESOURCE_KEYS = {
    "postgres": ("url", "host", "port", "username", "password", "database"),
    "mysql": ("url", "host", "port", "username", "password", "database"),
    "mongo": ("url", "host", "port", "username", "password", "database"),
    "redis": ("url", "host", "port"),
    "queue": ("url", "endpoint", "region", "username", "password"),
    "topic": ("url", "endpoint", "region", "username", "password"),
    "bucket": ("url", "endpoint", "region", "username", "password"),
    "filesystem": ("url",),
}
# What only a stand-in needs: in the cloud the service's role gives access.
_OPTIONAL_KEYS = {
    "queue": ("endpoint", "username", "password"),
    "topic": ("endpoint", "username", "password"),
    "bucket": ("endpoint", "username", "password"),
}


def environment_variables(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    """What the program is told; what the service says itself wins over what Kiban says."""
    found: dict[str, dict[str, Any]] = {}
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
            part = entry["name"].removeprefix(f"{used.prefix}_").lower()
            if own := service.uses[used.key].outputs.get(part):
                found[own] = {**entry, "name": own}
    for name, value in sorted(service.env.items()):
        found[name] = {"name": name, "value": value}
    for name, secret in sorted(service.secrets.items()):
        owner, _, key = secret.partition("/")
        found[name] = from_secret(name, owner, key)
    return list(found.values())


def _address_variables(target: Target, used: Used) -> list[dict[str, Any]]:
    if not used.is_service:
        optional = _OPTIONAL_KEYS.get(used.type, ())
        return [
            from_secret(f"{used.prefix}_{key.upper()}", used.name, key, optional=key in optional)
            for key in RESOURCE_KEYS[used.type]
        ]
    port = target.platform.services[target.environment][used.name].port
    if port is None:
        return []
    host = target.address(used.name)
    values = {"URL": f"http://{host}:{port}", "HOST": host, "PORT": str(port)}
    return [{"name": f"{used.prefix}_{key}", "value": value} for key, value in values.items()]


def from_secret(name: str, secret: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}
