"""Volumes that are there before their claims."""

from typing import Any

from tests.cluster.api.conftest import NOW, Client

from kiban.cluster.cluster import assembled
from kiban.cluster.controllers.persistent_volume import PersistentVolumeController
from kiban.cluster.controllers.persistent_volume_claim import PersistentVolumeClaimController
from kiban.primitives.instants import later

VOLUMES = "/api/v1/persistentvolumes"
CLAIMS = "/api/v1/namespaces/default/persistentvolumeclaims"


def client() -> Client:
    cluster = assembled(7, [PersistentVolumeController(), PersistentVolumeClaimController()])
    cluster.bootstrap(NOW)
    return Client(cluster)


def settle(api: Client) -> None:
    for _ in range(5):
        api.now = later(api.now, 1)
        api.cluster.step(api.now)


def volume(name: str, size: str, **spec: Any) -> dict[str, Any]:
    body = {"capacity": {"storage": size}, "accessModes": ["ReadWriteOnce"], **spec}
    return {"metadata": {"name": name}, "spec": {"hostPath": {"path": "/x"}, **body}}


def claim(name: str, size: str, **spec: Any) -> dict[str, Any]:
    body = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}
    return {"metadata": {"name": name}, "spec": {"storageClassName": "", **body, **spec}}


def test_a_volume_that_no_claim_has_is_available() -> None:
    api = client()
    api("POST", VOLUMES, volume("v", "1Gi"))
    settle(api)
    assert api.json("GET", f"{VOLUMES}/v")["status"]["phase"] == "Available"


def test_a_claim_without_a_class_gets_the_smallest_volume_that_will_do() -> None:
    api = client()
    api("POST", CLAIMS, claim("c", "2Gi"))
    for name, size in (("large", "10Gi"), ("small", "1Gi"), ("right", "3Gi")):
        api("POST", VOLUMES, volume(name, size))
    api("POST", VOLUMES, volume("other", "2Gi", storageClassName="fast"))
    settle(api)
    bound = api.json("GET", f"{CLAIMS}/c")
    assert bound["spec"]["volumeName"] == "right"
    assert bound["status"]["phase"] == "Bound"
    assert bound["status"]["capacity"] == {"storage": "3Gi"}
    assert bound["metadata"]["annotations"] == {
        "pv.kubernetes.io/bind-completed": "yes",
        "pv.kubernetes.io/bound-by-controller": "yes",
    }
    taken = api.json("GET", f"{VOLUMES}/right")
    assert taken["status"]["phase"] == "Bound"
    assert taken["spec"]["claimRef"]["uid"] == bound["metadata"]["uid"]
    api("DELETE", f"{CLAIMS}/c")
    api("PATCH", f"{CLAIMS}/c", {"metadata": {"finalizers": None}},
        content_type="application/merge-patch+json")  # fmt: skip
    settle(api)
    assert api.json("GET", f"{VOLUMES}/right")["status"]["phase"] == "Released"


def test_nothing_is_provisioned_for_a_class_that_has_no_provisioner() -> None:
    api = client()
    path = "/apis/storage.k8s.io/v1/storageclasses"
    api(
        "POST",
        path,
        {"metadata": {"name": "by-hand"}, "provisioner": "kubernetes.io/no-provisioner"},
    )
    api("POST", CLAIMS, claim("c", "1Gi", storageClassName="by-hand"))
    settle(api)
    assert api.json("GET", f"{CLAIMS}/c")["status"]["phase"] == "Pending"
    assert api.json("GET", VOLUMES)["items"] == []
