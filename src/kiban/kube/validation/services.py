"""Rules for services, ingresses, network policies and endpoint slices.

Source: k8s.io/kubernetes/pkg/apis/{core,networking,discovery}/validation.
"""

import re
from ipaddress import ip_address, ip_network
from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    immutable,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.handlers import port_or_name
from kiban.kube.validation.metadata import validate_labels
from kiban.kube.validation.selectors import validate_selector

Value = dict[str, Any]

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_EXTERNAL = ("LoadBalancer", "NodePort")
IP_FAULT = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"


def validate_service(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    kind, headless = spec["type"], spec.get("clusterIP") == "None"
    ports = spec.get("ports") or []
    faults: Faults = []
    if not ports and not headless and kind != "ExternalName":
        faults.append(required("spec.ports"))
    if kind == "LoadBalancer" and headless:
        detail = "may not be set to 'None' for LoadBalancer services"
        faults.append(invalid("spec.clusterIPs[0]", "None", detail))
    if kind == "ExternalName":
        faults += _external_name(spec)
    faults += _service_ports(ports, kind)
    faults += validate_labels(spec.get("selector"), "spec.selector")
    faults += one_of("spec.sessionAffinity", spec["sessionAffinity"], ("ClientIP", "None"))
    faults += _addresses(spec)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        if not _is_address(address):
            faults.append(invalid(f"spec.externalIPs[{index}]", address, IP_FAULT))
    faults += one_of("spec.type", kind, _TYPES)
    faults += _traffic(spec)
    return faults


def _external_name(spec: Value) -> Faults:
    if spec.get("clusterIP") or spec.get("clusterIPs"):
        return [forbidden("spec.clusterIPs", "may not be set when `type` is 'ExternalName'")]
    name = spec.get("externalName", "")
    if not name:
        return [required("spec.externalName")]
    details = formats.dns_subdomain_faults(name.removesuffix("."))
    return all_invalid("spec.externalName", name, details)


def _service_ports(ports: list[Value], kind: str) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        name = port.get("name", "")
        if not name and len(ports) > 1:
            faults.append(required(f"{at}.name"))
        elif name:
            faults += all_invalid(f"{at}.name", name, formats.dns_label_faults(name))
            if name in names:
                faults.append(duplicate(f"{at}.name", name))
            names.add(name)
        number = port.get("port", 0)
        faults += all_invalid(f"{at}.port", number, formats.port_number_faults(number))
        faults += one_of(f"{at}.protocol", port.get("protocol", ""), ("SCTP", "TCP", "UDP"))
        faults += port_or_name(port.get("targetPort"), f"{at}.targetPort")
    for index, port in enumerate(ports):
        if port.get("nodePort") and kind == "ClusterIP":
            detail = "may not be used when `type` is 'ClusterIP'"
            faults.append(forbidden(f"spec.ports[{index}].nodePort", detail))
    return faults + _repeated_ports(ports)


def _repeated_ports(ports: list[Value]) -> Faults:
    faults: Faults = []
    seen: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            shown = {"port": key[1], "protocol": key[0]}
            faults.append(duplicate(f"spec.ports[{index}]", shown))
        seen.add(key)
    return faults


def _addresses(spec: Value) -> Faults:
    if spec["type"] == "ExternalName":
        return []
    return [
        invalid(f"spec.clusterIPs[{index}]", address, IP_FAULT)
        for index, address in enumerate(spec.get("clusterIPs") or ())
        if address != "None" and not _is_address(address)
    ]


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _traffic(spec: Value) -> Faults:
    policy = spec.get("externalTrafficPolicy")
    if policy is None:
        return []
    if spec["type"] not in _EXTERNAL and not spec.get("externalIPs"):
        detail = "may only be set for externally-accessible services"
        return [invalid("spec.externalTrafficPolicy", policy, detail)]
    return one_of("spec.externalTrafficPolicy", policy, ("Cluster", "Local"))


def service_stays(old: Manifest, new: Manifest) -> Faults:
    """The address of a service that has one stays while its type does."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    kinds = {before.get("type"), after.get("type")}
    if "ExternalName" in kinds or not before.get("clusterIP"):
        return []
    was, now = before.get("clusterIPs") or [], after.get("clusterIPs") or []
    if was[:1] == now[:1]:
        return []
    return [invalid("spec.clusterIPs[0]", now, "may not change once set")]


_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")


def validate_ingress(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults: Faults = []
    backend, rules = spec.get("defaultBackend"), spec.get("rules") or []
    if not backend and not rules:
        detail = "either `defaultBackend` or `rules` must be specified"
        faults.append(invalid("spec", None, detail))
    if backend:
        faults += _backend(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        at = f"spec.rules[{index}]"
        faults += _host(rule.get("host", ""), f"{at}.host")
        http = rule.get("http")
        if http is not None and not http.get("paths"):
            faults.append(required(f"{at}.http.paths"))
        for number, path in enumerate((http or {}).get("paths") or ()):
            faults += _path(path, f"{at}.http.paths[{number}]")
    for index, entry in enumerate(spec.get("tls") or ()):
        for number, host in enumerate(entry.get("hosts") or ()):
            faults += _host(host, f"spec.tls[{index}].hosts[{number}]")
    name = spec.get("ingressClassName")
    if name is not None:
        details = formats.dns_subdomain_faults(name)
        faults += all_invalid("spec.ingressClassName", name, details)
    return faults


def _host(host: str, field: str) -> Faults:
    if not host:
        return []
    if _is_address(host):
        return [invalid(field, host, "must be a DNS name, not an IP address")]
    check = formats.wildcard_faults if "*" in host else formats.dns_subdomain_faults
    return all_invalid(field, host, check(host))


_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_AT_PATH_ENDS = ("/..", "/.")


def _path(path: Value, field: str) -> Faults:
    kind, text = path.get("pathType"), path.get("path", "")
    faults: Faults = []
    if kind is None:
        return [required(f"{field}.pathType", "pathType must be specified")]
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            faults.append(invalid(f"{field}.path", text, "must be an absolute path"))
        else:
            faults += [
                invalid(f"{field}.path", text, f"must not contain '{mark}'")
                for mark in _IN_PATHS
                if mark in text
            ]
            faults += [
                invalid(f"{field}.path", text, f"cannot end with '{mark}'")
                for mark in _AT_PATH_ENDS
                if text.endswith(mark)
            ]
    elif kind != "ImplementationSpecific":
        faults.append(unsupported(f"{field}.pathType", kind, _PATH_TYPES))
    elif text and not text.startswith("/"):
        faults.append(invalid(f"{field}.path", text, "must be an absolute path"))
    return faults + _backend(path.get("backend") or {}, f"{field}.backend")


def _backend(backend: Value, field: str) -> Faults:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None and service is not None:
        return [invalid(field, "", "cannot set both resource and service backends")]
    if resource is not None:
        return []
    if service is None:
        return [required(field, "resource or service backend is required")]
    faults: Faults = []
    name, port = service.get("name", ""), service.get("port") or {}
    if not name:
        faults.append(required(f"{field}.service.name"))
    else:
        faults += all_invalid(f"{field}.service.name", name, formats.dns_1035_faults(name))
    if port.get("name") and port.get("number"):
        faults.append(invalid(field, "", "cannot set both port name & port number"))
    elif port.get("name"):
        details = formats.port_name_faults(port["name"])
        faults += all_invalid(f"{field}.service.port.name", port["name"], details)
    elif port.get("number"):
        details = formats.port_number_faults(port["number"])
        faults += all_invalid(f"{field}.service.port.number", port["number"], details)
    else:
        faults.append(required(field, "port name or number is required"))
    return faults


def validate_network_policy(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults = validate_selector(spec.get("podSelector"), "spec.podSelector")
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        for index, rule in enumerate(spec.get(direction) or ()):
            at = f"spec.{direction}[{index}]"
            for number, port in enumerate(rule.get("ports") or ()):
                faults += _policy_port(port, f"{at}.ports[{number}]")
            for number, peer in enumerate(rule.get(peers) or ()):
                faults += _peer(peer, f"{at}.{peers}[{number}]")
    types = spec.get("policyTypes") or []
    if len(types) > 2:
        detail = "may not specify more than two policyTypes"
        return [*faults, invalid("spec.policyTypes", types, detail)]
    for index, kind in enumerate(types):
        faults += one_of(f"spec.policyTypes[{index}]", kind, ("Ingress", "Egress"))
    return faults


def _policy_port(port: Value, field: str) -> Faults:
    faults = one_of(f"{field}.protocol", port.get("protocol"), ("TCP", "UDP", "SCTP"))
    number = port.get("port")
    if number is None:
        return faults
    faults += port_or_name(number, f"{field}.port")
    end = port.get("endPort")
    if end is not None and isinstance(number, int) and end < number:
        detail = "must be greater than or equal to `port`"
        faults.append(invalid(f"{field}.endPort", end, detail))
    return faults


def _peer(peer: Value, field: str) -> Faults:
    given = [name for name in ("podSelector", "namespaceSelector", "ipBlock") if name in peer]
    if not given:
        return [required(field, "must specify a peer")]
    faults: Faults = []
    if "ipBlock" in given and len(given) > 1:
        detail = "may not specify both ipBlock and another peer"
        return [forbidden(field, detail)]
    for name in given:
        if name == "ipBlock":
            faults += _block(peer[name], f"{field}.{name}")
        else:
            faults += validate_selector(peer[name], f"{field}.{name}")
    return faults


CIDR_FAULT = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"


def _block(block: Value, field: str) -> Faults:
    text = block.get("cidr", "")
    if not text:
        return [required(f"{field}.cidr")]
    whole = _network(text)
    if whole is None:
        return [invalid(f"{field}.cidr", text, CIDR_FAULT)]
    faults: Faults = []
    for index, inner in enumerate(block.get("except") or ()):
        at, part = f"{field}.except[{index}]", _network(inner)
        if part is None:
            faults.append(invalid(at, inner, CIDR_FAULT))
        elif part.version != whole.version or part == whole or not _contains(whole, part):
            faults.append(invalid(at, inner, "must be a strict subset of `cidr`"))
    return faults


def _network(text: str) -> Any:
    try:
        return ip_network(text, strict=False) if re.search(r"/\d+$", text) else None
    except ValueError:
        return None


def _contains(whole: Any, part: Any) -> bool:
    return bool(part.subnet_of(whole))


def validate_endpoint_slice(manifest: Manifest) -> Faults:
    kinds = ("IPv4", "IPv6", "FQDN")
    kind = manifest.get("addressType", "")
    faults = one_of("addressType", kind, kinds) if kind else [required("addressType")]
    for index, endpoint in enumerate(manifest.get("endpoints") or ()):
        addresses = endpoint.get("addresses") or []
        if not addresses:
            detail = "must contain at least 1 address"
            faults.append(required(f"endpoints[{index}].addresses", detail))
    return faults


def endpoint_slice_stays(old: Manifest, new: Manifest) -> Faults:
    return immutable("addressType", old.get("addressType"), new.get("addressType"))
