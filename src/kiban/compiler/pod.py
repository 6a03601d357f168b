"""The pod of a service or job: program, environment, probes, shutdown, security, placement.

The lessons of those who ran such services are the defaults here, each with its reason.
"""

from math import ceil
from typing import Any

from kiban.compiler.target import NAME_LABEL, Target, Used
from kiban.primitives.canonical import digest
from kiban.spec import ServiceSpec

CONTAINER = "app"
# Kiban's own volumes; no team would choose these names.
TMP, FILES = "kiban-tmp", "kiban-files"

# After the load balancer has stopped sending, the program gets as long again to finish what it
# has, and this many seconds for its own exit.
EXIT_SECONDS = 5
STARTUP_PERIOD_SECONDS = 1
# The node label by which EKS tells spot capacity.
CAPACITY_TYPE = "eks.amazonaws.com/capacityType"
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
    found["volumes"] = _volumes(service)
    found.update(_placement(service))
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
    found["volumeMounts"] = _mounts(service)
    return found


def container_ports(service: ServiceSpec) -> list[tuple[str, int]]:
    """Named ports, the service's own first."""
    own = [("http", service.port)] if service.port else []
    return [*own, *sorted(service.ports.items())]


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
    for name, value in sorted(service.env.items()):
        found[name] = {"name": name, "value": value}
    for name, secret in sorted(service.secrets.items()):
        owner, _, key = secret.partition("/")
        found[name] = _from_secret(name, owner, key)
    return list(found.values())


def _address_variables(target: Target, used: Used) -> list[dict[str, Any]]:
    if not used.is_service:
        optional = _OPTIONAL_KEYS.get(used.type, ())
        return [
            _from_secret(f"{used.prefix}_{key.upper()}", used.name, key, optional=key in optional)
            for key in RESOURCE_KEYS[used.type]
        ]
    port = target.platform.services[target.environment][used.name].port
    if port is None:
        return []
    host = target.address(used.name)
    values = {"URL": f"http://{host}:{port}", "HOST": host, "PORT": str(port)}
    return [{"name": f"{used.prefix}_{key}", "value": value} for key, value in values.items()]


def _from_secret(name: str, secret: str, key: str, *, optional: bool = False) -> dict[str, Any]:
    reference: dict[str, Any] = {"name": secret, "key": key}
    if optional:
        reference["optional"] = True
    return {"name": name, "valueFrom": {"secretKeyRef": reference}}


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
            "volumeMounts": _mounts(service),
        }
        found.append(one)
    return found


def _volumes(service: ServiceSpec) -> list[dict[str, Any]]:
    """A writable /tmp, because the root is read-only; the volumes; the files."""
    found: list[dict[str, Any]] = []
    if _needs_tmp(service):
        found.append({"name": TMP, "emptyDir": {}})
    for name, volume in sorted(service.volumes.items()):
        size = {"sizeLimit": volume.size} if volume.size else {}
        found.append({"name": name, "emptyDir": size})
    if service.files:
        items = []
        for path, file in sorted(service.files.items()):
            item: dict[str, Any] = {"key": file_key(path), "path": file_key(path)}
            if file.mode:
                item["mode"] = int(file.mode, 8)
            items.append(item)
        source = {"name": f"{service.service}-files", "items": items}
        found.append({"name": FILES, "configMap": source})
    return found


def _mounts(service: ServiceSpec) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if _needs_tmp(service):
        found.append({"name": TMP, "mountPath": "/tmp"})
    for name, volume in sorted(service.volumes.items()):
        found.append({"name": name, "mountPath": volume.path})
    for path in sorted(service.files):
        mount = {"name": FILES, "mountPath": path, "subPath": file_key(path), "readOnly": True}
        found.append(mount)
    return found


def _needs_tmp(service: ServiceSpec) -> bool:
    """Unless the service says how large its own is."""
    return all(volume.path != "/tmp" for volume in service.volumes.values())


def file_key(path: str) -> str:
    """A path as the key of a ConfigMap, which allows no slashes."""
    return path.strip("/").replace("/", "_")


def _placement(service: ServiceSpec) -> dict[str, Any]:
    if service.kind == "job":
        return _capacity(service)
    strict = service.availability is not None and service.availability.strict
    zones = service.availability.zones if service.availability else 2
    constraints = []
    if zones > 1:
        when = "DoNotSchedule" if strict else "ScheduleAnyway"
        constraints.append(_spread(service, "topology.kubernetes.io/zone", when))
    constraints.append(_spread(service, "kubernetes.io/hostname", "ScheduleAnyway"))
    if 0 < service.spot < 100:
        constraints.append(_spread(service, CAPACITY_TYPE, "ScheduleAnyway"))
    return {"topologySpreadConstraints": constraints, **_capacity(service)}


def _spread(service: ServiceSpec, key: str, when: str) -> dict[str, Any]:
    return {
        "maxSkew": 1,
        "topologyKey": key,
        "whenUnsatisfiable": when,
        "labelSelector": {"matchLabels": {NAME_LABEL: service.service}},
        # Each revision is spread by itself; else the old pods decide where the new ones go.
        "matchLabelKeys": ["pod-template-hash"],
        "nodeTaintsPolicy": "Honor",
    }


def _capacity(service: ServiceSpec) -> dict[str, Any]:
    """Prefer the capacity asked for; when there is none, run on the other."""
    if 0 < service.spot < 100:
        return {}
    term = {"key": CAPACITY_TYPE, "operator": "In"}
    wanted = "SPOT" if service.spot else "ON_DEMAND"
    preference = {"matchExpressions": [{**term, "values": [wanted]}]}
    preferred = [{"weight": 100, "preference": preference}]
    return {
        "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": preferred}}
    }
