"""How people reach a service: routes, what they wish for, and who else may call."""

import json
from typing import Any

from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.spec import load_platform

ALB = "alb.ingress.kubernetes.io"
PLATFORM = """\
platform: shop
clusters: {main: {certificate: 'arn:aws:acm:1', cdnCertificate: 'arn:aws:acm:2'}}
environments: {prod: {cluster: main, domain: example.com}}
"""


def compiled(service: str, *, local: bool = False) -> dict[str, Manifest]:
    files = {
        "platform.yaml": PLATFORM,
        "services/web.yaml": f"image: r/web:v1\nport: 8080\nhealth: /ok\n{service}",
        "services/next.yaml": "image: r/next:v1\nport: 9000\nhealth: /ok\n",
    }
    bundle = compile_environment(load_platform(files), "prod", local=local)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def notes(manifest: Manifest) -> dict[str, str]:
    found: dict[str, str] = manifest["metadata"]["annotations"]
    return {key.removeprefix(f"{ALB}/"): value for key, value in found.items()}


def paths(manifest: Manifest) -> list[Any]:
    return [
        (rule["host"], path["path"], path["pathType"], path["backend"]["service"])
        for rule in manifest["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]


def test_routes_that_wish_for_nothing_share_an_ingress() -> None:
    found = compiled("routes: {a: /a, b: {path: /b, exact: true}}\n")
    own = {"name": "web", "port": {"number": 8080}}
    assert paths(found["Ingress/web"]) == [
        ("example.com", "/a", "Prefix", own),
        ("example.com", "/b", "Exact", own),
    ]
    assert notes(found["Ingress/web"])["ssl-redirect"] == "443"


def test_each_set_of_wishes_has_an_ingress_of_its_own() -> None:
    found = compiled("routes: {a: /a, b: {path: /b, sticky: 1h}, c: {path: /c, internal: true}}\n")
    assert [name for name in found if name.startswith("Ingress/")] == [
        "Ingress/web",
        "Ingress/web-b",
        "Ingress/web-c",
    ]
    attributes = notes(found["Ingress/web-b"])["target-group-attributes"]
    assert "stickiness.lb_cookie.duration_seconds=3600" in attributes
    assert notes(found["Ingress/web-c"])["scheme"] == "internal"
    assert notes(found["Ingress/web-c"])["group.name"] == "shop-prod-internal"


def test_weights_forward_shares_and_the_rest_stays() -> None:
    found = compiled("routes: {all: {path: /, weights: {next: 10%}}}\n")["Ingress/web"]
    action = json.loads(notes(found)["actions.web-all"])
    groups = action["forwardConfig"]["targetGroups"]
    assert groups == [
        {"serviceName": "web", "servicePort": 8080, "weight": 90},
        {"serviceName": "next", "servicePort": 9000, "weight": 10},
    ]
    backend = {"name": "web-all", "port": {"name": "use-annotation"}}
    assert paths(found)[0][3] == backend


def test_a_redirect_keeps_what_it_does_not_say() -> None:
    found = compiled("routes: {old: {path: /old, redirect: {path: /new}}}\n")["Ingress/web"]
    config = json.loads(notes(found)["actions.web-old"])["redirectConfig"]
    assert (config["host"], config["path"], config["statusCode"]) == (
        "#{host}",
        "/new",
        "HTTP_301",
    )


def test_grpc_is_told_to_the_load_balancer_and_the_service() -> None:
    service = "ports: {rpc: 9090}\nprotocols: {rpc: grpc}\n"
    service += "routes: {rpc: {path: /, port: rpc, protocol: grpc}}\n"
    found = compiled(service)
    assert notes(found["Ingress/web"])["backend-protocol-version"] == "GRPC"
    port = found["Service/web"]["spec"]["ports"][1]
    assert (port["name"], port["appProtocol"]) == ("rpc", "kubernetes.io/h2c")


def test_a_rate_limit_is_a_web_acl_on_eks_and_the_gateways_own_on_a_laptop() -> None:
    service = "routes: {all: {path: /, rateLimit: 20, sources: {vpn: 10.0.0.0/8}}}\n"
    found = compiled(service)
    [rule] = found["WebACL/web"]["spec"]["rules"]
    assert rule["statement"]["rateBasedStatement"]["limit"] == 20 * 60
    assert notes(found["Ingress/web"])["wafv2-acl-name"] == found["WebACL/web"]["spec"]["name"]
    assert notes(found["Ingress/web"])["inbound-cidrs"] == "10.0.0.0/8"
    local = compiled(service, local=True)
    assert notes(local["Ingress/web"])["kiban.dev/requests-per-second"] == "20"
    assert "WebACL/web" not in local


def test_a_content_network_asks_the_load_balancer_by_another_name() -> None:
    found = compiled("routes: {all: {path: /, cdn: true}}\n")
    config = found["Distribution/web"]["spec"]["distributionConfig"]
    assert config["aliases"] == {"items": ["example.com"]}
    assert config["origins"]["items"][0]["domainName"] == "origin-example.com"
    assert paths(found["Ingress/web"])[0][0] == "origin-example.com"
    local = compiled("routes: {all: {path: /, cdn: true}}\n", local=True)
    assert paths(local["Ingress/web"])[0][0] == "example.com.localhost"


def test_deeper_paths_of_a_shared_load_balancer_come_first() -> None:
    orders = []
    for path in ("/a/b", "/a", "/"):
        found = compiled(f"routes: {{all: {path}}}\n")["Ingress/web"]
        orders.append(int(notes(found)["group.order"]))
    assert orders == sorted(orders)
    assert len(set(orders)) == 3


def test_others_may_call_when_they_are_named() -> None:
    service = (
        "ports: {metrics: 9102}\nallow:\n  prometheus: {namespace: monitoring, port: metrics}\n"
    )
    policy = compiled(f"{service}  vpn: {{network: 10.0.0.0/8}}\n")["NetworkPolicy/web"]
    named = {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}
    assert policy["spec"]["ingress"] == [
        {"from": [{"namespaceSelector": named}], "ports": [{"port": 9102, "protocol": "TCP"}]},
        {"from": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]},
    ]
