"""The pieces of Envoy's configuration that the gateway is built from, as plain data.

Every function gives one resource of Envoy's v3 API in the JSON form of its protobuf. The figures
in it are the platform's answer to "what may be retried, how long, how often".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kiban.cluster.networking.endpoints import Endpoint
from kiban.cluster.networking.ports import Protocol, ServicePort
from kiban.cluster.networking.redirects import SAME_PATH, Redirect

Resource = dict[str, Any]

_API = "type.googleapis.com/envoy"
_FILTERS = f"{_API}.extensions.filters"
_HTTP = f"{_FILTERS}.http"
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
RATE_LIMIT = "envoy.filters.http.local_ratelimit"

CONNECT_TIMEOUT = "1s"
# Shorter than the idle time-out of any common server (Node.js: 5 s), so that the gateway, not
# the server, closes an idle connection: a request never meets a connection that is just closing.
UPSTREAM_IDLE_TIMEOUT = "4s"
# As an AWS load balancer does: a public stream may live for ever, but not in silence.
PUBLIC_IDLE_TIMEOUT = "60s"
INTERNAL_IDLE_TIMEOUT = "3600s"
RETRIES = 3
# More than a laptop can hold open; a limit all the same.
MAX_CONNECTIONS = 4096
# The part of a request's answer that must never have reached the service for a retry of any
# method; reads are repeated when the answer broke off, too.
RETRY_ANY = "connect-failure,refused-stream,reset-before-request"
RETRY_READ = f"{RETRY_ANY},reset,retriable-status-codes"
# Envoy's words for the codes of redirects.
_REDIRECTS = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}


def any_of(type_: str, **fields: Any) -> Resource:
    return {"@type": type_, **fields}


def file_source(path: str) -> Resource:
    return {"resource_api_version": "V3", "path_config_source": {"path": path}}


def socket_address(address: str, port: int) -> Resource:
    return {"socket_address": {"address": address, "port_value": port}}


def cluster(port: ServicePort, endpoints: Iterable[Endpoint]) -> Resource:
    """The upstream side of a service port.

    The endpoints are part of it, where EDS would be usual: a file for each service would cost an
    inotify instance each, and a user has 128 of them. A changed cluster replaces the old one,
    which finishes what it has.
    """
    resource = any_of(
        f"{_API}.config.cluster.v3.Cluster",
        name=port.id,
        type="STATIC",
        load_assignment=_assignment(port.id, endpoints),
        connect_timeout=CONNECT_TIMEOUT,
        lb_policy="RING_HASH" if port.sticky else "LEAST_REQUEST",
        # Zero turns panic routing off: a pod that is not ready gets nothing, come what may.
        common_lb_config={"healthy_panic_threshold": {"value": 0}},
        circuit_breakers={"thresholds": [_limits()]},
    )
    if port.protocol is not Protocol.TCP:
        resource["typed_extension_protocol_options"] = {HTTP_OPTIONS: _http_options(port.protocol)}
    return resource


def _limits() -> Resource:
    return {
        "max_connections": MAX_CONNECTIONS,
        "max_pending_requests": MAX_CONNECTIONS,
        "max_requests": MAX_CONNECTIONS,
        # Retries must not finish off a service that is only overloaded.
        "retry_budget": {"budget_percent": {"value": 20}, "min_retry_concurrency": 10},
    }


def _http_options(protocol: Protocol) -> Resource:
    chosen = "http2_protocol_options" if protocol is Protocol.HTTP2 else "http_protocol_options"
    return any_of(
        f"{_API}.extensions.upstreams.http.v3.HttpProtocolOptions",
        common_http_protocol_options={"idle_timeout": UPSTREAM_IDLE_TIMEOUT},
        explicit_http_config={chosen: {}},
    )


def _assignment(name: str, endpoints: Iterable[Endpoint]) -> Resource:
    listed = [{"endpoint": {"address": socket_address(*endpoint)}} for endpoint in endpoints]
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": listed}]}


def listener(name: str, address: Resource, network_filter: Resource) -> Resource:
    return any_of(
        f"{_API}.config.listener.v3.Listener",
        name=name,
        address=address,
        filter_chains=[{"filters": [network_filter]}],
        # A port that somebody else listens on must be an error, not half of the traffic.
        enable_reuse_port=False,
    )


def tcp_proxy(port: ServicePort) -> Resource:
    hash_policy: list[Resource] = [{"source_ip": {}}] if port.sticky else []
    proxy = any_of(
        f"{_FILTERS}.network.tcp_proxy.v3.TcpProxy",
        stat_prefix=f"tcp.{port.id}",
        cluster=port.id,
        # Connection pools of databases are silent for hours.
        idle_timeout="0s",
        max_connect_attempts=RETRIES,
        hash_policy=hash_policy,
    )
    return {"name": "envoy.filters.network.tcp_proxy", "typed_config": proxy}


def http_proxy(prefix: str, routing: Mapping[str, Any], *, public: bool) -> Resource:
    """The HTTP side of a listener; `routing` is `rds` or `route_config`."""
    idle = PUBLIC_IDLE_TIMEOUT if public else INTERNAL_IDLE_TIMEOUT
    manager = any_of(
        f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix=prefix,
        codec_type="AUTO",
        **routing,
        http_filters=[_rate_limiter(), _router()] if public else [_router()],
        upgrade_configs=[{"upgrade_type": "websocket"}],
        stream_idle_timeout=idle,
        use_remote_address=public,
        skip_xff_append=not public,
        generate_request_id=public,
        preserve_external_request_id=True,
        normalize_path=public,
        server_header_transformation="PASS_THROUGH",
        http2_protocol_options={},
    )
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}


def _router() -> Resource:
    router = any_of(f"{_HTTP}.router.v3.Router", suppress_envoy_headers=True)
    return {"name": "envoy.filters.http.router", "typed_config": router}


def _rate_limiter() -> Resource:
    """Does nothing until a route sets a limit."""
    limit = any_of(f"{_HTTP}.local_ratelimit.v3.LocalRateLimit", stat_prefix="limited")
    return {"name": RATE_LIMIT, "typed_config": limit}


def rate_limit(requests_per_second: int) -> Resource:
    """A route's own limit: a bucket that holds one second's worth."""
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    bucket = {
        "max_tokens": requests_per_second,
        "tokens_per_fill": requests_per_second,
        "fill_interval": "1s",
    }
    limit = any_of(
        f"{_HTTP}.local_ratelimit.v3.LocalRateLimit",
        stat_prefix="limited",
        token_bucket=bucket,
        filter_enabled=always,
        filter_enforced=always,
    )
    return {RATE_LIMIT: limit}


def reply(status: int, text: str) -> Resource:
    """An answer of the gateway's own."""
    return {"direct_response": {"status": status, "body": {"inline_string": text}}}


def redirect(wanted: Redirect, port: int) -> Resource:
    """Another address to ask. One of another host is served here too, at the same port."""
    action: Resource = {"response_code": _REDIRECTS.get(wanted.code, _REDIRECTS[302])}
    if wanted.scheme:
        action["scheme_redirect"] = wanted.scheme
    if wanted.host:
        action["host_redirect"] = wanted.host
    if wanted.port or wanted.host:
        action["port_redirect"] = wanted.port or port
    query = f"?{wanted.query}" if wanted.query else ""
    if SAME_PATH in wanted.path:
        substitution = wanted.path.replace("\\", "").replace(SAME_PATH, "\\1")
        pattern = {"regex": "^/(.*)$"}
        action["regex_rewrite"] = {"pattern": pattern, "substitution": substitution}
    elif wanted.path:
        action["path_redirect"] = f"{wanted.path}{query}"
    elif wanted.prefix:
        action["prefix_rewrite"] = wanted.prefix
    if wanted.query is None:
        action["strip_query"] = True
    return {"redirect": action}


def retries(retry_on: str) -> Resource:
    return {
        "retry_on": retry_on,
        "num_retries": RETRIES,
        "retriable_status_codes": [503],
        "retry_back_off": {"base_interval": "0.01s", "max_interval": "0.2s"},
        "retry_host_predicate": [
            {
                "name": "envoy.retry_host_predicates.previous_hosts",
                "typed_config": any_of(
                    f"{_API}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                ),
            }
        ],
        "host_selection_retry_max_attempts": RETRIES,
    }


def route_configuration(name: str, hosts: list[Resource]) -> Resource:
    """Routes as they stand inside a listener."""
    return {
        "name": name,
        "virtual_hosts": hosts,
        # `arcade.localhost:8080` is the host `arcade.localhost`.
        "ignore_port_in_host_matching": True,
        # Services come and go while routes stay: an unknown one answers 503, and no route is lost.
        "validate_clusters": False,
        "request_headers_to_remove": ["x-envoy-internal", "x-envoy-external-address"],
    }


def discovered_routes(name: str, hosts: list[Resource]) -> Resource:
    """Routes as a resource of their own, so that they change without touching a connection."""
    type_ = f"{_API}.config.route.v3.RouteConfiguration"
    return any_of(type_, **route_configuration(name, hosts))
