"""How a service is reached: its Service, its Ingress, and who may come in."""

from collections.abc import Iterator
from typing import Any

from kiban.compiler.bundle import SERVICE_LABEL
from kiban.compiler.pod import container_ports, drain_seconds
from kiban.compiler.target import NAME_LABEL, Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec

ALB = "alb.ingress.kubernetes.io"
# What a cluster says that serves its routes in clear.
NO_CERTIFICATE = "none"


def write(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    name = service.service
    ports = container_ports(service)
    if service.kind == "job" or not ports:
        return
    spec = {
        "type": "ClusterIP",
        "selector": {NAME_LABEL: name},
        # Port and target port are the same, so an address is right with and without the Service.
        "ports": [
            {"name": port_name, "port": port, "targetPort": port, "protocol": "TCP"}
            for port_name, port in ports
        ],
    }
    yield target.manifest("v1", "Service", name, service=name, spec=spec)
    if service.routes:
        yield _ingress(target, service)
    if rules := _allowed(target, service):
        policy = {
            "podSelector": {"matchLabels": {NAME_LABEL: name}},
            "policyTypes": ["Ingress"],
            "ingress": rules,
        }
        yield target.manifest(
            "networking.k8s.io/v1", "NetworkPolicy", name, service=name, spec=policy
        )


def _ingress(target: Target, service: ServiceSpec) -> Manifest:
    hosts: dict[str, list[dict[str, Any]]] = {}
    numbers = dict(container_ports(service))
    for _, route in sorted(service.routes.items()):
        backend = {"name": service.service, "port": {"number": numbers[route.port or "http"]}}
        path = {"path": route.path, "pathType": "Prefix", "backend": {"service": backend}}
        hosts.setdefault(target.host(route.host), []).append(path)
    rules = []
    for host in sorted(hosts):
        paths = sorted(hosts[host], key=lambda path: str(path["path"]))
        rules.append({**({"host": host} if host else {}), "http": {"paths": paths}})
    kind = "kiban" if target.local else target.cluster.ingress_class
    annotations = _alb_annotations(target, service) if kind == "alb" else {}
    timeouts = [route.timeout for route in service.routes.values() if route.timeout]
    if timeouts:
        annotations["kiban.dev/timeout"] = f"{max(timeouts):g}s"
    return target.manifest(
        "networking.k8s.io/v1",
        "Ingress",
        service.service,
        service=service.service,
        annotations=annotations,
        spec={"ingressClassName": kind, "rules": rules},
    )


def _alb_annotations(target: Target, service: ServiceSpec) -> dict[str, str]:
    # Sending to pods directly, and forgetting a pod exactly as long as it goes on serving, is
    # what makes a rollout behind an ALB lose nothing.
    delay = f"deregistration_delay.timeout_seconds={drain_seconds(service)}"
    found = {
        f"{ALB}/scheme": "internet-facing",
        f"{ALB}/target-type": "ip",
        f"{ALB}/group.name": f"{target.platform.name}-{target.environment}",
        f"{ALB}/target-group-attributes": delay,
    }
    if service.health.path:
        found[f"{ALB}/healthcheck-path"] = service.health.path
    return found | _tls(target, service)


def _tls(target: Target, service: ServiceSpec) -> dict[str, str]:
    """HTTPS, with the certificate that is named or that the controller finds by the hosts."""
    certificate = target.cluster.certificate
    hosted = all(target.host(route.host) for route in service.routes.values())
    if certificate == NO_CERTIFICATE or not (certificate or hosted):
        return {}
    named = {f"{ALB}/certificate-arn": certificate} if certificate else {}
    return named | {
        f"{ALB}/listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]',
        f"{ALB}/ssl-redirect": "443",
    }


def _allowed(target: Target, service: ServiceSpec) -> list[dict[str, Any]]:
    """Those who declared that they use the service; and, to a routed port, everybody: load
    balancers have no labels."""
    rules: list[dict[str, Any]] = []
    if callers := target.callers.get(service.service):
        expression = {"key": SERVICE_LABEL, "operator": "In", "values": list(callers)}
        rules.append({"from": [{"podSelector": {"matchExpressions": [expression]}}]})
    numbers = dict(container_ports(service))
    routed = sorted({numbers[route.port or "http"] for route in service.routes.values()})
    if routed:
        rules.append({"ports": [{"port": port, "protocol": "TCP"} for port in routed]})
    return rules
