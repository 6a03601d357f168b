"""What a Service's EndpointSlices should say: one endpoint per pod, grouped by resolved ports.

Source of the rules: staging/src/k8s.io/endpointslice/{reconciler,utils}.go, trafficdist beside it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kiban.cluster.controllers.pod_state import state_of
from kiban.cluster.controllers.pods import is_ready, is_terminal
from kiban.kube.objects import Manifest, get_in, is_deleting, uid_of

ZONE_LABEL = "topology.kubernetes.io/zone"
_SAME_NODE = "PreferSameNode"
_NEAR = (_SAME_NODE, "PreferSameZone", "PreferClose")

Endpoint = dict[str, Any]
ZoneOf = Callable[[str], str]


class Port(NamedTuple):
    """One port as a slice says it."""

    name: str
    protocol: str
    port: int | None
    app_protocol: str = ""

    @property
    def object(self) -> dict[str, Any]:
        said: dict[str, Any] = {"name": self.name, "port": self.port, "protocol": self.protocol}
        return {**said, "appProtocol": self.app_protocol} if self.app_protocol else said


Ports = tuple[Port, ...]
Groups = Mapping[Ports, Sequence[Endpoint]]


class Known(NamedTuple):
    """An endpoint as it was made of these very objects."""

    pod: Manifest
    service: Manifest
    zone: str
    ports: Ports
    endpoint: Endpoint | None


def wanted_endpoints(
    service: Manifest, pods: Iterable[Manifest], zone_of: ZoneOf, known: dict[str, Known]
) -> Groups:
    """The endpoints of a service by the ports that they serve, in the order of the pods.

    `known` are those made before, by uid; it is brought up to date.
    """
    groups: dict[Ports, list[Endpoint]] = {}
    for pod in pods:
        state = state_of(pod)
        uid, zone = state.uid, zone_of(state.node)
        made = known.get(uid)
        if made is None or made.pod is not pod or made.service is not service or made.zone != zone:
            made = known[uid] = _made(service, pod, zone)
        if made.endpoint is not None:
            groups.setdefault(made.ports, []).append(made.endpoint)
    return groups


def _made(service: Manifest, pod: Manifest, zone: str) -> Known:
    address = address_of(service, pod)
    if not address or is_terminal(pod):
        return Known(pod, service, zone, (), None)
    endpoint = _endpoint(service, pod, address, zone)
    return Known(pod, service, zone, _ports(service, pod), endpoint)


def address_of(service: Manifest, pod: Manifest) -> str:
    """The pod's address of the service's family; empty while it has none."""
    wants_v6 = address_type(service) == "IPv6"
    entries = get_in(pod, "status", "podIPs", default=[])
    addresses = [entry.get("ip", "") for entry in entries]
    addresses = addresses or [get_in(pod, "status", "podIP", default="")]
    return next((ip for ip in addresses if ip and (":" in ip) == wants_v6), "")


def address_type(service: Manifest) -> str:
    families = get_in(service, "spec", "ipFamilies", default=["IPv4"])
    return families[0] if families else "IPv4"


def _endpoint(service: Manifest, pod: Manifest, address: str, zone: str) -> Endpoint:
    serving, terminating = is_ready(pod), is_deleting(pod)
    publishes_all = bool(service["spec"].get("publishNotReadyAddresses"))
    endpoint: Endpoint = {
        "addresses": [address],
        "conditions": {
            "ready": publishes_all or (serving and not terminating),
            "serving": serving,
            "terminating": terminating,
        },
        "targetRef": {
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"].get("namespace", ""),
            "uid": uid_of(pod),
        },
    }
    node = get_in(pod, "spec", "nodeName", default="")
    if node:
        endpoint["nodeName"] = node
        if zone:
            endpoint["zone"] = zone
    hostname = get_in(pod, "spec", "hostname", default="")
    if hostname and get_in(pod, "spec", "subdomain") == service["metadata"]["name"]:
        endpoint["hostname"] = hostname
    if endpoint["conditions"]["ready"] and (hints := _hints(service, node, zone)):
        endpoint["hints"] = hints
    return endpoint


def _hints(service: Manifest, node: str, zone: str) -> dict[str, Any]:
    """For whom the endpoint is near, where the service asks to be served from near by."""
    wish = service["spec"].get("trafficDistribution")
    hints: dict[str, Any] = {}
    if wish in _NEAR and zone:
        hints["forZones"] = [{"name": zone}]
    if wish == _SAME_NODE and node:
        hints["forNodes"] = [{"name": node}]
    return hints


def _ports(service: Manifest, pod: Manifest) -> Ports:
    """The service's ports as numbers of this pod; those that it does not have are left out."""
    found = []
    for port in service["spec"].get("ports") or ():
        number = _number(port, pod)
        if number is not None:
            found.append(
                Port(
                    port.get("name", ""),
                    port.get("protocol", "TCP"),
                    number,
                    port.get("appProtocol", ""),
                )
            )
    return tuple(sorted(found))


def _number(port: Mapping[str, Any], pod: Manifest) -> int | None:
    target = port.get("targetPort") or port["port"]
    if isinstance(target, int):
        return target
    protocol = port.get("protocol", "TCP")
    for part in ("containers", "initContainers"):
        for container in pod["spec"].get(part) or ():
            if part == "initContainers" and container.get("restartPolicy") != "Always":
                continue
            for entry in container.get("ports") or ():
                if entry.get("name") == target and entry.get("protocol", "TCP") == protocol:
                    number: int = entry["containerPort"]
                    return number
    return None
