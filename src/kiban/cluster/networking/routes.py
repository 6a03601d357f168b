"""Which public host and path leads to which service, from Ingresses and HTTPRoutes.

The order of the result is the order of matching: within a host the longest path first, an exact
path before a prefix of the same length, then the older object (Kubernetes' rules for Ingress;
Gateway API's agree with them as far as paths, methods and headers go).
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kiban.cluster.networking.redirects import Redirect, of_action, of_filters
from kiban.kube.objects import INGRESS, SERVICE, GroupKind, Key, Manifest, annotations_of, get_in
from kiban.primitives.instants import parse_span
from kiban.reconcile.controller import Snapshot

HTTP_ROUTE = GroupKind("gateway.networking.k8s.io", "HTTPRoute")
ANY_HOST = "*"
# Requests per second that a route lets through, for all clients together (ours; ingress-nginx
# has limits per client only).
RATE_ANNOTATION = "kiban.dev/requests-per-second"
# After this span (`2.5s`) the gateway gives up on an answer.
TIMEOUT_ANNOTATION = "kiban.dev/timeout"
# How the AWS load balancer controller is told to forward by weights: a backend whose port has this
# name means the action of its name (its documentation, "Traffic Routing").
BY_ACTION = "use-annotation"
ACTION_ANNOTATION = "alb.ingress.kubernetes.io/actions"


@dataclass(frozen=True, slots=True, order=True)
class Backend:
    """A service port (its id in the gateway, see `ServicePort.id`) and its share of requests."""

    id: str
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Match:
    """What a request must look like. Paths are matched exactly, or by whole elements."""

    path: str = "/"
    exact: bool = False
    method: str = ""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One rule. A redirect is answered by the gateway; else without backends the answer is 503.
    Zeros mean no limit."""

    host: str
    match: Match
    backends: tuple[Backend, ...]
    mirror: str = ""
    requests_per_second: int = 0
    timeout_seconds: float = 0.0
    age: tuple[str, str, str] = ("", "", "")
    redirect: Redirect | None = None

    @property
    def rank(self) -> tuple[Any, ...]:
        """Sorts routes of one host into the order of matching."""
        path = self.match.path.rstrip("/")
        return (
            -len(path),
            not self.match.exact,
            not self.match.method,
            -len(self.match.headers),
            self.age,
            self.match.path,
        )


def routes_of(snapshot: Snapshot) -> tuple[Route, ...]:
    """Every public route, by host and then in the order of matching."""
    routes = [
        route for ingress in snapshot.list(INGRESS) for route in _of_ingress(ingress, snapshot)
    ]
    routes += [route for found in snapshot.list(HTTP_ROUTE) for route in _of_http_route(found)]
    return tuple(sorted(routes, key=lambda route: (route.host, route.rank)))


def _of_ingress(ingress: Manifest, snapshot: Snapshot) -> Iterator[Route]:
    namespace = ingress["metadata"].get("namespace", "")
    limits = _limits(ingress)

    def route(host: str, match: Match, backend: Any) -> Route:
        if get_in(backend, "service", "port", "name") == BY_ACTION:
            action = _action(ingress, get_in(backend, "service", "name", default=""))
            weighed = tuple(_weighed(namespace, action))
            return Route(host, match, weighed, redirect=of_action(action), **limits)
        id_ = _ingress_backend(namespace, backend, snapshot)
        backends = (Backend(id_),) if id_ else ()
        return Route(host, match, backends, **limits)

    if default := get_in(ingress, "spec", "defaultBackend"):
        yield route(ANY_HOST, Match(), default)
    for rule in get_in(ingress, "spec", "rules", default=[]):
        for path in get_in(rule, "http", "paths", default=[]):
            match = Match(path.get("path") or "/", exact=path.get("pathType") == "Exact")
            yield route(rule.get("host") or ANY_HOST, match, path.get("backend"))


def _action(ingress: Manifest, name: str) -> dict[str, Any]:
    """The action of a name; nothing where it cannot be read."""
    try:
        found = json.loads(annotations_of(ingress).get(f"{ACTION_ANNOTATION}.{name}", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _weighed(namespace: str, action: dict[str, Any]) -> Iterator[Backend]:
    """The services of an action that forwards by weights. One that makes no sense has none."""
    try:
        for group in action.get("forwardConfig", {}).get("targetGroups", []):
            if (weight := int(group.get("weight", 1))) > 0:
                id_ = f"{namespace}/{group['serviceName']}/{group['servicePort']}"
                yield Backend(id_, weight)
    except (ValueError, KeyError, TypeError, AttributeError):
        return


def _ingress_backend(namespace: str, backend: Any, snapshot: Snapshot) -> str:
    name = get_in(backend, "service", "name", default="")
    number = get_in(backend, "service", "port", "number", default=0)
    if number or not name:
        return f"{namespace}/{name}/{number}" if name else ""
    wanted = get_in(backend, "service", "port", "name", default="")
    service = snapshot.get(Key(SERVICE.group, SERVICE.kind, namespace, name))
    for port in get_in(service, "spec", "ports", default=[]):
        if port.get("name") == wanted:
            return f"{namespace}/{name}/{port['port']}"
    return ""


def _of_http_route(found: Manifest) -> Iterator[Route]:
    namespace = found["metadata"].get("namespace", "")
    for rule in get_in(found, "spec", "rules", default=[]):
        backends = tuple(_http_backends(namespace, rule.get("backendRefs") or []))
        mirror = next((_reference(namespace, ref) for ref in _mirrors(rule)), "")
        redirect = of_filters(rule.get("filters") or [])
        for host in get_in(found, "spec", "hostnames", default=[ANY_HOST]):
            for match in rule.get("matches") or [{}]:
                wanted = _http_match(match)
                limits = _limits(found)
                yield Route(host, wanted, backends, mirror, redirect=redirect, **limits)


def _http_match(match: dict[str, Any]) -> Match:
    headers = [
        (header["name"].lower(), header["value"])
        for header in match.get("headers") or []
        if header.get("type", "Exact") == "Exact"
    ]
    return Match(
        path=get_in(match, "path", "value", default="/"),
        exact=get_in(match, "path", "type", default="PathPrefix") == "Exact",
        method=match.get("method") or "",
        headers=tuple(sorted(headers)),
    )


def _http_backends(namespace: str, references: list[dict[str, Any]]) -> Iterator[Backend]:
    for reference in references:
        weight = reference.get("weight", 1)
        if weight > 0 and reference.get("kind", "Service") == "Service":
            yield Backend(_reference(namespace, reference), weight)


def _mirrors(rule: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for filter_ in rule.get("filters") or []:
        if filter_.get("type") == "RequestMirror":
            yield get_in(filter_, "requestMirror", "backendRef", default={})


def _reference(namespace: str, reference: dict[str, Any]) -> str:
    namespace = reference.get("namespace") or namespace
    return f"{namespace}/{reference.get('name', '')}/{reference.get('port', 0)}"


def _limits(manifest: Manifest) -> dict[str, Any]:
    """What holds for every route of an object. An annotation that makes no sense is passed over:
    the traffic of the others goes on."""
    metadata, annotations = manifest["metadata"], annotations_of(manifest)
    rate = annotations.get(RATE_ANNOTATION, "")
    created = metadata.get("creationTimestamp") or ""
    return {
        "requests_per_second": int(rate) if rate.isdecimal() else 0,
        "timeout_seconds": _seconds(annotations.get(TIMEOUT_ANNOTATION, "")),
        "age": (created, metadata.get("namespace", ""), metadata["name"]),
    }


def _seconds(written: str) -> float:
    try:
        return parse_span(written) if written else 0.0
    except ValueError:
        return 0.0
