"""EndpointSlices follow services and pods, on a real cluster in process."""

from typing import Any

import pytest

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.controllers.endpoint_slice import EndpointSliceController
from kiban.cluster.controllers.service_account import ServiceAccountController
from kiban.kube.objects import ENDPOINT_SLICE, POD, SERVICE, Key, Manifest, labels_of
from kiban.primitives.instants import Instant
from kiban.reconcile.commands import Bind, Command, Create, Delete, Patch

NOW = Instant(1_800_000_000_000_000)


def cluster() -> Cluster:
    made = assembled(7, [EndpointSliceController(), ServiceAccountController()])
    made.bootstrap(NOW)
    settle(made)
    return made


def settle(made: Cluster) -> None:
    for _ in range(100):
        made.step(NOW)
        due = made.next_due()
        if due is None or due > NOW:
            return
    raise AssertionError("it does not settle")


def carry_out(made: Cluster, *commands: Command) -> None:
    assert made.executor.execute("test", commands, NOW) == ()
    settle(made)


def service(**spec: Any) -> Create:
    wished = {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80}], **spec}
    metadata = {"name": "web", "namespace": "default", "labels": {"team": "a"}}
    return Create({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": wished})


def pod(name: str, port: int = 8080) -> Create:
    container = {"name": "c", "image": "i", "ports": [{"name": "web", "containerPort": port}]}
    metadata = {"name": name, "namespace": "default", "labels": {"app": "web"}}
    spec = {"containers": [container]}
    return Create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def reported(name: str, *, ready: bool, ip: str = "10.0.0.1") -> Patch:
    status = {
        "phase": "Running",
        "podIP": ip,
        "podIPs": [{"ip": ip}],
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
    }
    return Patch(Key(*POD, "default", name), {"status": status}, "status")


def slices(made: Cluster) -> list[Manifest]:
    return list(made.store.list(ENDPOINT_SLICE, "default"))


def test_a_service_without_pods_has_one_empty_slice() -> None:
    made = cluster()
    carry_out(made, service())
    [slice_] = slices(made)
    assert not slice_["endpoints"] and not slice_["ports"]
    assert slice_["addressType"] == "IPv4"
    assert labels_of(slice_) == {
        "team": "a",
        "kubernetes.io/service-name": "web",
        "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
    }
    assert slice_["metadata"]["name"].startswith("web-")
    assert slice_["metadata"]["ownerReferences"][0]["name"] == "web"


def test_a_pod_is_listed_with_its_address_port_and_conditions() -> None:
    made = cluster()
    node = {"name": "n1", "labels": {"topology.kubernetes.io/zone": "z1"}}
    carry_out(
        made,
        Create({"apiVersion": "v1", "kind": "Node", "metadata": node}),
        service(ports=[{"name": "http", "port": 80, "targetPort": "web"}]),
        pod("p"),
        Bind(Key(*POD, "default", "p"), "n1"),
        reported("p", ready=False),
    )
    [slice_] = slices(made)
    [endpoint] = slice_["endpoints"]
    assert slice_["ports"] == [{"name": "http", "port": 8080, "protocol": "TCP"}]
    assert endpoint["conditions"] == {"ready": False, "serving": False, "terminating": False}
    assert (endpoint["addresses"], endpoint["nodeName"], endpoint["zone"]) == (
        ["10.0.0.1"],
        "n1",
        "z1",
    )
    carry_out(made, reported("p", ready=True))
    [endpoint] = slices(made)[0]["endpoints"]
    assert endpoint["conditions"] == {"ready": True, "serving": True, "terminating": False}
    carry_out(made, Delete(Key(*POD, "default", "p")))
    [endpoint] = slices(made)[0]["endpoints"]
    assert endpoint["conditions"] == {"ready": False, "serving": True, "terminating": True}
    carry_out(made, Delete(Key(*POD, "default", "p"), grace_seconds=0))
    assert not slices(made)[0]["endpoints"]


@pytest.mark.parametrize(
    ("wish", "hints"),
    [
        ("PreferClose", {"forZones": [{"name": "z1"}]}),
        ("PreferSameZone", {"forZones": [{"name": "z1"}]}),
        ("PreferSameNode", {"forZones": [{"name": "z1"}], "forNodes": [{"name": "n1"}]}),
    ],
)
def test_endpoints_that_are_ready_hint_at_who_is_near(wish: str, hints: dict[str, Any]) -> None:
    made = cluster()
    node = {"name": "n1", "labels": {"topology.kubernetes.io/zone": "z1"}}
    carry_out(
        made,
        Create({"apiVersion": "v1", "kind": "Node", "metadata": node}),
        service(trafficDistribution=wish),
        pod("p"),
        Bind(Key(*POD, "default", "p"), "n1"),
        reported("p", ready=False),
    )
    assert "hints" not in slices(made)[0]["endpoints"][0]
    carry_out(made, reported("p", ready=True))
    assert slices(made)[0]["endpoints"][0]["hints"] == hints
    carry_out(made, Patch(Key(*SERVICE, "default", "web"), {"spec": {"trafficDistribution": None}}))
    assert "hints" not in slices(made)[0]["endpoints"][0]


def test_pods_whose_named_port_differs_are_in_slices_of_their_own() -> None:
    made = cluster()
    carry_out(made, service(ports=[{"name": "http", "port": 80, "targetPort": "web"}]))
    for name, port in (("a", 8080), ("b", 9090)):
        carry_out(made, pod(name, port), reported(name, ready=True, ip=f"10.0.0.{port % 7}"))
    ports = sorted(slice_["ports"][0]["port"] for slice_ in slices(made))
    assert ports == [8080, 9090]


def test_a_slice_holds_at_most_a_hundred_endpoints() -> None:
    made = cluster()
    names = [f"p{index:03}" for index in range(150)]
    carry_out(made, service())
    for index, name in enumerate(names):
        carry_out(made, pod(name), reported(name, ready=True, ip=f"10.0.0.{index}"))
    assert sorted(len(slice_["endpoints"]) for slice_ in slices(made)) == [50, 100]


def test_the_empty_slice_of_a_service_becomes_that_of_its_first_pod() -> None:
    made = cluster()
    carry_out(made, service())
    [empty] = slices(made)
    carry_out(made, pod("p"), reported("p", ready=True))
    [slice_] = slices(made)
    assert slice_["metadata"]["uid"] == empty["metadata"]["uid"]
    assert slice_["ports"] == [{"name": "http", "port": 80, "protocol": "TCP"}]
    assert len(slice_["endpoints"]) == 1


def test_what_fits_into_one_whole_slice_goes_into_the_fullest_such_slice() -> None:
    made = cluster()
    carry_out(made, service())
    for index in range(190):
        carry_out(
            made, pod(f"p{index:03}"), reported(f"p{index:03}", ready=True, ip=f"1.0.0.{index}")
        )
    for index in (0, 1, 2):
        carry_out(made, Delete(Key(*POD, "default", f"p{index:03}"), grace_seconds=0))
    assert sorted(len(slice_["endpoints"]) for slice_ in slices(made)) == [90, 97]
    carry_out(made, pod("new"), reported("new", ready=True, ip="2.0.0.1"))
    assert sorted(len(slice_["endpoints"]) for slice_ in slices(made)) == [90, 98]


def test_unready_pods_of_a_service_that_wants_them_are_published() -> None:
    made = cluster()
    carry_out(made, service(publishNotReadyAddresses=True, clusterIP="None"), pod("p"))
    carry_out(made, reported("p", ready=False))
    [slice_] = slices(made)
    assert slice_["endpoints"][0]["conditions"]["ready"] is True
    assert labels_of(slice_)["service.kubernetes.io/headless"] == ""


def test_a_service_without_selector_is_left_to_its_owner() -> None:
    made = cluster()
    carry_out(made, service(selector={}))
    assert slices(made) == []
    assert made.store.get(Key(*SERVICE, "default", "web")) is not None
