from typing import Any

import orjson
import pytest

from kiban.cluster.networking.gateway import (
    GatewayConfiguration,
    GatewayPlace,
    gateway_configuration,
)
from kiban.cluster.store import Store
from kiban.kube.objects import Manifest
from kiban.primitives.chance import Chance

PLACE = GatewayPlace(8080, "/run/gateway")
READY = {"ready": True, "serving": True, "terminating": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}
NOT_READY = {"ready": False, "serving": False, "terminating": False}


def service(name: str, port: int = 80, port_name: str = "http", **spec: Any) -> Manifest:
    ports = [{"name": port_name, "port": port, "targetPort": 8080}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {"clusterIP": "127.16.240.1", "ports": ports, **spec},
    }


def slice_of(name: str, *endpoints: tuple[str, dict[str, bool]], port: str = "http") -> Manifest:
    labels = {"kubernetes.io/service-name": name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": f"{name}-x", "namespace": "shop", "labels": labels},
        "ports": [{"name": port, "port": 8080}],
        "endpoints": [{"addresses": [ip], "conditions": state} for ip, state in endpoints],
    }


def ingress(
    name: str, *paths: tuple[str, str, str], host: str = "shop.localhost", **annotations: str
) -> Manifest:
    listed = [
        {
            "path": path,
            "pathType": kind,
            "backend": {"service": {"name": backend, "port": {"number": 80}}},
        }
        for path, kind, backend in paths
    ]
    noted = {f"kiban.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "shop", "annotations": noted},
        "spec": {"rules": [{"host": host, "http": {"paths": listed}}]},
    }


def configured(*manifests: Manifest, place: GatewayPlace = PLACE) -> GatewayConfiguration:
    store = Store(Chance("gateway"))
    for manifest in manifests:
        store.put(manifest)
    return gateway_configuration(store, place)


def addresses(configuration: GatewayConfiguration, id_: str) -> list[str]:
    [cluster] = [one for one in configuration.clusters if one["name"] == id_]
    [locality] = cluster["load_assignment"]["endpoints"]
    found = [one["endpoint"]["address"]["socket_address"] for one in locality["lb_endpoints"]]
    return [f"{address['address']}:{address['port_value']}" for address in found]


def public_routes(configuration: GatewayConfiguration, host: str) -> list[str]:
    """Path and target of each entry of a host, in the order of matching."""
    hosts = {one["name"]: one for one in configuration.routes["virtual_hosts"]}
    found = []
    for entry in hosts[host]["routes"]:
        match = entry["match"]
        path = match.get("path") or match.get("path_separated_prefix") or match.get("prefix")
        target = entry.get("route", {}).get("cluster") or entry["direct_response"]["status"]
        method = "reads " if match.get("headers") else ""
        found.append(f"{method}{path} -> {target}")
    return found


def network_filter(configuration: GatewayConfiguration, listener: str) -> Any:
    [found] = [one for one in configuration.listeners if one["name"] == listener]
    return found["filter_chains"][0]["filters"][0]["typed_config"]


def test_only_ready_pods_get_connections() -> None:
    found = configured(
        service("cart"),
        slice_of("cart", ("127.16.0.1", READY), ("127.16.0.2", NOT_READY), ("127.16.0.3", LEAVING)),
    )

    assert addresses(found, "shop/cart/80") == ["127.16.0.1:8080"]


def test_when_none_is_ready_those_that_are_leaving_and_still_serve_get_them() -> None:
    found = configured(
        service("cart"), slice_of("cart", ("127.16.0.2", NOT_READY), ("127.16.0.3", LEAVING))
    )

    assert addresses(found, "shop/cart/80") == ["127.16.0.3:8080"]


def test_longer_paths_come_first_and_exact_ones_before_prefixes() -> None:
    found = configured(
        service("web"),
        service("cart"),
        service("pay"),
        ingress("a", ("/", "Prefix", "web"), ("/cart", "Prefix", "cart")),
        ingress("b", ("/cart", "Exact", "pay"), ("/cart/pay/", "Prefix", "pay")),
    )

    assert public_routes(found, "shop.localhost") == [
        "reads /cart/pay -> shop/pay/80",
        "/cart/pay -> shop/pay/80",
        "reads /cart -> shop/pay/80",
        "/cart -> shop/pay/80",
        "reads /cart -> shop/cart/80",
        "/cart -> shop/cart/80",
        "reads / -> shop/web/80",
        "/ -> shop/web/80",
        "/ -> 404",
    ]


def test_a_route_to_a_service_that_is_not_there_answers_503_and_others_go_on() -> None:
    found = configured(service("web"), ingress("a", ("/", "Prefix", "gone")))

    assert public_routes(found, "shop.localhost") == ["/ -> 503", "/ -> 404"]


def test_a_host_nobody_routes_gets_the_list_of_routes() -> None:
    found = configured(service("web"), ingress("a", ("/", "Prefix", "web")))

    [anywhere] = [one for one in found.routes["virtual_hosts"] if one["domains"] == ["*"]]
    [entry] = anywhere["routes"]
    assert entry["direct_response"] == {
        "status": 404,
        "body": {
            "inline_string": "No route of this platform matches this host and path. Routes:\n"
            "  http://shop.localhost:8080/\n"
        },
    }


def test_only_reads_are_repeated_after_the_service_may_have_seen_them() -> None:
    found = configured(service("web"), ingress("a", ("/", "Prefix", "web")))

    [host] = [h for h in found.routes["virtual_hosts"] if h["name"] == "shop.localhost"]
    reads, others, _ = host["routes"]
    assert "retriable-status-codes" in reads["route"]["retry_policy"]["retry_on"]
    assert others["route"]["retry_policy"]["retry_on"] == (
        "connect-failure,refused-stream,reset-before-request"
    )


@pytest.mark.parametrize(
    ("port_name", "spec", "kind"),
    [
        ("http", {}, "http"),
        ("http-admin", {}, "http"),
        ("main", {}, "tcp"),
        ("main", {"ports": [{"port": 80, "appProtocol": "kubernetes.io/h2c"}]}, "http2"),
        ("grpc", {}, "http2"),
        ("x", {"ports": [{"port": 80, "targetPort": "http"}]}, "http"),
        ("x", {"selector": {"app": "web"}}, "http"),
        ("x", {"selector": {"app": "other"}}, "tcp"),
    ],
)
def test_what_a_port_speaks_follows_from_its_names(
    port_name: str, spec: dict[str, Any], kind: str
) -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop", "labels": {"app": "web"}},
        "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]},
    }
    found = configured(service("web", port_name=port_name, **spec), pod)

    filter_ = network_filter(found, "shop/web/80")
    [cluster] = found.clusters
    options = str(cluster.get("typed_extension_protocol_options", "tcp"))
    spoken = "http2" if "http2_protocol_options" in options else "http"
    assert ("tcp" if "TcpProxy" in filter_["@type"] else spoken) == kind


def test_headless_external_and_udp_services_have_no_listener() -> None:
    found = configured(
        service("db", clusterIP="None"),
        service("mail", type="ExternalName", externalName="smtp.example.com"),
        service("dns", ports=[{"port": 53, "protocol": "UDP"}]),
    )

    assert [listener["name"] for listener in found.listeners] == ["public"]


def test_without_root_a_low_port_is_listened_on_above() -> None:
    place = GatewayPlace(8080, "/run/gateway", lowest_port=1024)

    low = configured(service("web", port=80), place=place).listeners[1]
    high = configured(service("web", port=8080), place=place).listeners[1]

    assert low["address"]["socket_address"]["port_value"] == 20080
    assert high["address"]["socket_address"]["port_value"] == 8080


def test_weights_mirrors_and_matches_of_an_http_route_are_followed() -> None:
    route = {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "hostnames": ["shop.localhost"],
            "rules": [
                {
                    "matches": [{"headers": [{"name": "X-Beta", "value": "1"}]}],
                    "backendRefs": [
                        {"name": "web", "port": 80, "weight": 90},
                        {"name": "next", "port": 80, "weight": 10},
                        {"name": "off", "port": 80, "weight": 0},
                    ],
                    "filters": [
                        {
                            "type": "RequestMirror",
                            "requestMirror": {"backendRef": {"name": "next", "port": 80}},
                        }
                    ],
                }
            ],
        },
    }

    found = configured(service("web"), service("next"), service("off"), route)

    [host] = [h for h in found.routes["virtual_hosts"] if h["name"] == "shop.localhost"]
    _, entry, _ = host["routes"]
    assert entry["match"]["headers"] == [{"name": "x-beta", "string_match": {"exact": "1"}}]
    assert entry["route"]["weighted_clusters"]["clusters"] == [
        {"name": "shop/web/80", "weight": 90},
        {"name": "shop/next/80", "weight": 10},
    ]
    assert entry["route"]["request_mirror_policies"] == [{"cluster": "shop/next/80"}]


def test_annotations_limit_time_and_rate_and_nonsense_is_passed_over() -> None:
    limited = configured(
        service("web"),
        ingress("a", ("/", "Prefix", "web"), timeout="2.5s", requests_per_second="10"),
    )
    nonsense = configured(
        service("web"),
        ingress("a", ("/", "Prefix", "web"), timeout="soon", requests_per_second="many"),
    )

    assert [host["routes"][0]["route"]["timeout"] for host in _hosts(limited)] == ["2.500s"]
    assert "max_tokens" in str(_hosts(limited))
    assert [host["routes"][0]["route"]["timeout"] for host in _hosts(nonsense)] == ["0.000s"]
    assert "max_tokens" not in str(_hosts(nonsense))


def _hosts(found: GatewayConfiguration) -> list[Any]:
    return [host for host in found.routes["virtual_hosts"] if host["name"] != "*"]


def test_the_order_in_which_objects_came_changes_no_byte() -> None:
    objects = [
        service("web"),
        service("cart", clusterIP="127.16.240.2"),
        slice_of("web", ("127.16.0.1", READY), ("127.16.0.2", READY)),
        slice_of("cart", ("127.16.0.4", READY)),
        ingress("a", ("/", "Prefix", "web")),
        ingress("b", ("/cart", "Prefix", "cart")),
    ]

    def encoded(found: GatewayConfiguration) -> bytes:
        return orjson.dumps([found.listeners, found.clusters, found.routes])

    assert encoded(configured(*objects)) == encoded(configured(*reversed(objects)))
