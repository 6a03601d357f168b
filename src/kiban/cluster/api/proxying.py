"""Requests that are passed on: `pods/NAME/proxy/…`, `services/NAME/proxy/…`, `nodes/NAME/proxy/…`.

The name may say scheme and port (`https:NAME:PORT`). Pods and services are reached by the adapter;
of nodes, whose kubelets are part of this process, the few paths that clients ask for are answered
here. Source: kubernetes/pkg/registry/core/{pod,service,node}/rest.
"""

import orjson

from kiban.cluster.api import bodies
from kiban.cluster.api.failures import Failure, bad_request, not_found
from kiban.cluster.api.routing import Target
from kiban.cluster.api.values import Proxied, Request, Response
from kiban.cluster.api.world import World
from kiban.cluster.networking.endpoints import SERVICE_NAME_LABEL, endpoints_of
from kiban.kube.kinds import KindInfo
from kiban.kube.objects import ENDPOINT_SLICE, NODE, POD, SERVICE, Key, Manifest, get_in, labels_of
from kiban.primitives.digits import whole_number
from kiban.primitives.instants import Instant

DEFAULT_PORT = 80
# The parts of `/api/v1/namespaces/NAMESPACE/pods/NAME/proxy`.
_DEPTH = 7
TEXT = "text/plain; charset=utf-8"


def answer(
    world: World, request: Request, target: Target, info: KindInfo, now: Instant
) -> Response:
    """An errand for the adapter, or a node's own answer. Raises `Failure`."""
    bodies.check_size(request)
    scheme, name, port = _parts(target.name)
    if info.group_kind == NODE:
        return _of_node(world, target, info, name)
    if info.group_kind == POD:
        address, number = _pod_place(world, target, info, name, port)
    else:
        address, number = _service_place(world, target, info, name, port)
    return Response(200, errand=Proxied(scheme, address, number, _DEPTH, request.body))


def _parts(text: str) -> tuple[str, str, str]:
    """Scheme, name and port of `[SCHEME:]NAME[:PORT]`."""
    parts = text.split(":")
    match parts:
        case [name]:
            return "http", name, ""
        case [name, port] if name not in ("http", "https"):
            return "http", name, port
        case [scheme, name] | [scheme, name, ""]:
            return scheme or "http", name, ""
        case [scheme, name, port] if scheme in ("http", "https", ""):
            return scheme or "http", name, port
    raise bad_request(f'invalid request "{text}"')


def _pod_place(
    world: World, target: Target, info: KindInfo, name: str, port: str
) -> tuple[str, int]:
    pod = world.store.get(Key(*POD, target.namespace, name))
    if pod is None:
        raise not_found(info, name)
    address = get_in(pod, "status", "podIP", default="")
    if not address:
        raise bad_request(f'pod "{name}" has no address yet')
    if not port:
        return address, _first_port(pod)
    number = whole_number(port)
    if number is None or not 0 < number < 65536:
        raise bad_request(f'invalid port "{port}" of pod "{name}"')
    return address, number


def _first_port(pod: Manifest) -> int:
    ports = (
        port["containerPort"]
        for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()
    )
    return next(ports, DEFAULT_PORT)


def _service_place(
    world: World, target: Target, info: KindInfo, name: str, port: str
) -> tuple[str, int]:
    service = world.store.get(Key(*SERVICE, target.namespace, name))
    if service is None:
        raise not_found(info, name)
    number = whole_number(port)
    if number is not None:
        ports = get_in(service, "spec", "ports", default=[])
        found = next((p for p in ports if p.get("port") == number), None)
        if found is None:
            raise _unavailable(f'no service port {number} found for service "{name}"')
        port = found.get("name") or ""
    slices = [
        slice_
        for slice_ in world.store.list(ENDPOINT_SLICE, target.namespace)
        if labels_of(slice_).get(SERVICE_NAME_LABEL) == name
    ]
    places = endpoints_of(port, slices)
    if not places:
        raise _unavailable(f'no endpoints available for service "{name}"')
    return places[0]


def _unavailable(message: str) -> Failure:
    return Failure(503, "ServiceUnavailable", message)


def _of_node(world: World, target: Target, info: KindInfo, name: str) -> Response:
    if world.store.get(Key(*NODE, "", name)) is None:
        raise not_found(info, name)
    match target.rest:
        case ("healthz",):
            return Response(200, b"ok", TEXT)
        case ("pods",):
            pods = [
                pod for pod in world.store.list(POD, "") if get_in(pod, "spec", "nodeName") == name
            ]
            listed = {"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": pods}
            return Response(200, orjson.dumps(listed))
    return Response(404, b"404 page not found\n", TEXT)
