"""Which Secrets an environment needs: of its resources, and those that services name.

A value never appears. On the embedded cluster the need says how to make one; on a cloud cluster
whoever owns the resource writes it.
"""

from collections.abc import Iterable
from dataclasses import replace

from kiban.compiler.bundle import SecretNeed
from kiban.compiler.target import Target, Used
from kiban.spec import ServiceSpec

# moto's account; its services believe any key.
_LOCAL_ACCOUNT = "123456789012"
_PATHS = {
    "queue": f"{_LOCAL_ACCOUNT}/{{name}}",
    "bucket": "{name}",
    "topic": "{name}",
}


def secret_needs(target: Target, resources: Iterable[Used]) -> tuple[SecretNeed, ...]:
    """All needs, by name."""
    found = {used.name: _of_resource(target, used) for used in resources}
    keys: dict[str, set[str]] = {}
    owners: dict[str, str] = {}
    for name, service in target.services.items():
        for secret in _named(service):
            owner, _, key = secret.partition("/")
            keys.setdefault(owner, set()).add(key)
            owners.setdefault(owner, name)
    for owner, wanted in keys.items():
        need = found.get(owner) or SecretNeed(target.namespace, owner, owners[owner])
        if target.local:
            made = sorted(wanted - need.template.keys() - set(need.generate))
            need = replace(need, generate=(*need.generate, *made))
        found[owner] = replace(need, keys=tuple(sorted(wanted)))
    return tuple(found[name] for name in sorted(found))


def _named(service: ServiceSpec) -> list[str]:
    """Every secret/key that a service names, wherever it does."""
    files = [file.secret for file in service.files.values() if file.secret]
    sidecars = [secret for one in service.sidecars.values() for secret in one.secrets.values()]
    return [*service.secrets.values(), *files, *sidecars]


def _of_resource(target: Target, used: Used) -> SecretNeed:
    if not target.local:
        return SecretNeed(target.namespace, used.name, used.name)
    host = target.address(used.name)
    resource = target.resource(used)
    if used.type == "postgres":
        user, database = resource.user, resource.database
        template = {
            "username": user,
            "database": database,
            "host": host,
            "port": "5432",
            "url": f"postgresql://{user}:{{password}}@{host}:5432/{database}",
        }
        return SecretNeed(target.namespace, used.name, used.name, ("password",), template)
    if used.type == "redis":
        template = {"host": host, "port": "6379", "url": f"redis://{host}:6379/0"}
        return SecretNeed(target.namespace, used.name, used.name, (), template)
    endpoint = f"http://{host}:5000"
    path = _PATHS.get(used.type, "{name}").format(name=used.name)
    template = {
        "endpoint": endpoint,
        "region": target.cluster.region,
        "username": "local",
        "password": "local",
        "url": f"{endpoint}/{path}",
    }
    return SecretNeed(target.namespace, used.name, used.name, (), template)
