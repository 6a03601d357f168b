"""How a service is reached: its Service, its Ingress, and who may come in."""

from collections.abc import Iterator
from typing import Any

from kiban.compiler.bundle import SERVICE_LABEL
from kiban.compiler.pod import container_ports
from kiban.compiler.target import NAME_LABEL, Target
from kiban.compiler.writers.ingresses import ingresses
from kiban.compiler.writers.listeners import listeners, transport
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec
from kiban.spec.service import Caller

# How Services tell what is spoken on a port (KEP 3726).
_APP_PROTOCOLS = {"http": "http", "http2": "kubernetes.io/h2c", "grpc": "kubernetes.io/h2c"}


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    name = service.service
    ports = container_ports(service)
    if service.kind == "job" or not ports:
        return
    spec = {
        "type": "ClusterIP",
        "selector": {NAME_LABEL: name},
        # Port and target port are the same, so an address is right with and without the Service.
        "ports": [_service_port(service, port_name, port) for port_name, port in ports],
    }
    yield target.manifest("v1", "Service", name, service=name, spec=spec)
    yield from ingresses(target, service)
    yield from listeners(target, service)
    if rules := _allowed(target, service):
        policy = {
            "podSelector": {"matchLabels": {NAME_LABEL: name}},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        }
        yield target.manifest(
            "networking.k8s.io/v1", "NetworkPolicy", name, service=name, spec=policy
        )


def _service_port(service: ServiceSpec, name: str, port: int) -> dict[str, Any]:
    spoken = service.protocols.get(name, "tcp")
    found = {
        "name": name,
        "port": port,
        "targetPort": port,
        "protocol": transport(service, name),
    }
    return found | ({"appProtocol": _APP_PROTOCOLS[spoken]} if spoken in _APP_PROTOCOLS else {})


def _allowed(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    """Those who declared that they use the service; and, to a routed port, everybody: load
    balancers have no labels."""
    rules: list[dict[str, Any]] = []
    if callers := target.callers.get(service.service):
        expression = {"key": SERVICE_LABEL, "operator": "In", "values": list(callers)}
        rules.append({"from": [{"podSelector": {"matchExpressions": [expression]}}]})
    numbers = dict(container_ports(service))
    for _, caller in sorted(service.allow.items()):
        ports = [{"port": numbers[caller.port], "protocol": "TCP"}] if caller.port else []
        rules.append({"from": [_peer(caller)], **({"ports": ports} if ports else {})})
    routed = sorted({numbers[route.port or "http"] for route in service.routes.values()})
    if routed:
        rules.append({"ports": [{"port": port, "protocol": "TCP"} for port in routed]})
    for _, listener in sorted(service.listeners.items()):
        name = listener.port or "http"
        ports = [{"port": numbers[name], "protocol": transport(service, name)}]
        peers = [{"ipBlock": {"cidr": cidr}} for _, cidr in sorted(listener.sources.items())]
        rules.append({**({"from": peers} if peers else {}), "ports": ports})
    return rules


def _peer(caller: Caller) -> dict[str, Any]:
    if caller.network:
        return {"ipBlock": {"cidr": caller.network}}
    peer: dict[str, Any] = {}
    if caller.namespace:
        named = {"kubernetes.io/metadata.name": caller.namespace}
        peer["namespaceSelector"] = {"matchLabels": named}
    if caller.labels or not peer:
        peer["podSelector"] = {"matchLabels": dict(sorted(caller.labels.items()))}
    return peer
