"""The containers beside the service's own: programs that end before it starts, and programs that
run along with it."""

from typing import Any

from kiban.compiler.target import Target
from kiban.compiler.variables import environment_variables, from_secret, with_written
from kiban.compiler.volumes import mounts
from kiban.spec import ServiceSpec
from kiban.spec.containers import Resources, Sidecar

STARTUP_SECONDS = 60
GPU = "nvidia.com/gpu"


def companions(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    """Sidecars first: what must end before the service may need them, such as a proxy. A sidecar
    is an init container that restarts always, so that it ends after the service."""
    sidecars = [_sidecar(target, service, name, one) for name, one in service.sidecars.items()]
    return [*sidecars, *_init_containers(target, service)]


def container_security() -> dict[str, Any]:
    """What the restricted pod security standard asks for, and a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def amounts(asked: Resources) -> dict[str, Any]:
    """Requests and limits of a container."""
    requests = {"cpu": asked.cpu, "memory": asked.memory}
    limits = {"memory": asked.memory_limit or asked.memory}
    if asked.cpu_limit:
        limits["cpu"] = asked.cpu_limit
    if asked.disk:
        requests["ephemeral-storage"] = asked.disk
    if asked.gpu:
        # What a device plugin gives is never shared: its limit is its request.
        limits[GPU] = str(asked.gpu)
        requests[GPU] = str(asked.gpu)
    return {"requests": requests, "limits": limits}


def _sidecar(target: Target, service: ServiceSpec, name: str, sidecar: Sidecar) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "image": sidecar.image, "restartPolicy": "Always"}
    if sidecar.command:
        found["command"] = list(sidecar.command)
    if sidecar.args:
        found["args"] = list(sidecar.args)
    if sidecar.port:
        found["ports"] = [{"name": name[:15], "containerPort": sidecar.port, "protocol": "TCP"}]
    written = with_written((), target, service, sidecar.env, sidecar.secrets)
    variables = list(written.values())
    for key, secret in sorted(sidecar.secrets.items()):
        owner, _, part = secret.partition("/")
        variables.append(from_secret(key, owner, part))
    if variables:
        found["env"] = variables
    found["resources"] = amounts(sidecar.resources)
    if sidecar.port and sidecar.health:
        probe = {"httpGet": {"path": sidecar.health, "port": sidecar.port}}
        found["startupProbe"] = {
            **probe,
            "periodSeconds": 1,
            "failureThreshold": STARTUP_SECONDS,
        }
        found["readinessProbe"] = {**probe, "periodSeconds": 5}
    user = {"runAsUser": sidecar.user} if sidecar.user else {}
    found["securityContext"] = {**container_security(), **user}
    found["volumeMounts"] = mounts(service)
    return found


def _init_containers(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    shared = environment_variables(target, service) if service.init else []
    found = []
    for name, init in service.init.items():
        variables = with_written(shared, target, service, init.env, {})
        one = {
            "name": name,
            "image": init.image or target.images[service.service],
            "command": list(init.command),
            **({"args": list(init.args)} if init.args else {}),
            "env": list(variables.values()),
            "resources": amounts(service.resources),
            "securityContext": container_security(),
            "volumeMounts": mounts(service),
        }
        found.append(one)
    return found
