"""Ports that the world reaches without HTTP."""

import pytest

from kiban.compiler import compile_environment
from kiban.kube.objects import Manifest
from kiban.primitives.problems import KibanError
from kiban.spec import load_platform

PLATFORM = """\
platform: shop
clusters: {main: {certificate: 'arn:aws:acm:eu-west-1:1:certificate/1'}}
environments: {prod: {cluster: main, domain: example.com, hosts: {game: game.example.com}}}
"""
STAMP = "image: r/stamp:v1\nport: 8080\nhealth: /ready\nports: {game: 7777, mqtt: 1883}\n"
NLB = "service.beta.kubernetes.io/aws-load-balancer"


def compiled(said: str, *, local: bool = False, other: str = "") -> dict[str, Manifest]:
    files = {"platform.yaml": PLATFORM, "services/stamp.yaml": STAMP + said}
    if other:
        files[f"services/{other}.yaml"] = "image: r/o:v1\n"
    bundle = compile_environment(load_platform(files), "prod", local=local)
    return {f"{one['kind']}/{one['metadata']['name']}": one for one in bundle.manifests}


def test_a_listener_is_a_network_load_balancer_that_forgets_pods_in_time() -> None:
    found = compiled("listeners: {broker: {port: mqtt, at: 8883, tls: true, host: game}}\n")
    service = found["Service/stamp-broker"]
    notes, spec = service["metadata"]["annotations"], service["spec"]
    assert spec["loadBalancerClass"] == "service.k8s.aws/nlb"
    assert (spec["ports"][0]["port"], spec["ports"][0]["targetPort"]) == (8883, 1883)
    assert notes[f"{NLB}-ssl-ports"] == "8883" and notes[f"{NLB}-ssl-cert"].endswith("/1")
    assert "timeout_seconds=15" in notes[f"{NLB}-target-group-attributes"]
    assert notes["external-dns.alpha.kubernetes.io/hostname"] == "game.example.com"


def test_what_speaks_udp_is_asked_for_its_health_over_tcp() -> None:
    found = compiled("protocols: {game: udp}\nlisteners: {game: game}\n")["Service/stamp-game"]
    assert found["spec"]["ports"][0]["protocol"] == "UDP"
    assert found["metadata"]["annotations"][f"{NLB}-healthcheck-port"] == "8080"


def test_only_those_may_come_in_who_are_named() -> None:
    said = "listeners: {game: {port: game, sources: {office: 203.0.113.0/24}}}\n"
    found = compiled(said)
    assert found["Service/stamp-game"]["spec"]["loadBalancerSourceRanges"] == ["203.0.113.0/24"]
    rules = found["NetworkPolicy/stamp"]["spec"]["ingress"]
    peers = [{"ipBlock": {"cidr": "203.0.113.0/24"}}]
    assert {"from": peers, "ports": [{"port": 7777, "protocol": "TCP"}]} in rules


def test_a_laptop_has_no_load_balancer_to_wait_for() -> None:
    found = compiled("listeners: {game: game}\n", local=True)["Service/stamp-game"]
    assert found["spec"]["type"] == "ClusterIP" and "annotations" not in found["metadata"]


def test_ready_and_served_are_the_same_to_the_load_balancer() -> None:
    notes = compiled("routes: {public: /}\n")["Ingress/stamp"]["metadata"]["annotations"]
    assert notes["alb.ingress.kubernetes.io/success-codes"] == "200-399"


def test_a_worker_without_a_port_can_be_found_dead_by_a_program() -> None:
    files = {
        "platform.yaml": PLATFORM,
        "services/mail.yaml": "image: r/mail:v1\nhealth: {livenessCommand: /bin/alive now}\n",
    }
    [workload] = [
        one
        for one in compile_environment(load_platform(files), "prod").manifests
        if one["kind"] == "Deployment"
    ]
    container = workload["spec"]["template"]["spec"]["containers"][0]
    wanted = {"command": ["/bin/alive", "now"]}
    assert container["livenessProbe"]["exec"] == container["readinessProbe"]["exec"] == wanted


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("listeners: {game: gaem}", "did you mean 'game'"),
        ("listeners: {x: {port: game, at: 99999}}", "65535"),
        ("listeners: {x: {port: game, sources: {a: 1.2.3}}}", "write it like"),
        ("protocols: {game: udp}\nlisteners: {x: {port: game, tls: true}}", "UDP"),
        ("sidecars: {proxy: {image: 'p:v1', port: 7777}}", "each port once"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(said: str, why: str) -> None:
    with pytest.raises(KibanError) as error:
        compiled(said)
    [problem] = error.value.problems
    assert why in str(problem) and problem.place.line >= 5 and problem.place.column


def test_health_is_asked_in_one_way() -> None:
    files = {
        "platform.yaml": PLATFORM,
        "services/a.yaml": "image: r/a:v1\nport: 80\nhealth: {path: /a, command: [b]}\n",
    }
    with pytest.raises(KibanError, match=r"a\.yaml:3:9: .*in 2 ways: path, command"):
        load_platform(files)


def test_two_services_of_one_name_are_told() -> None:
    with pytest.raises(KibanError, match=r"stamp\.yaml:5:13: stamp-game is a service"):
        compiled("listeners: {game: game}\n", other="stamp-game")


@pytest.mark.parametrize("field", ["timezone: Asia/Tokio", "timezone: 9"])
def test_a_zone_must_be_one(field: str) -> None:
    files = {
        "platform.yaml": PLATFORM,
        "services/night.yaml": f"image: r/n:v1\nschedule: 0 3 * * *\n{field}\n",
    }
    with pytest.raises(KibanError, match=r"night\.yaml:3:11:"):
        load_platform(files)
