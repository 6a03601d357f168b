"""Which pods answer for a port of a service right now, from its EndpointSlices.

The rule is kube-proxy's (pkg/proxy/topology.go): the ready ones; when there is none, those that
are terminating and still serve, so that the last pod of a service can finish its work.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kiban.kube.objects import ENDPOINT_SLICE, Manifest, labels_of
from kiban.reconcile.controller import Snapshot

# discovery.k8s.io: the label that names the Service of a slice.
SERVICE_NAME_LABEL = "kubernetes.io/service-name"

Slices = Mapping[tuple[str, str], Sequence[Manifest]]


class Endpoint(NamedTuple):
    """One pod's address and port."""

    address: str
    port: int


def slices_by_service(snapshot: Snapshot) -> Slices:
    """All EndpointSlices of a cluster, by namespace and name of their Service."""
    found: dict[tuple[str, str], list[Manifest]] = {}
    for slice_ in snapshot.list(ENDPOINT_SLICE):
        service = labels_of(slice_).get(SERVICE_NAME_LABEL, "")
        found.setdefault((slice_["metadata"].get("namespace", ""), service), []).append(slice_)
    return found


def endpoints_of(port_name: str, slices: Iterable[Manifest]) -> tuple[Endpoint, ...]:
    """The endpoints that get new connections on a service port, sorted."""
    ready: list[Endpoint] = []
    leaving: list[Endpoint] = []
    for slice_ in slices:
        port = _port_of(slice_, port_name)
        if port is None:
            continue
        for endpoint in slice_.get("endpoints") or []:
            place = _place_of(endpoint, ready=ready, leaving=leaving)
            if place is not None and endpoint.get("addresses"):
                place.append(Endpoint(endpoint["addresses"][0], port))
    return tuple(sorted(set(ready or leaving)))


def _port_of(slice_: Manifest, name: str) -> int | None:
    ports = slice_.get("ports") or []
    return next((port.get("port") for port in ports if (port.get("name") or "") == name), None)


def _place_of(
    endpoint: Mapping[str, Any], *, ready: list[Endpoint], leaving: list[Endpoint]
) -> list[Endpoint] | None:
    conditions = endpoint.get("conditions") or {}
    is_ready = conditions.get("ready") is not False
    serves = conditions.get("serving")
    if is_ready:
        return ready
    return leaving if serves and conditions.get("terminating") else None
