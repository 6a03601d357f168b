"""The whole configuration of the gateway at one moment, from a snapshot of the cluster.

One listener is public and follows Ingresses and HTTPRoutes; every service port has one of its
own on the cluster address, so that services reach each other with the same retries, draining and
statistics. The same snapshot always gives the same bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from kiban.cluster.networking import envoy
from kiban.cluster.networking.addresses import listening_port
from kiban.cluster.networking.endpoints import (
    Endpoint,
    Slices,
    endpoints_of,
    slices_by_service,
)
from kiban.cluster.networking.envoy import Resource
from kiban.cluster.networking.ports import Protocol, ServicePort, service_ports
from kiban.cluster.networking.routes import ANY_HOST, Backend, Match, Route, routes_of
from kiban.reconcile.controller import Snapshot

PUBLIC = "public"
READS = ("GET", "HEAD")
# Envoy refuses a body of its own above 4,096 bytes; a page of addresses is enough help.
MAX_ADDRESSES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class GatewayPlace:
    """Where the gateway listens and where its files lie, as the adapter decided.

    `lowest_port` is the lowest port that may be bound (see `listening_port`).
    """

    port: int
    directory: str
    address: str = "127.0.0.1"
    lowest_port: int = 0

    @property
    def routes_path(self) -> str:
        return f"{self.directory}/routes.json"


@dataclass(frozen=True, slots=True)
class GatewayConfiguration:
    """Envoy's resources: listeners and clusters (with their endpoints) in order, public routes."""

    listeners: tuple[Resource, ...]
    clusters: tuple[Resource, ...]
    routes: Resource


def gateway_configuration(snapshot: Snapshot, place: GatewayPlace) -> GatewayConfiguration:
    """What the gateway is to do, given the Services, EndpointSlices, Ingresses and HTTPRoutes."""
    ports = tuple(service_ports(snapshot))
    slices = slices_by_service(snapshot)
    known = {port.id: port for port in ports}
    return GatewayConfiguration(
        listeners=(_public_listener(place), *(_service_listener(port, place) for port in ports)),
        clusters=tuple(envoy.cluster(port, _endpoints(port, slices)) for port in ports),
        routes=_public_routes(routes_of(snapshot), known, place),
    )


def _endpoints(port: ServicePort, slices: Slices) -> Iterable[Endpoint]:
    return endpoints_of(port.name, slices.get((port.namespace, port.service), ()))


def _public_listener(place: GatewayPlace) -> Resource:
    source = {
        "rds": {"route_config_name": PUBLIC, "config_source": envoy.file_source(place.routes_path)}
    }
    proxy = envoy.http_proxy(PUBLIC, source, public=True)
    return envoy.listener(PUBLIC, envoy.socket_address(place.address, place.port), proxy)


def _service_listener(port: ServicePort, place: GatewayPlace) -> Resource:
    number = listening_port(port.port, place.lowest_port)
    address = envoy.socket_address(port.address, number)
    if port.protocol is Protocol.TCP:
        return envoy.listener(port.id, address, envoy.tcp_proxy(port))
    route = Route(ANY_HOST, Match(), (Backend(port.id),))
    host = {
        "name": port.id,
        "domains": ["*"],
        "routes": _entries(route, {port.id: port}, envoy.INTERNAL_IDLE_TIMEOUT),
    }
    routing = {"route_config": envoy.route_configuration(port.id, [host])}
    return envoy.listener(port.id, address, envoy.http_proxy(port.id, routing, public=False))


def _public_routes(
    routes: Iterable[Route], known: Mapping[str, ServicePort], place: GatewayPlace
) -> Resource:
    by_host = {host: list(found) for host, found in groupby(routes, key=lambda route: route.host)}
    nothing = _nothing_here(by_host, place)
    hosts = []
    for host, found in {ANY_HOST: [], **by_host}.items():
        entries = [entry for route in found for entry in _public_entries(route, known, place)]
        hosts.append({"name": host, "domains": [host], "routes": [*entries, nothing]})
    return envoy.discovered_routes(PUBLIC, hosts)


def _nothing_here(by_host: Mapping[str, Iterable[Route]], place: GatewayPlace) -> Resource:
    addresses = sorted(
        {
            f"http://{'<any host>' if host == ANY_HOST else host}:{place.port}{route.match.path}"
            for host, routes in by_host.items()
            for route in routes
        }
    )
    shown = addresses[:MAX_ADDRESSES_SHOWN] or ["(none yet)"]
    more = len(addresses) - len(shown)
    lines = ["No route of this platform matches this host and path. Routes:"]
    lines += [f"  {address}"[:180] for address in shown]
    lines += [f"  and {more} more"] if more > 0 else []
    return {"match": {"prefix": "/"}, **envoy.reply(404, "\n".join(lines) + "\n")}


def _public_entries(
    route: Route, known: Mapping[str, ServicePort], place: GatewayPlace
) -> list[Resource]:
    """A public route in Envoy's words; a redirect is answered by the gateway itself."""
    if route.redirect is None:
        return _entries(route, known, envoy.PUBLIC_IDLE_TIMEOUT)
    return [{"match": _match(route.match), **envoy.redirect(route.redirect, place.port)}]


def _entries(route: Route, known: Mapping[str, ServicePort], idle: str) -> list[Resource]:
    """A route in Envoy's words: once for reads, which may be repeated, and once for the rest."""
    backends = [backend for backend in route.backends if backend.id in known]
    if not backends:
        text = "The service behind this route does not exist (yet).\n"
        return [{"match": _match(route.match), **envoy.reply(503, text)}]
    extra: Resource = {}
    if len(backends) == 1:
        # Latency is counted by route: a cluster starts to count anew with every change of pods.
        extra["stat_prefix"] = backends[0].id
    if route.requests_per_second:
        extra["typed_per_filter_config"] = envoy.rate_limit(route.requests_per_second)
    variants = [(READS, envoy.RETRY_READ), ((), envoy.RETRY_ANY)]
    if route.match.method:
        variants = variants[:1] if route.match.method in READS else variants[1:]
    return [
        {
            "match": _match(route.match, methods),
            "route": _action(route, backends, known, idle) | {"retry_policy": envoy.retries(on)},
            **extra,
        }
        for methods, on in variants
    ]


def _match(match: Match, methods: tuple[str, ...] = ()) -> Resource:
    if match.method:
        methods = (match.method,)
    headers: list[Any] = [
        {"name": name, "string_match": {"exact": value}} for name, value in match.headers
    ]
    if methods:
        pattern = {"safe_regex": {"regex": "|".join(methods)}}
        headers.insert(0, {"name": ":method", "string_match": pattern})
    path = match.path.rstrip("/")
    if match.exact:
        found: Resource = {"path": match.path}
    else:
        found = {"path_separated_prefix": path} if path else {"prefix": "/"}
    return found | ({"headers": headers} if headers else {})


def _action(
    route: Route, backends: list[Backend], known: Mapping[str, ServicePort], idle: str
) -> Resource:
    # Without a limit of its own a stream may take as long as it likes, while something moves.
    action: Resource = {"timeout": f"{route.timeout_seconds:.3f}s", "idle_timeout": idle}
    if len(backends) == 1:
        action["cluster"] = backends[0].id
    else:
        weighted = [{"name": backend.id, "weight": backend.weight} for backend in backends]
        action["weighted_clusters"] = {"clusters": weighted}
    if route.mirror in known:
        action["request_mirror_policies"] = [{"cluster": route.mirror}]
    if any(known[backend.id].sticky for backend in backends):
        action["hash_policy"] = [{"connection_properties": {"source_ip": True}}]
    return action
