"""The environment, command and arguments of a container, with every reference resolved.

Precedence and expansion are the kubelet's (pkg/kubelet/kubelet_pods.go makeEnvironmentVariables):
service links, then `envFrom`, then `env` in order, each `$(NAME)` seeing what stands before it.
What is missing and not optional raises `ConfigFault` with the kubelet's words.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from typing import Any

from kiban.cluster.kubelet.downward import PodPlace, field_value, resource_value
from kiban.cluster.networking.addresses import listening_port
from kiban.cluster.networking.names import rewrite
from kiban.kube.objects import CONFIG_MAP, SECRET, SERVICE, GroupKind, Key, Manifest, get_in
from kiban.reconcile.controller import Snapshot

_REFERENCE = re.compile(r"\$(\$|\(([^()]*)\))")
_OBJECTS = {"configMap": (CONFIG_MAP, "ConfigMap"), "secret": (SECRET, "Secret")}


class ConfigFault(Exception):
    """A container cannot be made: something it refers to is not there."""


def environment_of(
    pod: Manifest, container: Mapping[str, Any], place: PodPlace, snapshot: Snapshot
) -> dict[str, str]:
    """Every variable of a container, service names replaced by addresses."""
    namespace = pod["metadata"].get("namespace", "")
    env = dict(_service_links(pod, snapshot, place.lowest_port))
    for source in container.get("envFrom") or []:
        env |= _from_source(source, namespace, snapshot)
    for variable in container.get("env") or []:
        value = _value_of(variable, pod, container, place, snapshot, env)
        if value is not None:
            env[variable["name"]] = value
    lowest = place.lowest_port
    env = {name: rewrite(value, snapshot, lowest_port=lowest) for name, value in env.items()}
    ports = container.get("ports") or []
    if ports:
        env.setdefault("PORT", str(ports[0]["containerPort"]))
    env.setdefault("HOST", place.address)
    env.setdefault("HOSTNAME", get_in(pod, "spec", "hostname") or pod["metadata"]["name"])
    return env


def words_of(
    words: list[str] | None, env: Mapping[str, str], place: PodPlace, snapshot: Snapshot
) -> tuple[str, ...]:
    """A command or its arguments, expanded and rewritten."""
    lowest = place.lowest_port
    return tuple(rewrite(expanded(word, env), snapshot, lowest_port=lowest) for word in words or [])


def expanded(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` replaced by its value; unknown names stay, `$$` is a dollar sign."""

    def replacement(match: re.Match[str]) -> str:
        if match[1] == "$":
            return "$"
        return env.get(match[2], match.group())

    return _REFERENCE.sub(replacement, text) if "$" in text else text


def data_of(kind: str, namespace: str, name: str, snapshot: Snapshot) -> dict[str, bytes] | None:
    """The content of a `configMap` or `secret`; None when it does not exist."""
    group_kind: GroupKind = _OBJECTS[kind][0]
    found = snapshot.get(Key(group_kind.group, group_kind.kind, namespace, name))
    if found is None:
        return None
    if kind == "secret":
        content = {key: b64decode(value) for key, value in (found.get("data") or {}).items()}
        texts = found.get("stringData") or {}
    else:
        content = {key: b64decode(value) for key, value in (found.get("binaryData") or {}).items()}
        texts = found.get("data") or {}
    return content | {key: value.encode() for key, value in texts.items()}


def _from_source(source: Mapping[str, Any], namespace: str, snapshot: Snapshot) -> dict[str, str]:
    kind = "configMap" if source.get("configMapRef") else "secret"
    reference = source.get(f"{kind}Ref") or {}
    data = data_of(kind, namespace, reference.get("name", ""), snapshot)
    if data is None:
        if reference.get("optional"):
            return {}
        raise ConfigFault(f'{kind.lower()} "{reference.get("name", "")}" not found')
    prefix = source.get("prefix") or ""
    return {f"{prefix}{key}": value.decode(errors="replace") for key, value in sorted(data.items())}


def _value_of(
    variable: Mapping[str, Any],
    pod: Manifest,
    container: Mapping[str, Any],
    place: PodPlace,
    snapshot: Snapshot,
    env: Mapping[str, str],
) -> str | None:
    source = variable.get("valueFrom")
    if not source:
        return expanded(variable.get("value") or "", env)
    if reference := source.get("fieldRef"):
        value = field_value(pod, reference["fieldPath"], place)
        if value is None:
            raise ConfigFault(f"fieldPath {reference['fieldPath']} is not supported")
        return value
    if reference := source.get("resourceFieldRef"):
        return resource_value(pod, container["name"], reference, place.node)
    kind = "configMap" if source.get("configMapKeyRef") else "secret"
    return _key_value(kind, source.get(f"{kind}KeyRef") or {}, pod, snapshot)


def _key_value(
    kind: str, reference: Mapping[str, Any], pod: Manifest, snapshot: Snapshot
) -> str | None:
    namespace = pod["metadata"].get("namespace", "")
    name, key = reference.get("name", ""), reference.get("key", "")
    data = data_of(kind, namespace, name, snapshot)
    if data is not None and key in data:
        return data[key].decode(errors="replace")
    if reference.get("optional"):
        return None
    if data is None:
        raise ConfigFault(f'{kind.lower()} "{name}" not found')
    raise ConfigFault(f"couldn't find key {key} in {_OBJECTS[kind][1]} {namespace}/{name}")


def _service_links(
    pod: Manifest, snapshot: Snapshot, lowest_port: int
) -> Iterator[tuple[str, str]]:
    """`<NAME>_SERVICE_HOST` and `_PORT` of the namespace's services, and of the API server."""
    namespace = pod["metadata"].get("namespace", "")
    kubernetes = snapshot.get(Key(SERVICE.group, SERVICE.kind, "default", "kubernetes"))
    services = [kubernetes] if kubernetes is not None else []
    if get_in(pod, "spec", "enableServiceLinks", default=True):
        services += [s for s in snapshot.list(SERVICE, namespace) if s is not kubernetes]
    for service in services:
        address = get_in(service, "spec", "clusterIP", default="None")
        ports = get_in(service, "spec", "ports", default=[])
        if address in ("", "None") or not ports:
            continue
        prefix = service["metadata"]["name"].upper().replace("-", "_")
        yield f"{prefix}_SERVICE_HOST", address
        yield f"{prefix}_SERVICE_PORT", str(listening_port(ports[0]["port"], lowest_port))
        for port in ports:
            if port.get("name"):
                label = port["name"].upper().replace("-", "_")
                number = listening_port(port["port"], lowest_port)
                yield f"{prefix}_SERVICE_PORT_{label}", str(number)
