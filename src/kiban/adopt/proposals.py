"""What a service's objects say in the words of the language: the reverse of the compiler, as far
as it goes.

A proposal need not be exact. It is compiled, and what then differs from the original becomes a
patch (`residue`); so nothing depends on how well this guesses but the length of the result.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kiban.adopt.copies import template_of
from kiban.adopt.groups import Group
from kiban.compiler.volumes import TMP
from kiban.kube.objects import Manifest, annotations_of, get_in
from kiban.primitives.quantities import parse_quantity
from kiban.spec.interpolation import escaped
from kiban.spec.words import HOST_PATTERN, NAME_PATTERN, PATH_PATTERN, PORT_NAME_PATTERN

Fields = dict[str, Any]
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_REFERENCE = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[-._A-Za-z0-9]+")
_IMAGE = re.compile(r"(?P<image>[^@]+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?")
_DIGEST = re.compile(r"(?P<image>[^@:]+(?::[0-9]+/[^@:]+)?)@(?P<tag>sha256:[0-9a-f]{64})")
NO_TAG = "latest"


def main_container(group: Group) -> Mapping[str, Any]:
    """The container that is the service itself: the one of its name, or else the first."""
    containers: list[dict[str, Any]] = get_in(
        template_of(group.workload), "spec", "containers", default=[]
    )
    name = group.workload["metadata"]["name"]
    named = [one for one in containers if one.get("name") in (group.service, name)]
    return (named or containers)[0]


def proposed(group: Group) -> tuple[Fields, str]:
    """The fields of a service in one environment, and its release."""
    container = main_container(group)
    pod = get_in(template_of(group.workload), "spec", default={})
    image, tag = image_and_tag(str(container.get("image", "")))
    fields: Fields = {"image": image}
    fields |= _program(container)
    fields |= _ports(container) if group.kind != "CronJob" else {}
    fields |= _variables(container, {"KIBAN_SERVICE": group.service, "KIBAN_RELEASE": tag})
    fields |= _resources(container)
    volumes = {**_volumes(container, pod), **_disks(container, group.workload)}
    fields |= {"volumes": volumes} if volumes else {}
    fields |= _instances(group.workload, volumes)
    if role := _role(group):
        fields["role"] = role
    if pod.get("automountServiceAccountToken") is True:
        fields["token"] = True
    if group.kind == "CronJob":
        return fields | _drain(container, pod, fields) | _job(group.workload), tag
    fields |= _health(container, fields)
    fields |= _drain(container, pod, fields)
    fields |= _scale(group)
    if "port" in fields:
        fields |= _routes(group)
    return fields, tag


def image_and_tag(image: str) -> tuple[str, str]:
    """The image without its version, and its version; no version where it stays in the spec."""
    if found := _DIGEST.fullmatch(image):
        return found["image"], found["tag"]
    found = _IMAGE.fullmatch(image)
    if found is None or "@" in image:
        return image, ""
    # A registry's port is not a tag.
    if found["tag"] is None or "/" in found["tag"]:
        return image, NO_TAG
    return found["image"], found["tag"]


def _program(container: Mapping[str, Any]) -> Fields:
    fields: Fields = {}
    for key in ("command", "args"):
        if words := container.get(key):
            fields[key] = [str(word) for word in words]
    if folder := container.get("workingDir"):
        fields["workingDir"] = folder
    return fields


def _variables(container: Mapping[str, Any], told: Mapping[str, str]) -> Fields:
    """Variables and Secrets, without what Kiban tells every program by itself."""
    env: dict[str, str] = {}
    secrets: dict[str, str] = {}
    for entry in container.get("env") or ():
        name = str(entry.get("name", ""))
        if not _VARIABLE.fullmatch(name):
            continue
        reference = get_in(entry, "valueFrom", "secretKeyRef", default={})
        key = f"{reference.get('name', '')}/{reference.get('key', '')}"
        if name in told and entry.get("value") == told[name]:
            continue
        if isinstance(entry.get("value"), str):
            env[name] = escaped(entry["value"])
        elif not reference.get("optional") and _REFERENCE.fullmatch(key):
            secrets[name] = key
    return ({"env": env} if env else {}) | ({"secrets": secrets} if secrets else {})


def _resources(container: Mapping[str, Any]) -> Fields:
    asked = get_in(dict(container), "resources", "requests", default={})
    limits = get_in(dict(container), "resources", "limits", default={})
    found: Fields = {}
    for field, value in (
        ("cpu", asked.get("cpu")),
        ("memory", asked.get("memory")),
        ("disk", asked.get("ephemeral-storage")),
        ("cpuLimit", limits.get("cpu")),
    ):
        if value is not None:
            found[field] = str(value)
    limit = limits.get("memory")
    if limit is not None and not _same(limit, found.get("memory")):
        found["memoryLimit"] = str(limit)
    return {"resources": found} if found else {}


def _same(one: Any, other: Any) -> bool:
    try:
        return parse_quantity(str(one)) == parse_quantity(str(other))
    except ValueError:
        return False


def _volumes(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Fields:
    """Empty directories that the service alone sees, once."""
    found: Fields = {}
    for volume in pod.get("volumes") or ():
        directory = volume.get("emptyDir")
        path = _only_mount(container, volume.get("name"))
        if volume.get("name") == TMP or directory is None or not path:
            continue
        medium, size = directory.get("medium"), directory.get("sizeLimit")
        if medium in (None, "", "Memory"):
            kind = {"type": "memory"} if medium else {}
            found[volume["name"]] = {"path": path, **kind, **({"size": str(size)} if size else {})}
    return found


def _only_mount(container: Mapping[str, Any], volume: Any) -> str:
    """Where a container sees the whole of a volume, if it does once."""
    own = [one for one in container.get("volumeMounts") or () if one.get("name") == volume]
    if len(own) != 1 or own[0].keys() != {"name", "mountPath"}:
        return ""
    return str(own[0]["mountPath"]) if re.match(NAME_PATTERN, str(volume)) else ""


def _disks(container: Mapping[str, Any], workload: Manifest) -> Fields:
    """What each instance keeps for itself."""
    found: Fields = {}
    for claim in get_in(workload, "spec", "volumeClaimTemplates", default=()):
        name = get_in(claim, "metadata", "name", default="")
        size = get_in(claim, "spec", "resources", "requests", "storage")
        if not (path := _only_mount(container, name)) or size is None:
            continue
        class_ = get_in(claim, "spec", "storageClassName")
        kind = {"storageClass": str(class_)} if class_ else {}
        found[name] = {"path": path, "type": "disk", "size": str(size), **kind}
    return found


def _instances(workload: Manifest, volumes: Fields) -> Fields:
    """How instances that have names are called for."""
    if workload["kind"] != "StatefulSet":
        return {}
    if get_in(workload, "spec", "podManagementPolicy") != "Parallel":
        return {"instances": "ordered"}
    has_disk = any(one.get("type") == "disk" for one in volumes.values())
    return {} if has_disk else {"instances": "named"}


def _role(group: Group) -> str:
    account = group.objects.get("ServiceAccount")
    return str(annotations_of(account).get(ROLE_ANNOTATION, "")) if account else ""


def _ports(container: Mapping[str, Any]) -> Fields:
    ports = [
        one
        for one in container.get("ports") or ()
        if one.get("protocol", "TCP") == "TCP" and "containerPort" in one
    ]
    if not ports:
        return {}
    main = next((one for one in ports if one.get("name") == "http"), ports[0])
    others: Fields = {}
    for one in ports:
        name = str(one.get("name") or f"p{one['containerPort']}")
        is_free = one["containerPort"] not in (main["containerPort"], *others.values())
        if one is not main and is_free and re.match(PORT_NAME_PATTERN, name) and name != "http":
            others[name] = one["containerPort"]
    return {"port": main["containerPort"], **({"ports": others} if others else {})}


def _health(container: Mapping[str, Any], fields: Fields) -> Fields:
    ready = container.get("readinessProbe") or {}
    health: Fields = {}
    numbers = _port_numbers(container)
    if http := ready.get("httpGet"):
        if re.match(PATH_PATTERN, str(http.get("path", ""))):
            health["path"] = http["path"]
        health |= _other_port(http, numbers, fields)
    elif command := get_in(dict(ready), "exec", "command"):
        health["command"] = [str(word) for word in command]
    elif "grpc" in ready:
        health["grpc"] = True
        health |= _other_port(ready["grpc"], numbers, fields)
    elif "tcpSocket" in ready:
        health |= _other_port(ready["tcpSocket"], numbers, fields)
    if ready:
        health["interval"] = f"{ready.get('periodSeconds', 10)}s"
        health["timeout"] = f"{ready.get('timeoutSeconds', 1)}s"
        health["failures"] = int(ready.get("failureThreshold", 3))
    if start := container.get("startupProbe"):
        health["startup"] = f"{start.get('failureThreshold', 3) * start.get('periodSeconds', 10)}s"
    live = get_in(dict(container), "livenessProbe", "httpGet", "path")
    if isinstance(live, str) and re.match(PATH_PATTERN, live) and "port" in fields:
        health["liveness"] = live
    if "port" not in fields and "port" not in health:
        health.pop("path", None)
    return {"health": health} if health else {}


def _port_numbers(container: Mapping[str, Any]) -> dict[Any, int]:
    ports = container.get("ports") or ()
    return {one["name"]: one.get("containerPort") for one in ports if one.get("name")}


def _other_port(handler: Mapping[str, Any], numbers: Mapping[Any, int], fields: Fields) -> Fields:
    port = numbers.get(handler.get("port"), handler.get("port"))
    if isinstance(port, int) and port != fields.get("port"):
        return {"port": port}
    return {}


def _drain(container: Mapping[str, Any], pod: Mapping[str, Any], fields: Fields) -> Fields:
    pause = get_in(dict(container), "lifecycle", "preStop", "sleep", "seconds")
    if isinstance(pause, int) and "port" in fields:
        return {"drain": f"{pause}s"}
    if "port" in fields:
        return {"drain": "0s"}
    return {"drain": f"{max(0, int(pod.get('terminationGracePeriodSeconds', 5)) - 5)}s"}


def _scale(group: Group) -> Fields:
    spec = group.workload.get("spec") or {}
    scaler = get_in(group.objects.get("HorizontalPodAutoscaler") or {}, "spec", default={})
    least, most = scaler.get("minReplicas", 1), scaler.get("maxReplicas", 0)
    if not scaler or not 1 <= least < most:
        count = int(spec.get("replicas", 1))
        return {"scale": {"min": count, "max": count}}
    found: Fields = {"min": least, "max": most}
    for metric in scaler.get("metrics") or ():
        name = get_in(metric, "resource", "name")
        share = get_in(metric, "resource", "target", "averageUtilization")
        if name in ("cpu", "memory") and isinstance(share, int) and 0 < share <= 100:
            found[name] = f"{share}%"
    settle = get_in(scaler, "behavior", "scaleDown", "stabilizationWindowSeconds")
    if isinstance(settle, int) and settle != 300:
        found["settle"] = f"{settle}s"
    return {"scale": found}


def _routes(group: Group) -> Fields:
    ingress = group.objects.get("Ingress")
    found: Fields = {}
    for host, path in _paths(ingress or {}):
        if not re.match(PATH_PATTERN, path) or (host and not re.match(HOST_PATTERN, host)):
            continue
        name = "public" if not found else f"public-{len(found) + 1}"
        found[name] = {**({"host": host} if host else {}), "path": path}
    return {"routes": found} if found else {}


def _paths(ingress: Manifest) -> Iterator[tuple[str, str]]:
    for rule in get_in(ingress, "spec", "rules", default=()):
        for path in get_in(rule, "http", "paths", default=()):
            yield str(rule.get("host") or ""), str(path.get("path") or "/")


def _job(workload: Manifest) -> Fields:
    spec = workload.get("spec") or {}
    run = get_in(spec, "jobTemplate", "spec", default={})
    fields: Fields = {"schedule": str(spec.get("schedule", ""))}
    if spec.get("timeZone"):
        fields["timezone"] = spec["timeZone"]
    if policy := spec.get("concurrencyPolicy"):
        fields["concurrency"] = str(policy).lower()
    if isinstance(seconds := run.get("activeDeadlineSeconds"), int):
        fields["deadline"] = f"{seconds}s"
    if isinstance(count := run.get("backoffLimit"), int):
        fields["retries"] = count
    if spec.get("suspend"):
        fields["suspended"] = True
    return fields
