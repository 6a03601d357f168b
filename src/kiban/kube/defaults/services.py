"""Defaults of services, their endpoints, and network policies."""

from typing import Any

from kiban.kube.defaults.pods import Value
from kiban.kube.objects import Manifest

_AFFINITY_SECONDS = 10800


def default_service(manifest: Manifest) -> Manifest:
    """A Service without addresses: those are allocated by the cluster."""
    spec = {"sessionAffinity": "None", "type": "ClusterIP", **(manifest.get("spec") or {})}
    if spec.get("ports"):
        spec["ports"] = [_port(port) for port in spec["ports"]]
    if spec["sessionAffinity"] == "ClientIP":
        client = ((spec.get("sessionAffinityConfig") or {}).get("clientIP")) or {}
        client = {"timeoutSeconds": _AFFINITY_SECONDS, **client}
        spec["sessionAffinityConfig"] = {"clientIP": client}
    if spec["type"] != "ExternalName":
        _complete_addressed(spec)
    status = {"loadBalancer": {}, **(manifest.get("status") or {})}
    return {**manifest, "spec": spec, "status": status}


def _complete_addressed(spec: Value) -> None:
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in ("NodePort", "LoadBalancer"):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    if spec.get("clusterIP") and not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    elif spec.get("clusterIPs") and not spec.get("clusterIP"):
        spec["clusterIP"] = spec["clusterIPs"][0]
    selects_nothing = spec.get("clusterIP") == "None" and not spec.get("selector")
    if selects_nothing:
        spec.setdefault("ipFamilyPolicy", "RequireDualStack")
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    families = spec.get("ipFamilies") or [_family(spec)]
    if selects_nothing and len(families) == 1 and spec["ipFamilyPolicy"] != "SingleStack":
        families = [*families, "IPv6" if families[0] == "IPv4" else "IPv4"]
    spec["ipFamilies"] = families


def _family(spec: Value) -> str:
    """The family of the address that was asked for."""
    return "IPv6" if ":" in (spec.get("clusterIP") or "") else "IPv4"


def _port(port: Value) -> Value:
    full = {"protocol": "TCP", **port}
    if full.get("targetPort") in (None, "", 0):
        full["targetPort"] = full.get("port")
    return full


def default_endpoints(manifest: Manifest) -> Manifest:
    subsets = manifest.get("subsets")
    if not subsets:
        return manifest
    return {**manifest, "subsets": [_with_protocols(subset) for subset in subsets]}


def default_endpoint_slice(manifest: Manifest) -> Manifest:
    ports = [{"name": "", "protocol": "TCP", **port} for port in manifest.get("ports") or ()]
    endpoints = manifest.get("endpoints") or None
    return {**manifest, "endpoints": endpoints, "ports": ports or None}


def _with_protocols(owner: Value) -> Value:
    if not owner.get("ports"):
        return owner
    return {**owner, "ports": [{"protocol": "TCP", **port} for port in owner["ports"]]}


def default_ingress(manifest: Manifest) -> Manifest:
    status = {"loadBalancer": {}, **(manifest.get("status") or {})}
    return {**manifest, "spec": manifest.get("spec") or {}, "status": status}


def default_network_policy(manifest: Manifest) -> Manifest:
    spec: dict[str, Any] = {"podSelector": {}, **(manifest.get("spec") or {})}
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for direction in ("ingress", "egress"):
        if spec.get(direction):
            spec[direction] = [_with_protocols(rule) for rule in spec[direction]]
    return {**manifest, "spec": spec}
