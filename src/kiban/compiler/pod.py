"""The pod of a service or job: program, probes, shutdown, security.

The lessons of those who ran such services are the defaults here, each with its reason.
"""

from math import ceil
from typing import Any

from kiban.compiler.companions import amounts, companions, container_security
from kiban.compiler.placement import placement
from kiban.compiler.scale import Capacity
from kiban.compiler.target import Target
from kiban.compiler.variables import environment_variables
from kiban.compiler.volumes import expanded, mounts, volumes
from kiban.primitives.canonical import digest
from kiban.spec import ServiceSpec

CONTAINER = "app"

# After the load balancer has stopped sending, the program gets as long again to finish what it
# has, and this many seconds for its own exit.
EXIT_SECONDS = 5
STARTUP_PERIOD_SECONDS = 1
FILES_ANNOTATION = "kiban.dev/files"
CAPACITY_LABEL = "kiban.dev/capacity"


def pod_template(target: Target, service: ServiceSpec, capacity: Capacity = "") -> dict[str, Any]:
    """The template of a service's pods; of those with a capacity of their own where it has two
    workloads."""
    metadata: dict[str, Any] = {"labels": target.labels(service.service) | part_labels(capacity)}
    annotations = dict(sorted(service.annotations.items()))
    if service.files:
        # Programs read their files when they start, so changed files need new pods.
        known = sorted(expanded(target, service).items())
        contents = {path: one.content or one.base64 or one.secret for path, one in known}
        annotations[FILES_ANNOTATION] = digest(contents, 8)
    if annotations:
        metadata["annotations"] = annotations
    return {"metadata": metadata, "spec": pod_spec(target, service, capacity)}


def part_labels(capacity: Capacity) -> dict[str, str]:
    """What tells the pods of a service's two workloads apart, beside what they have in common."""
    return {CAPACITY_LABEL: capacity} if capacity else {}


def pod_spec(target: Target, service: ServiceSpec, capacity: Capacity = "") -> dict[str, Any]:
    found: dict[str, Any] = {
        "serviceAccountName": service.service,
        "automountServiceAccountToken": service.token,
        "securityContext": _pod_security(service),
        "terminationGracePeriodSeconds": grace_seconds(service),
    }
    if service.priority:
        found["priorityClassName"] = service.priority
    if service.pull_secret:
        found["imagePullSecrets"] = [{"name": service.pull_secret}]
    if service.init or service.sidecars:
        found["initContainers"] = companions(target, service)
    found["containers"] = [_container(target, service)]
    found["volumes"] = volumes(service)
    found.update(placement(target, service, capacity))
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
            {"name": name, "containerPort": port, "protocol": _transport(service, name)}
            for name, port in ports
        ]
    found["env"] = environment_variables(target, service)
    found["resources"] = amounts(service.resources)
    if service.kind != "job":
        found.update(_probes(service))
    if service.port and service.kind != "job" and drain_seconds(service):
        # Endpoints and load balancers learn later than the pod that it must stop.
        found["lifecycle"] = {"preStop": {"sleep": {"seconds": drain_seconds(service)}}}
    found["securityContext"] = container_security()
    found["volumeMounts"] = mounts(service)
    return found


def _transport(service: ServiceSpec, port: str) -> str:
    return "UDP" if service.protocols.get(port) == "udp" else "TCP"


def container_ports(service: ServiceSpec) -> list[tuple[str, int]]:
    """Named ports, the service's own first."""
    own = [("http", service.port)] if service.port else []
    return [*own, *sorted(service.ports.items())]


def _probes(service: ServiceSpec) -> dict[str, Any]:
    # Who can only tell that it is alive is ready when it is.
    handler = _handler(service) or _alive(service)
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
    alive = _alive(service)
    if alive is not None:
        found["livenessProbe"] = {
            **alive,
            "periodSeconds": 10,
            "timeoutSeconds": max(5, timeout),
            "failureThreshold": 6,
        }
    return found


def _alive(service: ServiceSpec) -> dict[str, Any] | None:
    health, port = service.health, service.health.port or service.port
    if health.liveness_command:
        return {"exec": {"command": list(health.liveness_command)}}
    return (
        {"httpGet": {"path": health.liveness, "port": port}} if health.liveness and port else None
    )


def _handler(service: ServiceSpec) -> dict[str, Any] | None:
    health = service.health
    port = health.port or service.port
    if health.command:
        return {"exec": {"command": list(health.command)}}
    if port is None:
        return None
    if health.grpc:
        return {"grpc": {"port": port}}
    if health.path and not health.tcp:
        return {"httpGet": {"path": health.path, "port": port}}
    return {"tcpSocket": {"port": port}}
