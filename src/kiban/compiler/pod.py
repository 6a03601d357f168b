"""The pod of a service or job: program, probes, shutdown, security.

The lessons of those who ran such services are the defaults here, each with its reason.
"""

from math import ceil
from typing import Any

from kiban.compiler.placement import placement
from kiban.compiler.target import Target
from kiban.compiler.variables import environment_variables
from kiban.compiler.volumes import mounts, volumes
from kiban.primitives.canonical import digest
from kiban.spec import ServiceSpec

CONTAINER = "app"

# After the load balancer has stopped sending, the program gets as long again to finish what it
# has, and this many seconds for its own exit.
EXIT_SECONDS = 5
STARTUP_PERIOD_SECONDS = 1
FILES_ANNOTATION = "kiban.dev/files"


def pod_template(target: Target, service: ServiceSpec) -> dict[str, Any]:
    """The template of a service's pods."""
    metadata: dict[str, Any] = {"labels": target.labels(service.service)}
    if service.files:
        # Programs read their files when they start, so changed files need new pods.
        contents = {path: service.files[path].content for path in sorted(service.files)}
        metadata["annotations"] = {FILES_ANNOTATION: digest(contents, 8)}
    return {"metadata": metadata, "spec": pod_spec(target, service)}


def pod_spec(target: Target, service: ServiceSpec) -> dict[str, Any]:
    found: dict[str, Any] = {
        "serviceAccountName": service.service,
        "automountServiceAccountToken": service.token,
        "securityContext": _pod_security(service),
        "terminationGracePeriodSeconds": grace_seconds(service),
    }
    if service.init:
        found["initContainers"] = _init_containers(target, service)
    found["containers"] = [_container(target, service)]
    found["volumes"] = volumes(service)
    found.update(placement(service))
    return found


def drain_seconds(service: ServiceSpec) -> int:
    """How long an instance keeps serving after it was told to stop, and how long the load
    balancer may go on sending."""
    return ceil(service.drain)


def grace_seconds(service: ServiceSpec) -> int:
    """Covers preStop and as long again for what is in flight; without a port, no preStop."""
    drain = drain_seconds(service)
    return (2 * drain if service.port else drain) + EXIT_SECONDS


def _pod_security(service: ServiceSpec) -> dict[str, Any]:
    user = {"runAsUser": service.user} if service.user else {}
    return {"runAsNonRoot": True, **user, "seccompProfile": {"type": "RuntimeDefault"}}


def container_security() -> dict[str, Any]:
    """What the restricted pod security standard asks for, and a read-only root."""
    return {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def _container(target: Target, service: ServiceSpec) -> dict[str, Any]:
    found: dict[str, Any] = {"name": CONTAINER, "image": target.images[service.service]}
    if service.command:
        found["command"] = list(service.command)
    if service.args:
        found["args"] = list(service.args)
    if service.working_dir:
        found["workingDir"] = service.working_dir
    if ports := container_ports(service):
        found["ports"] = [
            {"name": name, "containerPort": port, "protocol": "TCP"} for name, port in ports
        ]
    found["env"] = environment_variables(target, service)
    found["resources"] = _resources(service)
    if service.kind != "job":
        found.update(_probes(service))
    if service.port and service.kind != "job" and drain_seconds(service):
        # Endpoints and load balancers learn later than the pod that it must stop.
        found["lifecycle"] = {"preStop": {"sleep": {"seconds": drain_seconds(service)}}}
    found["securityContext"] = container_security()
    found["volumeMounts"] = mounts(service)
    return found


def container_ports(service: ServiceSpec) -> list[tuple[str, int]]:
    """Named ports, the service's own first."""
    own = [("http", service.port)] if service.port else []
    return [*own, *sorted(service.ports.items())]


def _resources(service: ServiceSpec) -> dict[str, Any]:
    asked = service.resources
    requests = {"cpu": asked.cpu, "memory": asked.memory}
    limits = {"memory": asked.memory_limit or asked.memory}
    if asked.cpu_limit:
        limits["cpu"] = asked.cpu_limit
    if asked.disk:
        requests["ephemeral-storage"] = asked.disk
    return {"requests": requests, "limits": limits}


def _probes(service: ServiceSpec) -> dict[str, Any]:
    handler = _handler(service)
    if handler is None:
        return {}
    health = service.health
    timeout = max(1, ceil(health.timeout))
    found = {
        # The start-up probe holds the others back, so a slow start is not a failure.
        "startupProbe": {
            **handler,
            "periodSeconds": STARTUP_PERIOD_SECONDS,
            "timeoutSeconds": timeout,
            "failureThreshold": max(1, ceil(health.startup / STARTUP_PERIOD_SECONDS)),
        },
        "readinessProbe": {
            **handler,
            "periodSeconds": max(1, ceil(health.interval)),
            "timeoutSeconds": timeout,
            "failureThreshold": max(1, health.failures),
        },
    }
    port = health.port or service.port
    if health.liveness and port:
        found["livenessProbe"] = {
            "httpGet": {"path": health.liveness, "port": port},
            "periodSeconds": 10,
            "timeoutSeconds": max(5, timeout),
            "failureThreshold": 6,
        }
    return found


def _handler(service: ServiceSpec) -> dict[str, Any] | None:
    health = service.health
    port = health.port or service.port
    if health.command:
        return {"exec": {"command": list(health.command)}}
    if port is None:
        return None
    if health.grpc:
        return {"grpc": {"port": port}}
    if health.path:
        return {"httpGet": {"path": health.path, "port": port}}
    return {"tcpSocket": {"port": port}}


def _init_containers(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    shared = environment_variables(target, service)
    found = []
    for name, init in service.init.items():
        variables = {entry["name"]: entry for entry in shared}
        variables |= {key: {"name": key, "value": init.env[key]} for key in sorted(init.env)}
        one = {
            "name": name,
            "image": init.image or target.images[service.service],
            "command": list(init.command),
            **({"args": list(init.args)} if init.args else {}),
            "env": list(variables.values()),
            "resources": _resources(service),
            "securityContext": container_security(),
            "volumeMounts": mounts(service),
        }
        found.append(one)
    return found
