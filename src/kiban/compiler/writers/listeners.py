"""The network load balancers of a service: a Service of the type for each listener. On a laptop it
is reached at the Service's own address.

Source of the annotations: the AWS Load Balancer Controller 2.14.
"""

from collections.abc import Iterator
from typing import Any

from kiban.compiler.pod import container_ports, drain_seconds
from kiban.compiler.target import NAME_LABEL, Target
from kiban.kube.objects import Manifest
from kiban.spec import ServiceSpec
from kiban.spec.routing import Listener

NLB = "service.beta.kubernetes.io/aws-load-balancer"
NLB_CLASS = "service.k8s.aws/nlb"
HOSTNAME = "external-dns.alpha.kubernetes.io/hostname"


def listeners(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    for name, listener in sorted(service.listeners.items()):
        spec: dict[str, Any] = {
            "selector": {NAME_LABEL: service.service},
            "ports": [_port(service, name, listener)],
        }
        notes: dict[str, str] = {}
        if target.local:
            spec["type"] = "ClusterIP"
        else:
            spec |= _outside(listener)
            notes = _annotations(target, service, listener)
        yield target.manifest(
            "v1",
            "Service",
            f"{service.service}-{name}",
            service=service.service,
            annotations=notes,
            spec=spec,
        )


def transport(service: ServiceSpec, port: str) -> str:
    return "UDP" if service.protocols.get(port) == "udp" else "TCP"


def _port(service: ServiceSpec, name: str, listener: Listener) -> dict[str, Any]:
    inside = listener.port or "http"
    number = dict(container_ports(service))[inside]
    return {
        "name": name[:15].rstrip("-"),
        "port": listener.at or number,
        "targetPort": number,
        "protocol": transport(service, inside),
    }


def _outside(listener: Listener) -> dict[str, Any]:
    """Pods are reached by their own addresses, so no node needs a port."""
    found: dict[str, Any] = {
        "type": "LoadBalancer",
        "loadBalancerClass": NLB_CLASS,
        "allocateLoadBalancerNodePorts": False,
    }
    if listener.sources:
        found["loadBalancerSourceRanges"] = [cidr for _, cidr in sorted(listener.sources.items())]
    return found


def _annotations(target: Target, service: ServiceSpec, listener: Listener) -> dict[str, str]:
    found = {
        f"{NLB}-scheme": "internal" if listener.internal else "internet-facing",
        f"{NLB}-nlb-target-type": "ip",
        f"{NLB}-attributes": "load_balancing.cross_zone.enabled=true",
        f"{NLB}-target-group-attributes": f"deregistration_delay.timeout_seconds="
        f"{drain_seconds(service)},preserve_client_ip.enabled=true",
    }
    number = dict(container_ports(service))[listener.port or "http"]
    if transport(service, listener.port or "http") == "UDP" and service.port:
        # What speaks UDP only cannot be asked; its instance can.
        found[f"{NLB}-healthcheck-protocol"] = "TCP"
        found[f"{NLB}-healthcheck-port"] = str(service.port)
    if listener.tls:
        found[f"{NLB}-ssl-ports"] = str(listener.at or number)
        if target.cluster.certificate:
            found[f"{NLB}-ssl-cert"] = target.cluster.certificate
    if listener.host:
        found[HOSTNAME] = target.host(listener.host)
    return found
