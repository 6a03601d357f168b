"""What is spoken on the ports of services, and which of them the gateway listens on."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kiban.kube.objects import POD, SERVICE, Manifest, get_in
from kiban.reconcile.controller import Snapshot


class Protocol(Enum):
    """How the gateway forwards a port."""

    TCP = "tcp"
    HTTP1 = "http1"
    HTTP2 = "http2"


# appProtocol values (Service API: IANA names and the kubernetes.io/ prefix), and port names by
# the convention `<protocol>` or `<protocol>-<suffix>` that Istio made common.
_PROTOCOLS = {
    "http": Protocol.HTTP1,
    "kubernetes.io/ws": Protocol.HTTP1,
    "grpc": Protocol.HTTP2,
    "h2c": Protocol.HTTP2,
    "http2": Protocol.HTTP2,
    "kubernetes.io/h2c": Protocol.HTTP2,
}


@dataclass(frozen=True, slots=True)
class ServicePort:
    """One TCP port of a Service that has a cluster address."""

    namespace: str
    service: str
    address: str
    port: int
    name: str
    protocol: Protocol
    sticky: bool = False

    @property
    def id(self) -> str:
        """The name of the port in the gateway's configuration and statistics."""
        return f"{self.namespace}/{self.service}/{self.port}"


def service_ports(snapshot: Snapshot) -> Iterator[ServicePort]:
    """Every port the gateway can forward, sorted. Headless and external services have none; UDP
    and SCTP are not forwarded."""
    for service in snapshot.list(SERVICE):
        address = get_in(service, "spec", "clusterIP", default="None")
        if address == "None" or get_in(service, "spec", "type") == "ExternalName":
            continue
        for port in get_in(service, "spec", "ports", default=[]):
            if port.get("protocol", "TCP") == "TCP":
                yield ServicePort(
                    namespace=service["metadata"].get("namespace", ""),
                    service=service["metadata"]["name"],
                    address=address,
                    port=port["port"],
                    name=port.get("name") or "",
                    protocol=_protocol_of(service, port, snapshot),
                    sticky=get_in(service, "spec", "sessionAffinity") == "ClientIP",
                )


def _protocol_of(service: Manifest, port: dict[str, Any], snapshot: Snapshot) -> Protocol:
    if declared := port.get("appProtocol"):
        return _PROTOCOLS.get(declared.lower(), Protocol.TCP)
    for name in (port.get("name"), port.get("targetPort")):
        if isinstance(name, str) and (known := _by_name(name)):
            return known
    return _protocol_of_pods(service, port, snapshot)


def _by_name(name: str) -> Protocol | None:
    return _PROTOCOLS.get(name.partition("-")[0].lower())


def _protocol_of_pods(service: Manifest, port: dict[str, Any], snapshot: Snapshot) -> Protocol:
    selector = get_in(service, "spec", "selector", default={})
    number = port.get("targetPort", port["port"])
    if not selector or not isinstance(number, int):
        return Protocol.TCP
    for pod in snapshot.selected(POD, service["metadata"].get("namespace", ""), selector)[:1]:
        for container in get_in(pod, "spec", "containers", default=[]):
            for declared in container.get("ports") or []:
                if declared.get("containerPort") == number:
                    return _by_name(declared.get("name") or "") or Protocol.TCP
    return Protocol.TCP
