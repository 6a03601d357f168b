"""Rules for Services and Endpoints.

Source: k8s.io/kubernetes/pkg/apis/core/validation/validation.go.
"""

from typing import Any

from kiban.kube import formats
from kiban.kube.objects import Manifest
from kiban.kube.validation.addresses import (
    address_faults,
    endpoint_address_faults,
    network_faults,
    parsed_address,
)
from kiban.kube.validation.faults import (
    Faults,
    all_invalid,
    duplicate,
    forbidden,
    invalid,
    one_of,
    required,
    unsupported,
)
from kiban.kube.validation.handlers import port_or_name
from kiban.kube.validation.metadata import validate_labels

Value = dict[str, Any]

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_POLICIES = ("Cluster", "Local")
_FAMILIES = ("IPv4", "IPv6")
_FAMILY_POLICIES = ("PreferDualStack", "RequireDualStack", "SingleStack")
_NEAR = ("PreferClose", "PreferSameZone", "PreferSameNode")
_LONGEST_AFFINITY = 86400
_ONLY_BALANCED = "may only be used when `type` is 'LoadBalancer'"
_ONCE = "may not change once set"


def is_headless(spec: Value) -> bool:
    return (spec.get("clusterIPs") or [spec.get("clusterIP")]) == ["None"]


def validate_service(manifest: Manifest) -> Faults:
    spec = manifest.get("spec") or {}
    kind, ports = spec["type"], spec.get("ports") or []
    faults: Faults = []
    if not ports and not is_headless(spec) and kind != "ExternalName":
        faults.append(required("spec.ports"))
    if kind in ("LoadBalancer", "NodePort") and is_headless(spec):
        detail = f"may not be set to 'None' for {kind} services"
        faults.append(invalid("spec.clusterIPs[0]", "None", detail))
    if kind == "ExternalName":
        faults += _external_name(spec)
    faults += _ports(ports)
    faults += validate_labels(spec.get("selector"), "spec.selector")
    faults += _affinity(spec)
    if kind != "ExternalName":
        faults += _addresses(spec)
    for index, address in enumerate(spec.get("externalIPs") or ()):
        at = f"spec.externalIPs[{index}]"
        faults += address_faults(address, at) or endpoint_address_faults(address, at)
    faults += one_of("spec.type", kind, _TYPES)
    if kind == "ClusterIP":
        detail = "may not be used when `type` is 'ClusterIP'"
        for index, port in enumerate(ports):
            if port.get("nodePort"):
                faults.append(forbidden(f"spec.ports[{index}].nodePort", detail))
    return faults + _repeated_ports(ports) + _balancer(spec) + _traffic(spec)


def _external_name(spec: Value) -> Faults:
    faults: Faults = []
    for name in ("clusterIPs", "ipFamilies", "ipFamilyPolicy"):
        if spec.get(name):
            detail = "may not be set for ExternalName services"
            faults.append(forbidden(f"spec.{name}", detail))
    name = spec.get("externalName", "").removesuffix(".")
    if not name:
        return [*faults, required("spec.externalName")]
    return faults + all_invalid("spec.externalName", name, formats.dns_subdomain_faults(name))


def _ports(ports: list[Value]) -> Faults:
    faults: Faults = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"spec.ports[{index}]"
        faults += _port_name(port.get("name", ""), at, names, needed=len(ports) > 1)
        number = port.get("port", 0)
        faults += all_invalid(f"{at}.port", number, formats.port_number_faults(number))
        faults += one_of(f"{at}.protocol", port.get("protocol", ""), _PROTOCOLS)
        faults += port_or_name(port.get("targetPort"), f"{at}.targetPort")
        protocol = port.get("appProtocol")
        if protocol is not None:
            details = formats.label_key_faults(protocol)
            faults += all_invalid(f"{at}.appProtocol", protocol, details)
    return faults


def _port_name(name: str, field: str, names: set[str], *, needed: bool) -> Faults:
    if not name:
        return [required(f"{field}.name")] if needed else []
    faults = all_invalid(f"{field}.name", name, formats.dns_label_faults(name))
    if name in names:
        faults.append(duplicate(f"{field}.name", name))
    names.add(name)
    return faults


def _repeated_ports(ports: list[Value]) -> Faults:
    faults: Faults = []
    taken: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("nodePort"))
        if key[1] and key in taken:
            faults.append(duplicate(f"spec.ports[{index}].nodePort", key[1]))
        taken.add(key)
    seen: set[tuple[Any, Any]] = set()
    for index, port in enumerate(ports):
        key = (port.get("protocol"), port.get("port"))
        if key in seen:
            faults.append(duplicate(f"spec.ports[{index}]", _shown_port(*key)))
        seen.add(key)
    return faults


def _shown_port(protocol: Any, port: Any) -> Value:
    """A port as messages show it: by the server's own field names."""
    return {
        "Name": "",
        "Protocol": protocol,
        "AppProtocol": None,
        "Port": port,
        "TargetPort": 0,
        "NodePort": 0,
    }


def _affinity(spec: Value) -> Faults:
    kind, config = spec["sessionAffinity"], spec.get("sessionAffinityConfig")
    at = "spec.sessionAffinityConfig"
    faults = one_of("spec.sessionAffinity", kind, ("ClientIP", "None"))
    if kind == "None" and config is not None:
        detail = "must not be set when session affinity is None"
        return [*faults, forbidden(at, detail)]
    if kind != "ClientIP":
        return faults
    detail = "when session affinity type is ClientIP"
    if config is None:
        return [*faults, required(at, detail)]
    if config.get("clientIP") is None:
        return [*faults, required(f"{at}.clientIP", detail)]
    seconds = config["clientIP"].get("timeoutSeconds")
    if seconds is None:
        return [*faults, required(f"{at}.clientIP.timeoutSeconds", detail)]
    if not 0 < seconds <= _LONGEST_AFFINITY:
        detail = f"must be greater than 0 and less than {_LONGEST_AFFINITY}"
        faults.append(invalid(f"{at}.clientIP.timeoutSeconds", seconds, detail))
    return faults


def _addresses(spec: Value) -> Faults:
    address, addresses = spec.get("clusterIP", ""), spec.get("clusterIPs") or []
    at = "spec.clusterIPs"
    faults: Faults = []
    if address and not addresses:
        faults.append(required(at))
    elif address and addresses[0] != address:
        faults.append(invalid(at, addresses, "first value must match `clusterIP`"))
    elif not address and addresses:
        detail = "must be empty when `clusterIP` is not specified"
        faults.append(invalid(at, addresses, detail))
    faults += _families(spec)
    wrong = False
    for index, text in enumerate(addresses):
        if index == 0 and text == "None":
            if len(addresses) > 1:
                wrong = True
                detail = "'None' must be the first and only value"
                faults.append(invalid(at, addresses, detail))
            continue
        found = address_faults(text, f"{at}[{index}]")
        wrong = wrong or bool(found)
        faults += found
    if len(addresses) > 2:
        faults.append(invalid(at, addresses, "may only hold up to 2 values"))
    return faults if wrong else faults + _stacks(spec, addresses)


def _families(spec: Value) -> Faults:
    faults: Faults = []
    families = spec.get("ipFamilies") or []
    for index, family in enumerate(families):
        at = f"spec.ipFamilies[{index}]"
        if family not in _FAMILIES:
            faults.append(unsupported(at, family, _FAMILIES))
        if family in families[:index]:
            faults.append(duplicate(at, family))
    policy = spec.get("ipFamilyPolicy")
    if policy is not None and policy not in _FAMILY_POLICIES:
        faults.append(unsupported("spec.ipFamilyPolicy", policy, _FAMILY_POLICIES))
    return faults


def _stacks(spec: Value, addresses: list[str]) -> Faults:
    """One address of each family, as the families say."""
    faults: Faults = []
    found = [f"IPv{parsed.version}" for parsed in map(parsed_address, addresses) if parsed]
    if len(addresses) > 1 and sorted(found) != ["IPv4", "IPv6"]:
        detail = "may specify no more than one IP for each IP family"
        faults.append(invalid("spec.clusterIPs", addresses, detail))
    families = spec.get("ipFamilies") or ()
    for index, (family, wanted) in enumerate(zip(found, families, strict=False)):
        if family != wanted and wanted in _FAMILIES:
            detail = f"expected an {wanted} value as indicated by `ipFamilies[{index}]`"
            faults.append(invalid(f"spec.clusterIPs[{index}]", addresses[index], detail))
    return faults


def _balancer(spec: Value) -> Faults:
    balanced = spec["type"] == "LoadBalancer"
    faults: Faults = []
    ranges = spec.get("loadBalancerSourceRanges") or ()
    if ranges and not balanced:
        faults.append(forbidden("spec.LoadBalancerSourceRanges", _ONLY_BALANCED))
    for index, text in enumerate(ranges):
        at = f"spec.LoadBalancerSourceRanges[{index}]"
        faults += network_faults(text.strip(), at)
    if spec.get("allocateLoadBalancerNodePorts") is not None and not balanced:
        faults.append(forbidden("spec.allocateLoadBalancerNodePorts", _ONLY_BALANCED))
    name = spec.get("loadBalancerClass")
    if name is not None and balanced:
        details = formats.label_key_faults(name)
        faults += all_invalid("spec.loadBalancerClass", name, details)
    elif name is not None:
        faults.append(forbidden("spec.loadBalancerClass", _ONLY_BALANCED))
    return faults


def _is_reachable(spec: Value) -> bool:
    """From outside of the cluster."""
    if spec["type"] in ("LoadBalancer", "NodePort"):
        return True
    return spec["type"] == "ClusterIP" and bool(spec.get("externalIPs"))


def _traffic(spec: Value) -> Faults:
    faults: Faults = []
    policy, at = spec.get("externalTrafficPolicy"), "spec.externalTrafficPolicy"
    if policy and not _is_reachable(spec):
        detail = "may only be set for externally-accessible services"
        faults.append(invalid(at, policy, detail))
    elif policy:
        faults += one_of(at, policy, _POLICIES)
    checked = spec["type"] == "LoadBalancer" and policy == "Local"
    if spec.get("healthCheckNodePort") and not checked:
        detail = (
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        )
        at = "spec.healthCheckNodePort"
        faults.append(invalid(at, spec["healthCheckNodePort"], detail))
    for name, known in (("internalTrafficPolicy", _POLICIES), ("trafficDistribution", _NEAR)):
        value = spec.get(name)
        if value is not None and value not in known:
            faults.append(unsupported(f"spec.{name}", value, known))
    return faults


def service_stays(old: Manifest, new: Manifest) -> Faults:
    """Addresses and families of a service that has them stay while its type does."""
    before, after = old.get("spec") or {}, new.get("spec") or {}
    if "ExternalName" in (before.get("type"), after.get("type")):
        return _class_stays(before, after)
    faults: Faults = []
    if not (is_headless(before) and is_headless(after)):
        faults += _listed_stay("clusterIPs", before, after)
    if not is_headless(before) and not is_headless(after):
        faults += _listed_stay("ipFamilies", before, after)
    return faults + _class_stays(before, after)


def _listed_stay(name: str, before: Value, after: Value) -> Faults:
    """A second value may come and go, the first one not."""
    was, now, at = before.get(name) or [], after.get(name) or [], f"spec.{name}"
    if len(was) == len(now):
        indexes = [0] * len(was) if name == "ipFamilies" else range(len(was))
        return [
            invalid(f"{at}[{shown}]", now, _ONCE)
            for index, shown in enumerate(indexes)
            if was[index] != now[index]
        ]
    if was and not now:
        what = "clusterIP" if name == "clusterIPs" else "ipFamily"
        return [invalid(f"{at}[0]", None, f"primary {what} can not be unset")]
    if was and was[0] != now[0]:
        return [invalid(f"{at}[0]", now, _ONCE)]
    policy = after.get("ipFamilyPolicy")
    if len(was) > len(now) == 1 and policy != "SingleStack":
        what = "clusterIP" if name == "clusterIPs" else "ipFamily"
        detail = f"must be set to 'SingleStack' when releasing the secondary {what}"
        return [invalid("spec.ipFamilyPolicy", policy, detail)]
    return []


def _class_stays(before: Value, after: Value) -> Faults:
    if before.get("type") != "LoadBalancer" or after.get("type") != "LoadBalancer":
        return []
    was, now = before.get("loadBalancerClass"), after.get("loadBalancerClass")
    return [] if was == now else [invalid("spec.loadBalancerClass", now, _ONCE)]


# Endpoints


def validate_endpoints(manifest: Manifest) -> Faults:
    faults: Faults = []
    for index, subset in enumerate(manifest.get("subsets") or ()):
        at = f"subsets[{index}]"
        if not subset.get("addresses") and not subset.get("notReadyAddresses"):
            detail = "must specify `addresses` or `notReadyAddresses`"
            faults.append(required(at, detail))
        for kind in ("addresses", "notReadyAddresses"):
            for number, address in enumerate(subset.get(kind) or ()):
                faults += _endpoint(address, f"{at}.{kind}[{number}]")
        ports = subset.get("ports") or ()
        for number, port in enumerate(ports):
            faults += _endpoint_port(port, f"{at}.ports[{number}]", needed=len(ports) > 1)
    return faults


def _endpoint(address: Value, field: str) -> Faults:
    text, host, node = address.get("ip", ""), address.get("hostname"), address.get("nodeName")
    faults = address_faults(text, f"{field}.ip")
    if host:
        faults += all_invalid(f"{field}.hostname", host, formats.dns_label_faults(host))
    if node is not None:
        faults += all_invalid(f"{field}.nodeName", node, formats.dns_subdomain_faults(node))
    return faults + endpoint_address_faults(text, f"{field}.ip")


def _endpoint_port(port: Value, field: str, *, needed: bool) -> Faults:
    faults = _port_name(port.get("name", ""), field, set(), needed=needed)
    number = port.get("port", 0)
    faults += all_invalid(f"{field}.port", number, formats.port_number_faults(number))
    faults += one_of(f"{field}.protocol", port.get("protocol", ""), _PROTOCOLS)
    protocol = port.get("appProtocol")
    if protocol is not None:
        details = formats.label_key_faults(protocol)
        faults += all_invalid(f"{field}.appProtocol", protocol, details)
    return faults
