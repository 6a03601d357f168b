"""The Ingresses of a service: one for the routes that want nothing special, and one more for each
set of wishes, because annotations hold for a whole Ingress.

Source of the annotations: the AWS Load Balancer Controller 2.14.
"""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from kiban.compiler.pod import container_ports, drain_seconds
from kiban.compiler.target import Target
from kiban.kube.objects import Manifest
from kiban.primitives.canonical import canonical_json
from kiban.spec import ServiceSpec
from kiban.spec.routing import Route

ALB = "alb.ingress.kubernetes.io"
# What a cluster says that serves its routes in clear.
NO_CERTIFICATE = "none"
# The embedded gateway's own (cluster/networking/routes.py).
TIMEOUT, RATE = "kiban.dev/timeout", "kiban.dev/requests-per-second"
# A backend of this port name is the action of the backend's name.
BY_ACTION = "use-annotation"
# WAF counts over at least so many seconds.
RATE_SECONDS = 60
# The controller orders by 1 to 1000.
LAST_ORDER, ORDER_STEP = 1000, 10
_VERSIONS = {"http2": "HTTP2", "grpc": "GRPC"}
_GRPC_OK, _HTTP_OK = "0", "200-399"


def ingresses(target: Target, service: ServiceSpec) -> Iterator[Manifest]:
    """All of them, with the web ACLs that limit rates."""
    groups: dict[bytes, list[str]] = {}
    for name, route in sorted(service.routes.items()):
        groups.setdefault(_wishes(route), []).append(name)
    plain = _wishes(Route())
    for wishes, names in sorted(groups.items(), key=lambda pair: pair[1]):
        own = service.service if wishes == plain or len(groups) == 1 else ""
        name = own or f"{service.service}-{names[0]}"
        routes = {each: service.routes[each] for each in names}
        yield _ingress(target, service, name, routes)
        limit = next(iter(routes.values())).rate_limit
        if limit and _class(target) == "alb":
            yield _web_acl(target, service, name, limit)


def _wishes(route: Route) -> bytes:
    """What makes a route need an Ingress of its own. A time limit does not: the longest holds."""
    wishes = route.model_dump(exclude={"host", "path", "exact", "port", "timeout", "weights",
                                       "redirect"})  # fmt: skip
    return canonical_json(wishes)


def _class(target: Target) -> str:
    return "kiban" if target.local else target.cluster.ingress_class


def _ingress(
    target: Target, service: ServiceSpec, name: str, routes: Mapping[str, Route]
) -> Manifest:
    numbers = dict(container_ports(service))
    hosts: dict[str, list[dict[str, Any]]] = {}
    annotations: dict[str, str] = {}
    for key, route in routes.items():
        backend = {"name": service.service, "port": {"number": numbers[route.port or "http"]}}
        if action := _action(target, service, route, numbers[route.port or "http"]):
            annotations[f"{ALB}/actions.{service.service}-{key}"] = action
            backend = {"name": f"{service.service}-{key}", "port": {"name": BY_ACTION}}
        kind = "Exact" if route.exact else "Prefix"
        path = {"path": route.path, "pathType": kind, "backend": {"service": backend}}
        hosts.setdefault(_host(target, route), []).append(path)
    rules = []
    for host in sorted(hosts):
        paths = sorted(hosts[host], key=lambda path: str(path["path"]))
        rules.append({**({"host": host} if host else {}), "http": {"paths": paths}})
    return target.manifest(
        "networking.k8s.io/v1",
        "Ingress",
        name,
        service=service.service,
        annotations=_annotations(target, service, name, routes) | annotations,
        spec={"ingressClassName": _class(target), "rules": rules},
    )


def _host(target: Target, route: Route) -> str:
    """Behind a content network the load balancer has a name that only the network asks for."""
    host = target.host(route.host)
    return origin_of(host) if route.cdn and not target.local else host


def origin_of(host: str) -> str:
    return f"origin-{host}"


def _action(target: Target, service: ServiceSpec, route: Route, port: int) -> str:
    """A redirect, or shares of the requests, as an action of the load balancer."""
    if route.redirect is not None:
        wanted = {"protocol": "#{protocol}", "port": "#{port}", "query": "#{query}"}
        wanted["host"] = target.host(route.redirect.host) if route.redirect.host else "#{host}"
        wanted["path"] = route.redirect.path or "/#{path}"
        wanted["statusCode"] = f"HTTP_{route.redirect.code}"
        return canonical_json({"type": "redirect", "redirectConfig": wanted}).decode()
    if not route.weights:
        return ""
    known = target.platform.services[target.environment]
    shares = {name: route.weights[name] for name in sorted(route.weights)}
    groups = [
        {
            "serviceName": other,
            "servicePort": known[other].port or port,
            "weight": round(share),
        }
        for other, share in shares.items()
    ]
    rest = max(0, round(100 - sum(shares.values())))
    groups.insert(0, {"serviceName": service.service, "servicePort": port, "weight": rest})
    forward = {"type": "forward", "forwardConfig": {"targetGroups": groups}}
    return canonical_json(forward).decode()


def _annotations(
    target: Target, service: ServiceSpec, name: str, routes: Mapping[str, Route]
) -> dict[str, str]:
    kind, wishes = _class(target), next(iter(routes.values()))
    found = _alb(target, service, name, routes) if kind == "alb" else {}
    timeouts = [route.timeout for route in routes.values() if route.timeout]
    if timeouts:
        found[TIMEOUT] = f"{max(timeouts):g}s"
    if wishes.rate_limit and kind != "alb":
        found[RATE] = str(wishes.rate_limit)
    if wishes.sources and kind == "nginx":
        networks = ",".join(wishes.sources[each] for each in sorted(wishes.sources))
        found["nginx.ingress.kubernetes.io/whitelist-source-range"] = networks
    return found


def _alb(
    target: Target, service: ServiceSpec, name: str, routes: Mapping[str, Route]
) -> dict[str, str]:
    wishes = next(iter(routes.values()))
    found = {
        f"{ALB}/scheme": "internal" if wishes.internal else "internet-facing",
        f"{ALB}/target-type": "ip",
        f"{ALB}/group.name": _group(target, wishes),
        f"{ALB}/group.order": str(_order(routes)),
        f"{ALB}/target-group-attributes": _attributes(service, wishes),
    }
    if service.health.path:
        found[f"{ALB}/healthcheck-path"] = service.health.path
        # As the kubelet judges: else an instance that is ready would get no request.
        found[f"{ALB}/success-codes"] = _HTTP_OK
    if wishes.protocol in _VERSIONS:
        found[f"{ALB}/backend-protocol-version"] = _VERSIONS[wishes.protocol]
    if wishes.protocol == "grpc":
        found[f"{ALB}/success-codes"] = _GRPC_OK
    if wishes.rate_limit:
        found[f"{ALB}/wafv2-acl-name"] = f"{target.namespace}-{name}"
    if wishes.sources:
        networks = ",".join(wishes.sources[each] for each in sorted(wishes.sources))
        found[f"{ALB}/inbound-cidrs"] = networks
    return found | _tls(target, service)


def _order(routes: Mapping[str, Route]) -> int:
    """Deeper paths first: rules of one load balancer hold in the order of their Ingresses, and `/`
    would hide all that come after it."""
    depth = min(len(route.path.strip("/").split("/")) for route in routes.values())
    wide = any(route.path == "/" for route in routes.values())
    return LAST_ORDER if wide else max(1, LAST_ORDER - ORDER_STEP * depth)


def _group(target: Target, wishes: Route) -> str:
    """One load balancer for the environment; another for those inside, and for those whose rules
    hold for a whole load balancer."""
    parts = [target.platform.name, target.environment]
    parts += ["internal"] if wishes.internal else []
    if wishes.sources or wishes.rate_limit:
        parts.append(
            "-".join([*sorted(wishes.sources), *(["limited"] if wishes.rate_limit else [])])
        )
    return "-".join(parts)


def _attributes(service: ServiceSpec, wishes: Route) -> str:
    # Sending to pods directly, and forgetting a pod exactly as long as it goes on serving, is
    # what makes a rollout behind an ALB lose nothing.
    found = [f"deregistration_delay.timeout_seconds={drain_seconds(service)}"]
    if wishes.sticky:
        seconds = max(1, ceil(wishes.sticky))
        found += [
            "stickiness.enabled=true",
            "stickiness.type=lb_cookie",
            f"stickiness.lb_cookie.duration_seconds={seconds}",
        ]
    return ",".join(found)


def _tls(target: Target, service: ServiceSpec) -> dict[str, str]:
    """HTTPS, with the certificate that is named or that the controller finds by the hosts."""
    certificate = target.cluster.certificate
    hosted = all(target.host(route.host) for route in service.routes.values())
    if certificate == NO_CERTIFICATE or not (certificate or hosted):
        return {}
    named = {f"{ALB}/certificate-arn": certificate} if certificate else {}
    return named | {
        f"{ALB}/listen-ports": '[{"HTTP": 80}, {"HTTPS": 443}]',
        f"{ALB}/ssl-redirect": "443",
    }


def _web_acl(target: Target, service: ServiceSpec, name: str, limit: int) -> Manifest:
    """What counts the requests of each address (the WAF controller of AWS Controllers for
    Kubernetes)."""
    seen = {"sampledRequestsEnabled": True, "cloudWatchMetricsEnabled": True}
    rate = {
        "name": "rate",
        "priority": 0,
        "action": {"block": {}},
        "statement": {
            "rateBasedStatement": {
                "limit": max(10, limit * RATE_SECONDS),
                "evaluationWindowSec": RATE_SECONDS,
                "aggregateKeyType": "IP",
            }
        },
        "visibilityConfig": {**seen, "metricName": f"{name}-rate"},
    }
    return target.manifest(
        "wafv2.services.k8s.aws/v1alpha1",
        "WebACL",
        name,
        service=service.service,
        spec={
            "name": f"{target.namespace}-{name}",
            "scope": "REGIONAL",
            "defaultAction": {"allow": {}},
            "rules": [rate],
            "visibilityConfig": {**seen, "metricName": name},
        },
    )
