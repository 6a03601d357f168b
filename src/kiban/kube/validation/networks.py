"""Rules for Ingresses, IngressClasses, NetworkPolicies and EndpointSlices.

Source: k8s.io/kubernetes/pkg/apis/{networking,discovery}/validation.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.addresses import (
    endpoint_address_faults,
    network_faults,
    parsed_address,
    parsed_network,
)
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
from kiban.kube.validation.jobs import domain_prefixed_path, too_many
from kiban.kube.validation.selectors import validate_selector

Value = dict[str, Any]

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_IN_PATHS = ("//", "/./", "/../", "%2f", "%2F")
_AT_PATH_ENDS = ("/..", "/.")
_CLASS_ANNOTATION = "kubernetes.io/ingress.class"


def validate_ingress(manifest: Manifest) -> Faults:
    """An Ingress that is created."""
    faults = validate_changed_ingress(manifest)
    said = (manifest["metadata"].get("annotations") or {}).get(_CLASS_ANNOTATION)
    name = (manifest.get("spec") or {}).get("ingressClassName")
    if said is not None and name is not None and said != name:
        detail = "must match `ingressClassName` when both are specified"
        faults.append(invalid(f"annotations.{_CLASS_ANNOTATION}", said, detail))
    return faults


def validate_changed_ingress(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults: Faults = []
    backend, rules = spec.get("defaultBackend"), spec.get("rules") or []
    if not backend and not rules:
        detail = "either `defaultBackend` or `rules` must be specified"
        faults.append(invalid("spec", None, detail))
    if backend:
        faults += _backend(backend, "spec.defaultBackend")
    for index, rule in enumerate(rules):
        faults += _ingress_rule(rule, f"spec.rules[{index}]")
    for index, entry in enumerate(spec.get("tls") or ()):
        for number, host in enumerate(entry.get("hosts") or ()):
            faults += _host(host, f"spec.tls[{index}].hosts[{number}]")
        secret = entry.get("secretName", "")
        if secret:
            details = formats.dns_subdomain_faults(secret)
            faults += all_invalid(f"spec.tls[{index}].secretName", secret, details)
    name = spec.get("ingressClassName")
    if name is not None:
        details = formats.dns_subdomain_faults(name)
        faults += all_invalid("spec.ingressClassName", name, details)
    return faults


def _ingress_rule(rule: Value, field: str) -> Faults:
    host, http = rule.get("host", ""), rule.get("http")
    faults: Faults = []
    if host:
        if parsed_address(host) is not None:
            detail = "must be a DNS name, not an IP address"
            faults.append(invalid(f"{field}.host", host, detail))
        faults += _host(host, f"{field}.host")
    if http is not None and not http.get("paths"):
        faults.append(required(f"{field}.http.paths"))
    for number, path in enumerate((http or {}).get("paths") or ()):
        faults += _path(path, f"{field}.http.paths[{number}]")
    return faults


def _host(host: str, field: str) -> Faults:
    check = formats.wildcard_faults if "*" in host else formats.dns_subdomain_faults
    return all_invalid(field, host, check(host))


def _path(path: Value, field: str) -> Faults:
    kind, text, at = path.get("pathType"), path.get("path", ""), f"{field}.path"
    faults: Faults = []
    if kind is None:
        return [required(f"{field}.pathType", "pathType must be specified")]
    if kind in ("Exact", "Prefix"):
        if not text.startswith("/"):
            faults.append(invalid(at, text, "must be an absolute path"))
        for mark in _IN_PATHS:
            if mark in text:
                faults.append(invalid(at, text, f"must not contain '{mark}'"))
        for mark in _AT_PATH_ENDS:
            if text.endswith(mark):
                faults.append(invalid(at, text, f"cannot end with '{mark}'"))
    elif kind != "ImplementationSpecific":
        faults.append(unsupported(f"{field}.pathType", kind, _PATH_TYPES))
    elif text and not text.startswith("/"):
        faults.append(invalid(at, text, "must be an absolute path"))
    return faults + _backend(path.get("backend") or {}, f"{field}.backend")


def _backend(backend: Value, field: str) -> Faults:
    service, resource = backend.get("service"), backend.get("resource")
    if resource is not None and service is not None:
        return [invalid(field, "", "cannot set both resource and service backends")]
    if resource is not None:
        return _typed_reference(resource, f"{field}.resource")
    if service is None:
        return [invalid(field, "", "resource or service backend is required")]
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


def _typed_reference(reference: Value, field: str) -> Faults:
    group = reference.get("apiGroup")
    faults: Faults = []
    if group is not None:
        faults += all_invalid(f"{field}.apiGroup", group, formats.dns_subdomain_faults(group))
    for name in ("kind", "name"):
        value = reference.get(name, "")
        if not value:
            faults.append(required(f"{field}.{name}"))
        else:
            details = formats.path_segment_faults(value)
            faults += all_invalid(f"{field}.{name}", value, details)
    return faults


# Ingress classes


def validate_ingress_class(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    faults = domain_prefixed_path(spec.get("controller", ""), "spec.controller")
    parameters, at = spec.get("parameters"), "spec.parameters"
    if parameters is None:
        return faults
    faults += _typed_reference(parameters, at)
    scope, namespace = parameters.get("scope"), parameters.get("namespace")
    if scope is None:
        return [*faults, required(f"{at}.scope")]
    if scope not in ("Cluster", "Namespace"):
        return [*faults, unsupported(f"{at}.scope", scope, ("Cluster", "Namespace"))]
    if scope == "Namespace" and namespace is None:
        detail = "`parameters.scope` is set to 'Namespace'"
        faults.append(required(f"{at}.namespace", detail))
    elif scope == "Namespace":
        details = formats.dns_label_faults(namespace)
        faults += all_invalid(f"{at}.namespace", namespace, details)
    elif namespace is not None:
        faults.append(forbidden(f"{at}.namespace", "`parameters.scope` is set to 'Cluster'"))
    return faults


def ingress_class_stays(old: Manifest, new: Manifest) -> Faults:
    was, now = ((m.get("spec") or {}).get("controller") for m in (old, new))
    return immutable("spec.controller", was, now)


# Network policies


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
    protocol = port.get("protocol")
    faults: Faults = []
    if protocol is not None:
        faults += one_of(f"{field}.protocol", protocol, ("TCP", "UDP", "SCTP"))
    number, end, at = port.get("port"), port.get("endPort"), f"{field}.endPort"
    if number is None:
        if end is not None:
            faults.append(invalid(at, end, "may not be specified when `port` is not specified"))
        return faults
    if isinstance(number, str):
        if end is not None:
            faults.append(invalid(at, end, "may not be specified when `port` is non-numeric"))
        return faults + all_invalid(f"{field}.port", number, formats.port_name_faults(number))
    faults += all_invalid(f"{field}.port", number, formats.port_number_faults(number))
    if end is not None:
        if end < number:
            faults.append(invalid(at, end, "must be greater than or equal to `port`"))
        faults += all_invalid(at, end, formats.port_number_faults(end))
    return faults


def _peer(peer: Value, field: str) -> Faults:
    given = [
        name
        for name in ("podSelector", "namespaceSelector", "ipBlock")
        if peer.get(name) is not None
    ]
    if not given:
        return [required(field, "must specify a peer")]
    faults: Faults = []
    for name in given:
        if name == "ipBlock":
            faults += _block(peer[name], f"{field}.{name}")
        else:
            faults += validate_selector(peer[name], f"{field}.{name}")
    if "ipBlock" in given and len(given) > 1:
        faults.append(forbidden(field, "may not specify both ipBlock and another peer"))
    return faults


def _block(block: Value, field: str) -> Faults:
    text = block.get("cidr", "")
    if not text:
        return [required(f"{field}.cidr")]
    faults = network_faults(text, f"{field}.cidr")
    whole = parsed_network(text)
    if whole is None:
        return faults
    for index, inner in enumerate(block.get("except") or ()):
        at, part = f"{field}.except[{index}]", parsed_network(inner)
        if part is None:
            faults += network_faults(inner, at)
        elif part.version != whole.version or part == whole or not part.subnet_of(whole):
            faults.append(invalid(at, inner, "must be a strict subset of `cidr`"))
    return faults


# Endpoint slices

_ADDRESS_TYPES = ("FQDN", "IPv4", "IPv6")
_MOST_ADDRESSES, _MOST_ENDPOINTS, _MOST_PORTS = 100, 1000, 20000


def validate_endpoint_slice(manifest: Manifest) -> Faults:
    kind = manifest.get("addressType", "")
    faults: Faults = [] if kind else [required("addressType")]
    faults += one_of("addressType", kind, _ADDRESS_TYPES) if kind else []
    endpoints = manifest.get("endpoints") or ()
    if len(endpoints) > _MOST_ENDPOINTS:
        faults.append(too_many("endpoints", len(endpoints), _MOST_ENDPOINTS))
        endpoints = ()
    for index, endpoint in enumerate(endpoints):
        faults += _endpoint(endpoint, kind, f"endpoints[{index}]")
    return faults + _slice_ports(manifest.get("ports") or ())


def _endpoint(endpoint: Value, kind: str, field: str) -> Faults:
    addresses, at = endpoint.get("addresses") or [], f"{field}.addresses"
    faults: Faults = []
    if not addresses:
        faults.append(required(at, "must contain at least 1 address"))
    elif len(addresses) > _MOST_ADDRESSES:
        faults.append(too_many(at, len(addresses), _MOST_ADDRESSES))
    for index, address in enumerate(addresses):
        faults += _slice_address(address, kind, f"{at}[{index}]")
    host, node = endpoint.get("hostname"), endpoint.get("nodeName")
    if node is not None:
        faults += all_invalid(f"{field}.nodeName", node, formats.dns_subdomain_faults(node))
    if host is not None:
        faults += all_invalid(f"{field}.hostname", host, formats.dns_label_faults(host))
    return faults


def _slice_address(address: str, kind: str, field: str) -> Faults:
    if kind == "FQDN":
        return _full_name(address, field)
    if kind not in ("IPv4", "IPv6"):
        return []
    parsed = parsed_address(address)
    if parsed is None or f"IPv{parsed.version}" != kind:
        faults = [invalid(field, address, f"must be a valid {kind} address")]
        return faults + (endpoint_address_faults(address, field) if parsed is None else [])
    return endpoint_address_faults(address, field)


def _full_name(name: str, field: str) -> Faults:
    if not name:
        return [required(field)]
    name = name.removesuffix(".")
    details = formats.dns_subdomain_faults(name)
    faults = [invalid(field, name, detail) for detail in details]
    if not details and len(name.split(".")) < 2:
        detail = "should be a domain with at least two segments separated by dots"
        faults.append(invalid(field, name, detail))
    return faults


def _slice_ports(ports: Any) -> Faults:
    if len(ports) > _MOST_PORTS:
        return [too_many("ports", len(ports), _MOST_PORTS)]
    faults: Faults = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        at, name = f"ports[{index}]", port.get("name") or ""
        if name:
            faults += all_invalid(f"{at}.name", name, formats.dns_label_faults(name))
        if name in names:
            faults.append(duplicate(f"{at}.name", name))
        names.add(name)
        faults += one_of(f"{at}.protocol", port.get("protocol"), ("SCTP", "TCP", "UDP"))
        number = port.get("port")
        if number is not None:
            faults += all_invalid(f"{at}.port", number, formats.port_number_faults(number))
        protocol = port.get("appProtocol")
        if protocol is not None:
            details = formats.label_key_faults(protocol)
            faults += all_invalid(f"{at}.appProtocol", protocol, details)
    return faults


def endpoint_slice_stays(old: Manifest, new: Manifest) -> Faults:
    return immutable("addressType", old.get("addressType"), new.get("addressType"))
