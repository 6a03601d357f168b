"""Addresses and node ports of Services: given out on creation, kept on updates that leave them out.

Sources: kubernetes/pkg/registry/core/service/{storage/alloc.go,strategy.go}. Which addresses there
are is the networking package's decision.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

from kiban.cluster.admission.attempts import Attempt
from kiban.cluster.admission.service_families import check_families
from kiban.cluster.api.failures import Failure, invalid, wrong_value
from kiban.cluster.networking.addresses import AddressPlan
from kiban.kube.objects import SERVICE, Manifest

NODE_PORTS = range(30000, 32768)
HEADLESS = "None"

Spec = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ServiceAllocation:
    """The admission that gives Services of one cluster their addresses."""

    plan: AddressPlan

    def __call__(self, attempt: Attempt, service: Manifest) -> Manifest:
        if attempt.info.group_kind != SERVICE or attempt.verb == "DELETE" or attempt.subresource:
            return service
        spec: Spec = dict(service["spec"])
        old: Spec = (attempt.old or {}).get("spec") or {}
        if old:
            spec = _without_leftovers(spec, old)
        if spec.get("type") == "ExternalName":
            return {**service, "spec": spec}
        had = old if old.get("type") != "ExternalName" else {}
        spec = _in_step(spec, had)
        check_families(attempt, spec)
        if not spec.get("clusterIP"):
            address = self._free(attempt)
            spec.update(clusterIP=address, clusterIPs=[address])
        elif not had:
            self._check_wanted(attempt, spec["clusterIP"])
        spec = _with_node_ports(attempt, spec, old)
        return {**service, "spec": _with_health_port(attempt, spec, old)}

    def _free(self, attempt: Attempt) -> str:
        address = self.plan.service_address(attempt.namespace, attempt.name, _taken(attempt))
        if address is None:
            raise Failure(
                500, "InternalError", "Internal error occurred: failed to allocate a serviceIP"
            )
        return address

    def _check_wanted(self, attempt: Attempt, address: str) -> None:
        """An address the client chose: it must be one, of ours, and free."""
        if address == HEADLESS or not _is_address(address):
            return
        why = ""
        if ":" in address or not self.plan.is_service_address(address):
            why = (
                f"the provided IP ({address}) is not in the valid range. The range of valid IPs "
                f"is {self.plan.service_cidr}"
            )
        elif address in _taken(attempt):
            why = "provided IP is already allocated"
        if why:
            said = f"failed to allocate IP {address}: {why}"
            cause = wrong_value("spec.clusterIPs", f'["{address}"]', said)
            raise invalid(attempt.info, attempt.name, [cause])


def _in_step(spec: Spec, had: Spec) -> Spec:
    """The spec with its address in both of its fields: clients may know the older one only."""
    spec = dict(spec)
    if not spec.get("clusterIP") and had.get("clusterIP"):
        spec["clusterIP"] = had["clusterIP"]
    if not spec.get("clusterIPs") and had.get("clusterIPs"):
        spec["clusterIPs"] = had["clusterIPs"]
    changed = had and spec["clusterIP"] != had.get("clusterIP")
    if changed and spec.get("clusterIPs") == had.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    return spec


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _taken(attempt: Attempt) -> dict[str, None]:
    services = attempt.store.list(SERVICE)
    # Asked for every new Service, of all there are: a thousand of them are half a million looks.
    return {other["spec"].get("clusterIP", ""): None for other in services}


# Node ports


def _with_node_ports(attempt: Attempt, spec: Spec, old: Spec) -> Spec:
    """Every port of a service reached from outside has a node port, the old one if it had one."""
    wants = spec.get("type") == "NodePort" or (
        spec.get("type") == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts", True)
    )
    if not wants:
        return spec
    said = {port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")}
    before = {port.get("name", ""): port.get("nodePort") for port in old.get("ports") or ()}
    kept = {name: port for name, port in before.items() if port not in said}
    used = _used_ports(attempt)
    free = _free_ports(attempt, used)
    ports = []
    # A port for two protocols is the same outside, too.
    given: dict[int, int] = {}
    for index, port in enumerate(spec.get("ports") or ()):
        wanted = port.get("nodePort") or kept.get(port.get("name", ""))
        if not wanted:
            wanted = (not old and given.get(port.get("port", 0))) or next(free)
        elif wanted not in before.values():
            _check_port(attempt, index, wanted, used)
        given[port.get("port", 0)] = wanted
        ports.append({**port, "nodePort": wanted})
    return {**spec, "ports": ports}


# What a type needs that others do not, and loses unchanged when the type changes
# (strategy.go, dropTypeDependentFields).
_ADDRESSED = ("clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy")


def _without_leftovers(spec: Spec, old: Spec) -> Spec:
    """The spec without what only its former type needed, as far as it is what it was."""
    left: list[str] = []
    if spec.get("type") == "ExternalName" != old.get("type"):
        left += _ADDRESSED
    if old.get("type") == "LoadBalancer" != spec.get("type"):
        left += ["allocateLoadBalancerNodePorts", "loadBalancerClass"]
    if _is_reached_from_outside(old) and not _is_reached_from_outside(spec):
        left.append("externalTrafficPolicy")
        spec = _without_old_ports(spec, old)
    if _is_checked(old) and not _is_checked(spec):
        left.append("healthCheckNodePort")
    return {k: v for k, v in spec.items() if k not in left or v != old.get(k)}


def _is_reached_from_outside(spec: Spec) -> bool:
    return spec.get("type") in ("NodePort", "LoadBalancer")


def _is_checked(spec: Spec) -> bool:
    """Whether the load balancer asks each node if it has a pod of the service."""
    return spec.get("type") == "LoadBalancer" and spec.get("externalTrafficPolicy") == "Local"


def _with_health_port(attempt: Attempt, spec: Spec, old: Spec) -> Spec:
    if not _is_checked(spec) or spec.get("healthCheckNodePort"):
        return spec
    kept = old.get("healthCheckNodePort") if _is_checked(old) else None
    used = _used_ports(attempt) | {port.get("nodePort", 0): None for port in spec["ports"]}
    return {**spec, "healthCheckNodePort": kept or next(_free_ports(attempt, used))}


def _without_old_ports(spec: Spec, old: Spec) -> Spec:
    """A service that is no longer reached from outside gives its node ports back."""
    kept = {port.get("nodePort") for port in old.get("ports") or ()}
    ports = [
        {k: v for k, v in port.items() if k != "nodePort" or v not in kept}
        for port in spec.get("ports") or ()
    ]
    return {**spec, "ports": ports} if ports else spec


def _used_ports(attempt: Attempt) -> dict[int, None]:
    own = (attempt.namespace, attempt.name)
    return {
        port: None
        for other in attempt.store.list(SERVICE)
        if (other["metadata"]["namespace"], other["metadata"]["name"]) != own
        for port in _ports_of(other["spec"])
    }


def _ports_of(spec: Spec) -> list[int]:
    ports = [port["nodePort"] for port in spec.get("ports") or () if port.get("nodePort")]
    checked = spec.get("healthCheckNodePort")
    return [*ports, checked] if checked else ports


def _free_ports(attempt: Attempt, used: dict[int, None]) -> Iterator[int]:
    """Ports no service has, from a place that follows from the service's name, so that a service
    made anew finds its old port again."""
    seed = blake2b(f"{attempt.namespace}/{attempt.name}".encode(), digest_size=8).digest()
    start = int.from_bytes(seed) % len(NODE_PORTS)
    for offset in range(len(NODE_PORTS)):
        port = NODE_PORTS[(start + offset) % len(NODE_PORTS)]
        if port not in used:
            used[port] = None
            yield port
    raise Failure(500, "InternalError", "Internal error occurred: no node port is left")


def _check_port(attempt: Attempt, index: int, port: int, used: dict[int, None]) -> None:
    why = ""
    if port not in NODE_PORTS:
        why = (
            "provided port is not in the valid range. The range of valid ports is "
            f"{NODE_PORTS.start}-{NODE_PORTS.stop - 1}"
        )
    elif port in used:
        why = "provided port is already allocated"
    if why:
        cause = wrong_value(f"spec.ports[{index}].nodePort", str(port), why)
        raise invalid(attempt.info, attempt.name, [cause])
