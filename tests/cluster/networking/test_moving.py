"""A cluster that comes up in another slot takes its services, pods and endpoints along."""

from typing import Any

from kiban.cluster.cluster import Cluster, assembled
from kiban.cluster.networking.addresses import AddressPlan
from kiban.cluster.networking.moving import moved_objects
from kiban.kube.objects import ENDPOINT_SLICE, POD, SERVICE, Key, Manifest
from kiban.primitives.instants import Instant

NOW = Instant(1_800_000_000_000_000)
HERE, THERE = AddressPlan(0), AddressPlan(7)


def service(name: str, address: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "uid": name},
        "spec": {"clusterIP": address, "clusterIPs": [address]},
    }


def cluster(*objects: Manifest, plan: AddressPlan = HERE) -> Cluster:
    found = assembled(1, [], plan=plan)
    for manifest in objects:
        found.store.put(manifest)
    return found


def moved(*objects: Manifest) -> dict[str, Any]:
    found = moved_objects(cluster(*objects).store, THERE)
    return {manifest["metadata"]["name"]: manifest for manifest in found}


def test_a_service_keeps_its_place_within_the_slot() -> None:
    found = moved(service("a", "127.16.240.9"))
    assert found["a"]["spec"] == {"clusterIP": "127.23.240.9", "clusterIPs": ["127.23.240.9"]}


def test_what_has_no_address_of_another_slot_stays_as_it_is() -> None:
    assert moved(service("a", "127.23.240.9"), service("b", "None"), service("c", "10.0.0.1")) == {}


def test_an_address_that_is_taken_already_is_not_given_twice() -> None:
    found = moved(service("a", "127.16.240.9"), service("b", "127.23.240.9"))
    assert list(found) == ["a"]
    assert found["a"]["spec"]["clusterIP"] not in ("127.16.240.9", "127.23.240.9")
    assert THERE.is_service_address(found["a"]["spec"]["clusterIP"])


def test_pods_and_endpoints_move_with_their_services() -> None:
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "default", "uid": "p"},
        "status": {"podIP": "127.16.0.4", "podIPs": [{"ip": "127.16.0.4"}], "hostIP": "10.0.0.1"},
    }
    part = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "s", "namespace": "default", "uid": "s"},
        "endpoints": [{"addresses": ["127.16.0.4"], "conditions": {"ready": True}}],
    }
    found = moved(pod, part)
    assert found["p"]["status"] == {
        "podIP": "127.23.0.4",
        "podIPs": [{"ip": "127.23.0.4"}],
        "hostIP": "10.0.0.1",
    }
    assert found["s"]["endpoints"][0]["addresses"] == ["127.23.0.4"]


def test_a_resumed_cluster_has_every_address_in_its_own_slot() -> None:
    first = cluster()
    first.bootstrap(NOW)
    kept = [(1, manifest) for kind in first.store.kinds() for manifest in first.store.list(kind)]
    second = assembled(2, [], plan=THERE)
    second.store.restore(kept, first.store.revision)
    second.resume(NOW)
    address = second.store.get(Key(*SERVICE, "default", "kubernetes"))
    assert address is not None
    assert THERE.is_service_address(address["spec"]["clusterIP"])
    assert not any(True for _ in moved_objects(second.store, THERE))
    assert {POD, ENDPOINT_SLICE}.isdisjoint(second.store.kinds())
