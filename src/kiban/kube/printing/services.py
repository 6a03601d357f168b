"""The cells of services, endpoints, ingresses and network policies, without the name."""

from typing import Any

from kiban.kube.objects import Manifest
from kiban.kube.printing.durations import age
from kiban.kube.printing.workloads import (
    NONE,
    UNSET,
    Value,
    format_labels,
    format_selector,
    spec_of,
    status_of,
)
from kiban.primitives.instants import Instant

MOST_SHOWN = 3


def _age(manifest: Manifest, now: Instant) -> str:
    return age(manifest["metadata"].get("creationTimestamp"), now)


def service(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP") or NONE]
    return [
        spec.get("type", "ClusterIP"),
        addresses[0],
        _external(manifest),
        ",".join(_port(port) for port in spec.get("ports") or ()) or NONE,
        _age(manifest, now),
        format_labels(spec.get("selector")),
    ]


def _external(manifest: Manifest) -> str:
    spec = spec_of(manifest)
    given = list(spec.get("externalIPs") or ())
    if spec.get("type") == "ExternalName":
        return spec.get("externalName") or NONE
    if spec.get("type") == "LoadBalancer":
        balancers = _balancers(status_of(manifest))
        return ",".join([*balancers, *given]) or "<pending>"
    return ",".join(given) or NONE


def _balancers(status: Value) -> list[str]:
    entries = (status.get("loadBalancer") or {}).get("ingress") or ()
    return [str(entry.get("ip") or entry.get("hostname") or "") for entry in entries]


def _port(port: Value) -> str:
    node = f":{port['nodePort']}" if port.get("nodePort") else ""
    return f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}"


def ingress(manifest: Manifest, now: Instant) -> list[Any]:
    spec = spec_of(manifest)
    hosts = [rule["host"] for rule in spec.get("rules") or () if rule.get("host")]
    return [
        spec.get("ingressClassName") or NONE,
        _shortened(hosts, "*"),
        ",".join(_balancers(status_of(manifest))),
        "80, 443" if spec.get("tls") else "80",
        _age(manifest, now),
    ]


def _shortened(texts: list[str], none: str) -> str:
    shown = ",".join(texts[:MOST_SHOWN])
    more = len(texts) - MOST_SHOWN
    return f"{shown} + {more} more..." if more > 0 else shown or none


def endpoints(manifest: Manifest, now: Instant) -> list[Any]:
    found: list[str] = []
    for subset in manifest.get("subsets") or ():
        addresses = [entry.get("ip", "") for entry in subset.get("addresses") or ()]
        ports = subset.get("ports") or []
        if not ports:
            found += addresses
        for port in ports:
            found += [f"{address}:{port.get('port')}" for address in addresses]
    return [_shortened(found, NONE), _age(manifest, now)]


def endpoint_slice(manifest: Manifest, now: Instant) -> list[Any]:
    ports = [str(port.get("port") or "*") for port in manifest.get("ports") or ()]
    addresses = [
        address
        for endpoint in manifest.get("endpoints") or ()
        for address in endpoint.get("addresses") or ()
    ]
    return [
        manifest.get("addressType", ""),
        _shortened(ports, UNSET),
        _shortened(addresses, UNSET),
        _age(manifest, now),
    ]


def network_policy(manifest: Manifest, now: Instant) -> list[Any]:
    return [format_selector(spec_of(manifest).get("podSelector")), _age(manifest, now)]
