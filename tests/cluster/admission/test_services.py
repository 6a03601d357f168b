"""What a Service is given and loses again with its type."""

from typing import Any

SERVICES = "/api/v1/namespaces/default/services"
MERGE = "application/merge-patch+json"


def test_a_balanced_service_that_stays_on_the_node_is_asked_for_its_health(api: Any) -> None:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]}
    made = api.json("POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})["spec"]
    port = made["healthCheckNodePort"]
    assert 30000 <= port < 32768
    assert port != made["ports"][0]["nodePort"]
    again = api.json("PATCH", f"{SERVICES}/s", {"spec": {"sessionAffinity": "ClientIP"}},
                     content_type=MERGE)["spec"]  # fmt: skip
    assert again["healthCheckNodePort"] == port


def test_a_service_loses_what_its_new_type_does_not_need(api: Any) -> None:
    spec = {"type": "LoadBalancer", "externalTrafficPolicy": "Local", "ports": [{"port": 80}]}
    api("POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})
    inner = {"spec": {"type": "ClusterIP"}}
    left = api.json("PATCH", f"{SERVICES}/s", inner, content_type=MERGE)["spec"]
    assert left["ports"] == [{"protocol": "TCP", "port": 80, "targetPort": 80}]
    for part in ("healthCheckNodePort", "externalTrafficPolicy", "allocateLoadBalancerNodePorts"):
        assert part not in left


def test_a_gated_field_of_a_stateful_set_is_left_out(api: Any) -> None:
    template = {
        "metadata": {"labels": {"a": "b"}},
        "spec": {"containers": [{"name": "c", "image": "x"}]},
    }
    update = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 2}}
    spec = {
        "selector": {"matchLabels": {"a": "b"}},
        "template": template,
        "updateStrategy": update,
    }
    path = "/apis/apps/v1/namespaces/default/statefulsets"
    made = api.json("POST", path, {"metadata": {"name": "s"}, "spec": spec})
    assert made["spec"]["updateStrategy"]["rollingUpdate"] == {"partition": 0}


def test_a_bound_pod_bears_the_place_of_its_node(api: Any) -> None:
    labels = {"topology.kubernetes.io/zone": "a", "topology.kubernetes.io/region": "r", "x": "y"}
    api("POST", "/api/v1/nodes", {"metadata": {"name": "n", "labels": labels}})
    pods = "/api/v1/namespaces/default/pods"
    api("POST", pods, {"metadata": {"name": "p"},
                       "spec": {"containers": [{"name": "c", "image": "x"}]}})  # fmt: skip
    nominated = {"status": {"nominatedNodeName": "m"}}
    api("PATCH", f"{pods}/p/status", nominated, content_type=MERGE)
    target = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}
    assert api("POST", f"{pods}/p/binding", target).status == 201
    pod = api.json("GET", f"{pods}/p")
    assert pod["metadata"]["labels"] == {
        "topology.kubernetes.io/zone": "a",
        "topology.kubernetes.io/region": "r",
    }
    assert "nominatedNodeName" not in pod["status"]


def test_an_address_stays_and_two_families_are_refused(api: Any) -> None:
    spec = {"ports": [{"port": 80}], "selector": {"a": "b"}}
    api("POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})
    moved = {"spec": {"clusterIP": "1.2.3.4"}}
    refused = api.json("PATCH", f"{SERVICES}/s", moved, content_type=MERGE)
    assert refused["message"] == (
        'Service "s" is invalid: spec.clusterIPs[0]: Invalid value: ["1.2.3.4"]: '
        "may not change once set"
    )
    dual = {**spec, "ipFamilyPolicy": "RequireDualStack"}
    refused = api.json("POST", SERVICES, {"metadata": {"name": "d"}, "spec": dual})
    assert refused["message"] == (
        'Service "d" is invalid: spec.ipFamilyPolicy: Invalid value: "RequireDualStack": '
        "this cluster is not configured for dual-stack services"
    )


def test_a_port_of_two_protocols_is_one_outside(api: Any) -> None:
    ports = [{"port": 53, "name": "t"}, {"port": 53, "name": "u", "protocol": "UDP"}]
    spec = {"type": "NodePort", "ports": ports}
    made = api.json("POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})["spec"]["ports"]
    assert made[0]["nodePort"] == made[1]["nodePort"]
    renumbered = {"spec": {"type": "NodePort", "ports": [{"port": 54, "name": "t"}]}}
    kept = api.json("PATCH", f"{SERVICES}/s", renumbered, content_type=MERGE)["spec"]["ports"]
    assert kept[0]["nodePort"] == made[0]["nodePort"]


def test_a_headless_service_that_selects_nothing_has_both_families(api: Any) -> None:
    spec = {"clusterIP": "None", "ipFamilies": ["IPv6"]}
    made = api.json("POST", SERVICES, {"metadata": {"name": "s"}, "spec": spec})["spec"]
    assert made["ipFamilies"] == ["IPv6", "IPv4"]
    assert made["ipFamilyPolicy"] == "RequireDualStack"
